"""Everything that runs during a run of faults, each a real part in a process of its own that can be killed.

The database and the broker, the SMTP server, two Celery workers with two lanes each, a third for the tick, and beat.
"""

import contextlib
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from config.up import broker as brokers
from config.up.parts import CELERY, LONELY
from tests.faults.plan import Plan
from tests.faults.server import LEASE_SECONDS
from tests.faults.truth import Board
from tests.parts import Missing, end, free_port, wait_until
from tests.parts.postgresql import Cluster

ROOT = Path.cwd()  # the copy that is tried: `python -m tests.faults` runs in its folder
LANES = 2
# The machine never falls here, only processes do: nothing need be on the disk, but everything committed must have left
# the server's own memory.
POSTGRESQL = ("fsync=off", "full_page_writes=off", "max_connections=80", "listen_addresses=")
SECRET_KEY = "for-faults-only-for-faults-only-for-faults-only-50"


class Program:
    """A process that may be killed, with all it started, and started again under the same name."""

    def __init__(self, name: str, command: list[str], env: dict[str, str], folder: Path) -> None:
        self.name = name
        self._command, self._env, self._folder = command, env, folder
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._code = self.process.poll() if self.process else None
        with (self._folder / f"{self.name}.log").open("ab") as log:
            self.process = subprocess.Popen(
                self._command,
                cwd=ROOT,
                env=self._env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                process_group=0,
            )

    def kill(self) -> None:
        """kill -9 of its whole process group."""
        if self.process:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None

    def stop(self) -> None:
        if self.process:
            end(self.process, within=5)
            self.kill()

    def runs(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def has_ended(self) -> bool:
        return self.process is not None and self.process.poll() is not None

    def last_words(self) -> str:
        lines = (self._folder / f"{self.name}.log").read_text(errors="replace").splitlines()
        return f"exit code {self._code}: " + " | ".join(line for line in lines[-6:] if line.strip())

    def children(self) -> list[int]:
        """The processes that it forked: of a worker, its lanes (Linux)."""
        return [pid for pid, parent in _parents() if self.process and parent == self.process.pid]


class Database:
    """PostgreSQL that can be killed, or a file of SQLite, which has nobody to kill."""

    def __init__(self, name: str, folder: Path) -> None:
        self.cluster = Cluster(POSTGRESQL) if name == "postgresql" else None
        self._file = folder / "faults.sqlite3"
        self.url = self.cluster.url if self.cluster else f"sqlite:///{self._file}"

    def start(self) -> None:
        if self.cluster:
            self.cluster.start()

    def is_locked(self) -> bool:
        """Whether somebody is writing: on SQLite one who is frozen as the writer would hold up all others."""
        if self.cluster:
            return False
        with contextlib.closing(sqlite3.connect(self._file, timeout=0.2)) as other:
            try:
                other.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError:
                return True
            other.rollback()
            return False

    def remove(self) -> None:
        if self.cluster:
            self.cluster.remove()


class Stage:
    """Parts in a temporary folder, started one by one; `close` ends them all and keeps the folder if told so."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.folder = Path(tempfile.mkdtemp(prefix="newsroom-faults-"))
        self.database = Database(plan.db, self.folder)
        self.board = Board(self.folder / "board")
        self.truth = self.folder / "truth"
        self.crashed: Counter[str] = Counter()  # parts that ended though nobody had killed them
        self.port = free_port()
        self._broker = brokers.choose(redis_url="", var_dir=self.folder)
        self._lives = 0
        self._programs: dict[str, Program] = {}

    def environment(self, *, machine: int = 1) -> dict[str, str]:
        """Of every part that is ours; `machine`: whose state folder, and so whose journals, it has."""
        return {
            **{name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "COV"))},
            "DJANGO_SETTINGS_MODULE": "tests.faults.settings",
            "DATABASE_URL": self.database.url,
            "REDIS_URL": self._broker.url,
            "EMAIL_URL": f"smtp://127.0.0.1:{self.port}",
            "VAR_DIR": str(self.folder / f"machine-{machine}"),
            "SECRET_KEY": SECRET_KEY,
            "SITE_URL": "http://127.0.0.1:8000",
            "LOG_LEVEL": "INFO",
            "FAULTS_CHUNK": str(self.plan.chunk_size),
            "WINDOW": str(self.plan.window_size),
            "CONNECTIONS": str(self.plan.connections),
            "LANES": str(LANES),
            "LEASE_SECONDS": str(LEASE_SECONDS),
            "EVIDENCE_MINUTES": "0",
            "TICK_SECONDS": "1",
            "PYTHONUNBUFFERED": "1",
            "CELERY_SKIP_CHECKS": "1",
        }

    def start_server(self, *, share: float) -> None:
        """The SMTP server; after a kill, on the same port with the same truth."""
        self._lives += 1
        words = [self.folder, self.port, self.plan.seed, self._lives, share, self.plan.extensions]
        self._start("server", [sys.executable, "-m", "tests.faults.server", *map(str, words)])
        wait_until(self._server_listens, what="the SMTP server", within=20)

    def start_broker(self) -> None:
        if not self._broker.program:
            raise Missing("redis-server")
        if (before := self._programs.get("broker")) and before.runs():
            return
        self._start("broker", self._broker.command(self.folder / "broker"))

    def start_workers(self) -> None:
        self._start("beat", [sys.executable, "-m", "config.up.beat"])
        self.start_tick()
        for name in self.worker_names:
            self.start_worker(name)

    def start_tick(self) -> None:
        self._start("tick", self._worker("tick", "--queues", "default,transactional", "--pool", "threads", "-c", "2"))

    def start_worker(self, name: str) -> None:
        machine = self.worker_names.index(name) + 1 if self.plan.machines == 2 else 1
        options = ("--queues", "send", "--pool", "prefork", "--concurrency", str(LANES))
        self._start(name, self._worker(name, *options), machine=machine)

    @property
    def worker_names(self) -> list[str]:
        return ["worker-1", "worker-2"]

    def kill(self, name: str) -> None:
        self._programs[name].kill()

    def empty_broker(self) -> None:
        """Its memory and its file: as a Redis without persistence comes back."""
        shutil.rmtree(self.folder / "broker", ignore_errors=True)

    def flush_broker(self) -> None:
        import redis

        with redis.Redis.from_url(self._broker.url.replace("redis+socket", "unix"), socket_timeout=2) as client:
            client.flushall()

    def lanes(self, rng: random.Random) -> list[int]:
        """The processes of all lanes, in random order."""
        found = [pid for name in self.worker_names for pid in self._programs[name].children()]
        rng.shuffle(found)
        return found

    def mend(self) -> list[str]:
        """Start again what ended by itself, which no part should; what each of them said last."""
        ended = [(name, program) for name, program in self._programs.items() if program.has_ended()]
        for name, program in ended:
            self.crashed[name] += 1
            program.start()
        return [f"{name}: {program.last_words()}" for name, program in ended]

    def close(self, *, keep: bool = False) -> None:
        for name in sorted(self._programs, key=lambda name: name in ("broker", "server")):  # lanes end before these
            self._programs[name].stop()
        self.board.close()
        self.database.remove()
        if not keep:
            shutil.rmtree(self.folder, ignore_errors=True)

    def _worker(self, name: str, *options: str) -> list[str]:
        return [*CELERY, "worker", "--hostname", f"{name}@faults", *LONELY, *options]

    def _start(self, name: str, command: list[str], *, machine: int = 1) -> None:
        env = self.environment(machine=machine)
        Path(env["VAR_DIR"]).mkdir(parents=True, exist_ok=True)
        self._programs[name] = Program(name, command, env, self.folder)
        self._programs[name].start()

    def _server_listens(self) -> bool:
        from socket import create_connection

        if self._programs["server"].has_ended():  # the port may still be held by one who is just dying
            self._programs["server"].start()
            time.sleep(0.1)
        try:
            create_connection(("127.0.0.1", self.port), timeout=1).close()
        except OSError:
            return False
        return True


def _parents() -> list[tuple[int, int]]:
    """Every process and its parent."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            text = entry.read_text()
            found.append((int(entry.parent.name), int(text.rpartition(")")[2].split()[1])))
    return found

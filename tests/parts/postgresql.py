"""A throw-away PostgreSQL cluster on a socket of its own; nothing of an installed service is touched."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from tests.parts import Missing, wait_until

# Nothing here outlives the run, so nothing need survive a crash.
CARELESS = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=60", "listen_addresses=")


def programs() -> Path | None:
    """The folder of initdb and postgres: on the PATH, else where Debian and others put the newest version."""
    candidates = [Path(found).resolve().parent for name in ("initdb", "postgres") if (found := shutil.which(name))]
    candidates += sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: -int(path.parent.name))
    candidates += [Path("/opt/homebrew/bin"), Path("/usr/local/pgsql/bin")]
    return next((path for path in candidates if (path / "initdb").exists() and (path / "postgres").exists()), None)


class Cluster:
    """One in a folder of its own, which may be killed and started again. Raises Missing without PostgreSQL."""

    def __init__(self, settings: Iterable[str] = CARELESS) -> None:
        bin_ = programs()
        if bin_ is None:
            raise Missing("PostgreSQL")
        self._bin, self._who, self._settings = bin_, _owner(), tuple(settings)
        self._process: subprocess.Popen[bytes] | None = None
        self.folder = Path(tempfile.mkdtemp(prefix="newsroom-pg-"))
        if self._who:
            os.chown(self.folder, self._who["user"], self._who["group"])
        options = ("-U", "newsroom", "-A", "trust", "-E", "UTF8", "--no-sync")
        _run([bin_ / "initdb", "-D", self.folder / "data", *options], self._who)

    @property
    def url(self) -> str:
        """The DATABASE_URL of its empty database."""
        return f"postgresql://newsroom@{quote(str(self.folder), safe='')}:5432/postgres"

    def start(self) -> None:
        """Until it lets us in. After a kill its last children hold their shared memory for a moment: it tries again."""
        wait_until(self._lets_in, what=f"PostgreSQL (its log is {self.folder / 'log'})")

    def kill(self) -> None:
        """kill -9 of its first process: the others end when they notice."""
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None

    def stop(self) -> None:
        if self._process:
            self._process.send_signal(signal.SIGINT)  # "fast": it drops who is still connected
            self._process.wait(timeout=30)
            self._process = None

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _lets_in(self) -> bool:
        import psycopg

        if self._process is None or self._process.poll() is not None:
            self._process = self._spawn()
        try:
            psycopg.connect(host=str(self.folder), user="newsroom", dbname="postgres", connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def _spawn(self) -> "subprocess.Popen[bytes]":
        settings = (*self._settings, f"unix_socket_directories={self.folder}")
        words = [word for setting in settings for word in ("-c", setting)]
        with (self.folder / "log").open("ab") as log:
            command = [self._bin / "postgres", "-D", self.folder / "data", *words]
            return subprocess.Popen(command, stdout=log, stderr=log, cwd=self.folder, **self._who)


@contextmanager
def cluster() -> Iterator[str]:
    """The DATABASE_URL of an empty database on a cluster that runs meanwhile. Raises Missing."""
    one = Cluster()
    try:
        one.start()
        yield one.url
    finally:
        one.remove()


def _owner() -> dict[str, int]:
    """PostgreSQL refuses to run as root: then it runs as its own user, or as nobody."""
    if os.geteuid() != 0:
        return {}
    names = {entry.pw_name: entry for entry in pwd.getpwall()}
    entry = names.get("postgres") or names["nobody"]
    return {"user": entry.pw_uid, "group": entry.pw_gid}


def _run(command: list[str | Path], who: dict[str, int]) -> None:
    env = {**os.environ, "LC_ALL": "C.UTF-8"}
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd="/", env=env, **who)
    if done.returncode:
        raise RuntimeError(f"{command[0]} failed:\n{done.stdout}")

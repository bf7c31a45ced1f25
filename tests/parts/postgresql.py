"""A throw-away PostgreSQL cluster on a socket of its own; nothing of an installed service is touched."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
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


@contextmanager
def cluster() -> Iterator[str]:
    """The DATABASE_URL of an empty database. Raises Missing where PostgreSQL is not installed."""
    bin_ = programs()
    if bin_ is None:
        raise Missing("PostgreSQL")
    who = _owner()
    folder = Path(tempfile.mkdtemp(prefix="newsroom-pg-"))
    if who:
        os.chown(folder, who["user"], who["group"])
    try:
        _run([bin_ / "initdb", "-D", folder / "data", "-U", "newsroom", "-A", "trust", "-E", "UTF8", "--no-sync"], who)
        settings = [word for setting in (*CARELESS, f"unix_socket_directories={folder}") for word in ("-c", setting)]
        log = (folder / "log").open("wb")
        server = subprocess.Popen(
            [bin_ / "postgres", "-D", folder / "data", *settings], stdout=log, stderr=log, cwd=folder, **who
        )
        try:
            _wait(server, bin_, folder)
            yield f"postgresql://newsroom@{quote(str(folder), safe='')}:5432/postgres"
        finally:
            server.send_signal(signal.SIGINT)  # "fast": it drops who is still connected
            server.wait(timeout=30)
            log.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


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


def _wait(server: "subprocess.Popen[bytes]", bin_: Path, folder: Path) -> None:
    import psycopg

    def accepts() -> bool:
        if server.poll() is not None:
            raise RuntimeError(f"PostgreSQL did not start:\n{(folder / 'log').read_text()}")
        try:
            psycopg.connect(host=str(folder), user="newsroom", dbname="postgres", connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    wait_until(accepts, what="PostgreSQL")

"""The servers that take the mail, and smtp-source, the generator written in C that is our measure."""

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from benchmarks.measure import Used, child
from tests.parts import Missing, free_port, wait_until

SESSIONS = 10
_FOLDERS = ("/usr/sbin", "/usr/lib/postfix/sbin", "/usr/libexec/postfix", "/usr/local/sbin")


def program(name: str) -> str:
    """Where it is. Raises Missing, which says how to get it."""
    found = shutil.which(name) or shutil.which(name, path=os.pathsep.join(_FOLDERS))
    if not found:
        raise Missing(f"{name} (Debian: apt install postfix)")
    return found


@contextmanager
def smtp_sink() -> Iterator[int]:
    """The port of a smtp-sink that throws everything away."""
    port = free_port()
    user = ["-u", "nobody"] if os.geteuid() == 0 else []  # it refuses to run as root
    with _serving([program("smtp-sink"), *user, f"127.0.0.1:{port}", "256"], port):
        yield port


@contextmanager
def null_sink(processes: int = 2) -> Iterator[int]:
    """The port of our own, which only looks for the end of DATA."""
    port = free_port()
    with _serving([sys.executable, "-m", "benchmarks.null_server", str(port), str(processes)], port):
        yield port


def smtp_source(message: Path, port: int, count: int) -> Used:
    """smtp-source sends the message so many times in ten sessions; what it used."""
    command = [program("smtp-source"), "-d", "-F", str(message), "-s", str(SESSIONS), "-m", str(count)]
    with child([*command, "-f", "bench@example.org", "-t", "reader@example.org", f"127.0.0.1:{port}"]) as used:
        pass
    return used


def as_file(message: bytes, folder: Path) -> Path:
    """The message as smtp-source reads it: lines end in LF, which it sends as CRLF."""
    file = folder / "message.eml"
    file.write_bytes(message.replace(b"\r\n", b"\n"))
    return file


@contextmanager
def _serving(command: list[str], port: int) -> Iterator[None]:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, process_group=0)
    try:
        wait_until(lambda: _listens(port) or process.poll() is not None, what=command[0])
        if process.returncode is not None:
            raise RuntimeError(f"{command[0]} ended at once; its words are above.")
        yield
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=10)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0

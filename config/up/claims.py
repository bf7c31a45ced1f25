"""What one running copy claims for itself: its state folder and its ports. Checked before anything is started."""

import errno
import fcntl
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from config.up import CannotStart


@contextmanager
def state_folder(folder: Path) -> Iterator[None]:
    """Hold `folder` for this process alone; raises CannotStart naming the process that has it already.

    The lock is the kernel's and ends with the process, however it ends; the pid inside is only for people.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = os.open(folder / "up.lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise CannotStart(f"VAR_DIR={folder} cannot be written ({error.strerror}). Set VAR_DIR to another.") from error
    try:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(file, 20, 0).decode() or "unknown"
            raise CannotStart(
                f"Another copy (process {holder}) is running on VAR_DIR={folder}. Stop it, or set VAR_DIR, PORT and "
                "INBOX_PORT to others for this one."
            ) from None
        os.ftruncate(file, 0)
        os.pwrite(file, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(file)


def ports_are_free(*, host: str, ports: dict[str, int]) -> None:
    """Raises CannotStart if a port is taken; `ports` maps the variable that sets a port to its number."""
    for variable, port in ports.items():
        for other, number in ports.items():
            if other != variable and number == port:
                raise CannotStart(f"{variable} and {other} are both {port}. Set one of them to another port.")
        _try(host if variable == "PORT" else "127.0.0.1", port, variable)


def _try(host: str, port: int, variable: str) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the servers do: a port just left is free
        try:
            probe.bind((host, port))
        except OSError as error:
            reason = "is in use" if error.errno == errno.EADDRINUSE else f"cannot be used ({error.strerror})"
            raise CannotStart(
                f"Port {port} on {host} {reason}. Set {variable} to another, "
                f"for example {variable}={another(port)} python3 run.py"
            ) from error


def another(port: int) -> int:
    return port + 1 if 1024 <= port < 65535 else 8080

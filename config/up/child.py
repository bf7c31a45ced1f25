"""One child process: started on a leash, its lines shown under its name, stopped by its own pid."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from threading import Thread

Show = Callable[[str, str], None]  # (name, line)

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


class Child:
    """A part of the newsroom that runs as a process of its own, in a process group of its own.

    Its group keeps the terminal's Ctrl-C from it: only the supervisor decides in which order the parts stop.
    Without `show` its lines are only kept, the last of them, for the hour of its death.
    """

    def __init__(self, name: str, command: Sequence[str], *, env: dict[str, str], show: Show | None = None) -> None:
        self.name = name
        self.command = list(command)
        self.env = env
        self.show = show
        self.last_lines: deque[str] = deque(maxlen=20)
        self.started_at = 0.0
        self._process: subprocess.Popen[bytes] | None = None
        self._reader: Thread | None = None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Start it. Only from the main thread: the leash breaks when the thread that forked ends."""
        parent = os.getpid()
        self._process = subprocess.Popen(  # noqa: S603  (our own parts.py names every command)
            self.command,
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            process_group=0,
            preexec_fn=(lambda: _leash(parent)) if _libc else None,
        )
        self.started_at = time.monotonic()
        self._reader = Thread(target=self._read, args=(self._process,), name=f"log of {self.name}", daemon=True)
        self._reader.start()

    def exit_code(self) -> int | None:
        """None while it runs (or was never started); a negative number is the signal that ended it."""
        return self._process.poll() if self._process else None

    def runs(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def lifetime(self) -> float:
        return time.monotonic() - self.started_at

    def stop(self) -> None:
        """Ask it to end; what it spawned is its own to end."""
        if self._process and self.runs():
            self._process.terminate()

    def kill(self) -> None:
        """End it and whatever is left of its group, now; also for a child that has ended and left somebody behind."""
        if self._process is None:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._process = None  # its number may soon be somebody else's

    def finish_reading(self) -> None:
        """Wait a moment for its last lines."""
        if self._reader:
            self._reader.join(timeout=1)

    def _read(self, process: subprocess.Popen[bytes]) -> None:
        if process.stdout is None:
            return
        with process.stdout as lines:
            for raw in lines:
                line = raw.decode("utf-8", "replace").rstrip()
                self.last_lines.append(line)
                if self.show:
                    self.show(self.name, line)


def _leash(parent: int) -> None:
    """In the child: be ended by the kernel when the supervisor dies, even by kill -9 (Linux)."""
    if _libc is not None:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # it died before the leash was on
            os._exit(1)

"""A lane in a forked child of ours that stops, dead or frozen, right before its k-th step.

A step is whatever the outside can see of a lane: an exchange with the database, a record in the journal, bytes on the
wire, a reply from it. They are counted by wrappers around the standard library's and the database driver's own
functions, which are installed in the child only: the product knows nothing of them.
"""

import functools
import os
import signal
import socket
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import OperationalError, connection, connections

FROZEN, ENDED = "frozen", "ended"
_SENDS = ("send", "sendall", "sendmsg")
_OS = ("write", "open", "unlink")
LONGEST = 60  # seconds a child may live: a hang is a fault, too


class Steps:
    """Counts, and acts before the step of that number (0: never). Awake again it is cut off from the database for so
    many seconds: then only its own clock tells it that its lease has run out."""

    def __init__(self, at: int, act: Callable[[], None], *, between_transactions: bool, then_cut_off: float) -> None:
        self.count = 0
        self._at, self._act, self._between = at, act, between_transactions
        self._then_cut_off = then_cut_off
        self._cut_off_until = 0.0

    def __call__(self) -> None:
        self.count += 1
        if self._at and self.count >= self._at and not (self._between and _in_transaction()):
            self._at = 0
            self._act()
            self._cut_off_until = time.monotonic() + self._then_cut_off

    def install(self) -> None:
        for name in _SENDS:
            self._before(socket.socket, name)
        self._after(socket.socket, "recv")
        self._after(socket.socket, "recv_into")
        for name in _OS:
            self._before(os, name)
        if connection.vendor == "sqlite":
            from django.db.backends.sqlite3.base import DatabaseWrapper, SQLiteCursorWrapper

            for name in ("execute", "executemany"):
                self._before(SQLiteCursorWrapper, name, database=True)
            for name in ("_commit", "_rollback", "_start_transaction_under_autocommit"):
                self._before(DatabaseWrapper, name, database=True)
        else:
            import psycopg

            self._before(psycopg.Connection, "wait", database=True)

    def _before(self, owner: Any, name: str, *, database: bool = False) -> None:
        function = getattr(owner, name)

        @functools.wraps(function)
        def counted(*args: Any, **kwargs: Any) -> Any:
            self()
            if database and time.monotonic() < self._cut_off_until:
                raise OperationalError("cut off from the database")
            return function(*args, **kwargs)

        setattr(owner, name, counted)

    def _after(self, owner: Any, name: str) -> None:
        """When something was read: looking in vain is no step."""
        function = getattr(owner, name)

        @functools.wraps(function)
        def counted(*args: Any, **kwargs: Any) -> Any:
            result = function(*args, **kwargs)
            if result:
                self()
            return result

        setattr(owner, name, counted)


class Lane:
    """The child. Make it with no database connection open."""

    def __init__(
        self,
        campaign_id: int,
        *,
        at: int = 0,
        freeze: bool = False,
        then_cut_off: float = 0.0,
        log: Path,
        own: dict[str, Any],
    ) -> None:
        """`own`: settings that differ from ours."""
        connections.close_all()
        sys.stdout.flush()
        self.pid = os.fork()
        if self.pid == 0:
            _live(campaign_id, at=at, freeze=freeze, then_cut_off=then_cut_off, log=log, own=own)

    def wait(self) -> tuple[str, int]:
        """Until it is frozen or has ended; the exit code is negative for a signal."""
        _, status = os.waitpid(self.pid, os.WUNTRACED)
        if os.WIFSTOPPED(status):
            return FROZEN, 0
        return ENDED, os.waitstatus_to_exitcode(status)

    def thaw(self) -> int:
        os.kill(self.pid, signal.SIGCONT)
        return self.wait()[1]


def _live(campaign_id: int, *, at: int, freeze: bool, then_cut_off: float, log: Path, own: dict[str, Any]) -> None:
    """The child's whole life; it never returns."""
    code = 3
    try:
        signal.alarm(LONGEST)
        with log.open("ab") as file:
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
        for name, value in own.items():
            setattr(settings, name, value)
        end = signal.SIGSTOP if freeze else signal.SIGKILL
        act = functools.partial(os.kill, os.getpid(), end)
        steps = Steps(at, act, between_transactions=freeze, then_cut_off=then_cut_off)
        from newsletter import tasks
        from newsletter.sending import due
        from newsletter.sending.clock import database_now

        if at:
            steps.install()
        else:
            due.tick(now=database_now())
        tasks.send(campaign_id=campaign_id)
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def _in_transaction() -> bool:
    """A frozen writer would hold up everybody: those stop at their next step outside of a transaction."""
    if connection.in_atomic_block:
        return True
    raw = connection.connection
    if raw is None:
        return False
    if connection.vendor == "sqlite":
        return bool(raw.in_transaction)
    return raw.info.transaction_status.name not in ("IDLE", "ACTIVE", "UNKNOWN")

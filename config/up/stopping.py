"""Being asked to stop: Ctrl-C, SIGTERM or a closed terminal once; a second time means at once."""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Stopped(BaseException):
    """Asked to stop in the middle of something that can be left where it is."""


class Stop:
    """Counts the requests. It raises only inside `can_be_left()`: elsewhere a child might be lost half-started."""

    def __init__(self) -> None:
        self.asked = 0
        self._may_raise = False

    def listen(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) is not signal.SIG_IGN:  # nohup stays nohup
                signal.signal(number, self._heard)

    def _heard(self, number: int, frame: FrameType | None) -> None:
        self.asked += 1
        if self._may_raise:
            self._may_raise = False
            raise Stopped

    @contextmanager
    def can_be_left(self) -> Iterator[None]:
        """Leave the block at once when asked to stop, or do not enter it if that was asked before."""
        if self.asked:
            raise Stopped
        self._may_raise = True
        try:
            yield
        finally:
            self._may_raise = False

    def pause(self, seconds: float = 0.1) -> None:
        """Wait a moment; raises Stopped when asked to stop before or meanwhile."""
        if not self.asked:
            time.sleep(seconds)
        if self.asked:
            raise Stopped

    def in_a_hurry(self) -> bool:
        return self.asked > 1

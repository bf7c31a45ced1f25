"""How many letters to open at once: a window, but towards a slow relay only what leaves within two seconds.

A letter that waits long between its opening and its dot may reach somebody who has left meanwhile.
"""

import math
import time

AHEAD = 2.0  # seconds of mail
MEASURED_OVER = 0.5
LEAST = 0.05  # a rate measured over less is a guess
FIRST = 10  # nothing is known yet


class Pace:
    """The rate at which a lane's letters end."""

    def __init__(self) -> None:
        self._since = time.monotonic()
        self._count = 0
        self._rate = FIRST / AHEAD

    def count(self) -> None:
        self._count += 1

    def window(self, most: int) -> int:
        """From 1 to `most`."""
        now = time.monotonic()
        span = now - self._since
        recent = self._count / max(span, LEAST)
        if span >= MEASURED_OVER:
            self._rate, self._count, self._since = recent, 0, now
        return min(most, max(1, math.ceil(AHEAD * max(self._rate, recent))))

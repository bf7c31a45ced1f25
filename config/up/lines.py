"""What `up` prints: a line at a time from many threads, each under the name of its part."""

import sys
import time
from threading import Lock
from typing import TextIO

WIDTH = 6  # the longest name
COLOURS = ("36", "35", "34", "33", "32", "31")  # cyan first; only on a terminal


class Lines:
    def __init__(self, out: TextIO | None = None) -> None:
        self._out = out or sys.stdout
        self._lock = Lock()
        self._colours: dict[str, str] = {}
        self._coloured = self._out.isatty()

    def show(self, name: str, line: str) -> None:
        prefix = f"{time.strftime('%H:%M:%S')} {name:{WIDTH}} |"
        if self._coloured:
            colour = self._colours.setdefault(name, COLOURS[len(self._colours) % len(COLOURS)])
            prefix = f"\033[{colour}m{prefix}\033[0m"
        self.plain(f"{prefix} {line}")

    def say(self, line: str) -> None:
        """A line of the supervisor's own."""
        self.show("up", line)

    def plain(self, text: str) -> None:
        with self._lock:
            self._out.write(text + "\n")
            self._out.flush()

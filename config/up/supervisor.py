"""Watches the children: restarts the dead with back-off, gives up on the hopeless, stops all in order and in time."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from config.up.child import Child

QUICK = 10.0  # seconds; a child that lived less died quickly
GIVE_UP_AFTER = 3  # quick deaths in a row
STOP_SECONDS = 8.0  # for all floors together, so that everything ends within 10 s
FLOOR_SECONDS = 0.6  # what a floor has at least, when those before it took their time


class GaveUp(Exception):
    """A child died quickly three times in a row; its last lines are in the message."""


def next_try(*, quick_deaths: int, lived: float) -> tuple[int, float | None]:
    """After a death: the quick deaths in a row now, and the seconds to wait before the next start (None: give up)."""
    deaths = quick_deaths + 1 if lived < QUICK else 0
    return deaths, None if deaths >= GIVE_UP_AFTER else float(2 ** max(deaths - 1, 0))


@dataclass
class _Watched:
    child: Child
    floor: int
    quick_deaths: int = 0
    start_at: float | None = None  # when set: dead, and due to be started then


@dataclass
class Supervisor:
    """Children on floors: everything on floor 1 stops before anything on floor 2, and so on; the broker is last."""

    say: Callable[[str], None]
    _watched: list[_Watched] = field(default_factory=list)

    def start(self, child: Child, *, floor: int) -> None:
        self._watched.append(_Watched(child, floor))
        child.start()

    def watch(self) -> None:
        """Look after every child once. Raises GaveUp when one is hopeless."""
        for watched in self._watched:
            if watched.start_at is not None:
                if time.monotonic() >= watched.start_at:
                    watched.start_at = None
                    watched.child.start()
            elif watched.child.exit_code() is not None:
                self._died(watched)

    def _died(self, watched: _Watched) -> None:
        child, code = watched.child, watched.child.exit_code()
        child.kill()  # its own children, if it left some behind, must not stand in the way of the next one
        child.finish_reading()
        watched.quick_deaths, wait = next_try(quick_deaths=watched.quick_deaths, lived=child.lifetime())
        if wait is None:
            raise GaveUp(
                f"{child.name} died {GIVE_UP_AFTER} times at its start ({ended(code)}). Its last lines:{tail(child)}"
            )
        silent = "" if child.show else f" Its last lines:{tail(child)}"
        self.say(f"{child.name} died ({ended(code)}); it is started again in {wait:.0f} s.{silent}")
        watched.start_at = time.monotonic() + wait

    def stop(self, *, hurry: Callable[[], bool] = lambda: False) -> None:
        """Stop every child, floor by floor; kill what has not ended in time, or at once when `hurry()` says so."""
        deadline = time.monotonic() + STOP_SECONDS
        for floor in sorted({watched.floor for watched in self._watched}):
            children = [watched.child for watched in self._watched if watched.floor == floor]
            for child in children:
                child.stop()
            self._wait(children, until=max(deadline, time.monotonic() + FLOOR_SECONDS), hurry=hurry)
            for child in children:
                if child.runs():
                    self.say(f"{child.name} did not stop in time and was killed")
                child.kill()
                child.finish_reading()

    @staticmethod
    def _wait(children: Iterable[Child], *, until: float, hurry: Callable[[], bool]) -> None:
        while any(child.runs() for child in children) and time.monotonic() < until and not hurry():
            time.sleep(0.05)


def ended(code: int | None) -> str:
    return f"signal {-code}" if code is not None and code < 0 else f"exit code {code}"


def tail(child: Child) -> str:
    return "".join(f"\n    {line}" for line in child.last_lines) or " none."

"""The supervisor over tiny real processes."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.up import supervisor as supervision
from config.up.child import Child
from config.up.supervisor import GaveUp, Supervisor, next_try
from tests.parts import wait_until

STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
POLITE = "import time; print('up', flush=True); time.sleep(60)"


class Room:
    """A supervisor, what it said, and what its children said."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.lines: list[str] = []
        self.supervisor = Supervisor(say=self.said.append)

    def start(self, name: str, code: str, *, floor: int = 0) -> Child:
        child = Child(
            name, [sys.executable, "-S", "-c", code], env=dict(os.environ), show=lambda who, line: self._note(who, line)
        )
        self.supervisor.start(child, floor=floor)
        return child

    def _note(self, who: str, line: str) -> None:
        self.lines.append(f"{who}: {line}")

    def watch_until(self, true: object) -> None:
        def watched() -> bool:
            self.supervisor.watch()
            return bool(true() if callable(true) else true)

        wait_until(watched, within=15, what="the supervisor")


@pytest.fixture
def room() -> Iterator[Room]:
    opened = Room()
    yield opened
    opened.supervisor.stop(hurry=lambda: True)


@pytest.mark.parametrize(
    ("quick_deaths", "lived", "expected"),
    [(0, 3600, (0, 1.0)), (0, 2, (1, 1.0)), (1, 2, (2, 2.0)), (2, 2, (3, None)), (2, 11, (0, 1.0))],
    ids=["after a long life", "first quick death", "second waits longer", "third is the last", "a long life forgives"],
)
def test_waits_longer_after_each_quick_death(
    quick_deaths: int, lived: float, expected: tuple[int, float | None]
) -> None:
    assert next_try(quick_deaths=quick_deaths, lived=lived) == expected


def test_a_dead_child_is_started_again(room: Room) -> None:
    child = room.start("web", POLITE)
    wait_until(lambda: room.lines == ["web: up"], what="its first line")
    first = child.pid
    assert first
    os.kill(first, 9)
    room.watch_until(lambda: room.lines == ["web: up", "web: up"])
    assert child.pid != first
    assert room.said == ["web died (signal 9); it is started again in 1 s."]


def test_three_quick_deaths_end_all_with_the_last_lines(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervision, "next_try", _impatient)
    room.start("web", "print('no such table'); raise SystemExit(3)")
    with pytest.raises(GaveUp, match=r"web died 3 times at its start \(exit code 3\)") as gave_up:
        room.watch_until(False)
    assert str(gave_up.value).count("no such table") == 3


def _impatient(*, quick_deaths: int, lived: float) -> tuple[int, float | None]:
    deaths, wait = next_try(quick_deaths=quick_deaths, lived=lived)
    return deaths, None if wait is None else 0.05


def test_stops_floor_by_floor_and_leaves_nobody(room: Room, tmp_path: Path) -> None:
    note = "import atexit, signal, sys, time; signal.signal(signal.SIGTERM, lambda *a: sys.exit(0)); " + (
        "atexit.register(lambda: open({path!r}, 'a').write({name!r})); print('up', flush=True); time.sleep(60)"
    )
    log = str(tmp_path / "order")
    children = [room.start(name, note.format(path=log, name=name), floor=floor) for floor, name in enumerate("wib")]
    wait_until(lambda: len(room.lines) == 3, what="three children")
    room.supervisor.stop()
    assert Path(log).read_text() == "wib"
    assert not any(child.runs() for child in children)


def test_a_child_that_will_not_stop_is_killed_in_time(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervision, "STOP_SECONDS", 0.5)
    child = room.start("send", STUBBORN)
    wait_until(lambda: room.lines == ["send: up"], what="its first line")
    begun = time.monotonic()
    room.supervisor.stop()
    assert time.monotonic() - begun < 3
    assert not child.runs()
    assert room.said == ["send did not stop in time and was killed"]


def test_in_a_hurry_it_kills_at_once(room: Room) -> None:
    room.start("send", STUBBORN)
    wait_until(lambda: room.lines == ["send: up"], what="its first line")
    begun = time.monotonic()
    room.supervisor.stop(hurry=lambda: True)
    assert time.monotonic() - begun < 3


def test_what_a_killed_child_had_spawned_ends_with_it(room: Room) -> None:
    spawn = (
        f"import subprocess, sys; p = subprocess.Popen([sys.executable, '-S', '-c', {STUBBORN!r}]); "
        "print(p.pid, flush=True); p.wait()"
    )
    child = room.start("send", spawn)
    wait_until(lambda: len(room.lines) == 2, what="parent and child")
    grandchild = int(next(line for line in room.lines if line != "send: up").split()[-1])
    child.kill()
    wait_until(lambda: not _lives(grandchild), within=5, what="the end of the grandchild")


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.mark.skipif(sys.platform != "linux", reason="the leash is the Linux kernel's")
def test_the_children_of_a_killed_supervisor_end_too(tmp_path: Path) -> None:
    script = (
        "import os, sys, time\n"
        "from config.up.child import Child\n"
        "child = Child('web', [sys.executable, '-S', '-c', 'import time; time.sleep(60)'], env=dict(os.environ))\n"
        "child.start(); print(child.pid, flush=True); time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout
        pid = int(parent.stdout.readline())
        assert _lives(pid)
        parent.kill()
    wait_until(lambda: not _lives(pid), within=5, what="the end of the orphan")

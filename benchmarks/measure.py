"""CPU time and memory of processes, from /proc (Linux)."""

import os
import resource
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

_TICK = os.sysconf("SC_CLK_TCK")


@dataclass
class Used:
    """What ran while it was measured: seconds on the clock, CPU-seconds, highest memory of one process (MB)."""

    seconds: float = 0.0
    cpu: float = 0.0
    peak_mb: float = 0.0


def family(pid: int) -> list[int]:
    """The process and all that hang below it."""
    children: dict[int, list[int]] = {}
    for each in _pids():
        if stat := _stat(each):
            children.setdefault(int(stat[1]), []).append(each)
    found, todo = [], [pid]
    while todo:
        found.append(current := todo.pop())
        todo += children.get(current, [])
    return found


def cpu_of(pid: int) -> float:
    """CPU-seconds of the process, of all below it, and of those below it that have ended."""
    return sum(sum(map(int, stat[11:15])) for each in family(pid) if (stat := _stat(each))) / _TICK


def peak_mb(pid: int) -> float:
    """The most memory (resident) that one process of the family has held."""
    return max((_status_kb(each, "VmHWM") for each in family(pid)), default=0) / 1024


def forget_peaks(pid: int) -> None:
    """From now on the peaks count anew."""
    for each in family(pid):
        (Path("/proc") / str(each) / "clear_refs").write_text("5")


@contextmanager
def child(command: list[str]) -> Iterator[Used]:
    """Run the command to its end; what it used is there afterwards. Raises CalledProcessError with its words."""
    used = Used()
    yield used
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), perf_counter()
    done = subprocess.run(command, capture_output=True, text=True)
    used.seconds, after = perf_counter() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
    used.cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    if done.returncode:
        raise RuntimeError(f"{command[0]} failed ({done.returncode}): {(done.stderr or done.stdout)[-400:]}")


def _pids() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def _stat(pid: int) -> list[str]:
    """The fields after the command's name: state, parent, ...; 11 to 14 are CPU ticks, own and of ended children."""
    try:
        return (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _status_kb(pid: int, name: str) -> int:
    try:
        lines = (Path("/proc") / str(pid) / "status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith(f"{name}:")), 0)

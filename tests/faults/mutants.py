"""The checks can fail: each rule of the protocol is taken out in a copy of the tree, and a run must notice within three
seeds. `make faults MUTANTS=1` prints a table; ONLY=name takes those whose names hold the word.
"""

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.faults.plan import Plan
from tests.faults.wounds import WOUNDS, Edit, Wound

SEEDS = (1, 2, 3)
LONGEST = 420  # seconds of one run
BROKEN = 1  # the exit code of a run that found a broken promise
NOT_COPIED = shutil.ignore_patterns(
    ".git", ".venv", "var", "__pycache__", ".*_cache", ".hypothesis", "node_modules", "*.sqlite3", "docs"
)


@dataclass(frozen=True)
class Hunt:
    """How a mutant fared: the seed that caught it (none: it survives) and what it said."""

    wound: Wound
    seed: int | None
    said: str
    seconds: float

    @property
    def row(self) -> str:
        fate = f"caught by seed {self.seed}" if self.seed else "SURVIVES"
        return f"{self.wound.name:36} {fate:18} {self.seconds:5.0f} s  {self.said}"


def hunt(plan: Plan, *, say: Callable[[str], None]) -> int:
    """All of them, one after the other; 1 when one survives."""
    hunts = []
    for wound in WOUNDS:
        if plan.only in wound.name:
            hunts.append(chase(wound))
            say(hunts[-1].row)
    caught = sum(each.seed is not None for each in hunts)
    say(f"{caught} of {len(hunts)} mutants caught")
    return 0 if hunts and caught == len(hunts) else 1


def chase(wound: Wound) -> Hunt:
    began = time.monotonic()
    said = ""
    with tempfile.TemporaryDirectory(prefix="newsroom-mutant-") as name:
        tree = Path(name, "tree")
        shutil.copytree(Path.cwd(), tree, ignore=NOT_COPIED, symlinks=False)
        for edit in wound.edits:
            apply(edit, tree)
        for seed in SEEDS:
            code, said = run(wound, seed, tree)
            if code == BROKEN:
                return Hunt(wound, seed, said, time.monotonic() - began)
    return Hunt(wound, None, said, time.monotonic() - began)


def apply(edit: Edit, tree: Path) -> None:
    """Raises ValueError when the text does not stand in the file exactly once."""
    file = tree / edit.file
    text = file.read_text()
    if text.count(edit.old) != 1:
        raise ValueError(f"{edit.file} holds {text.count(edit.old)} times what the mutant changes: {edit.old!r}")
    file.write_text(text.replace(edit.old, edit.new))


def run(wound: Wound, seed: int, tree: Path) -> tuple[int, str]:
    """The run's exit code and, of a broken promise, its name."""
    command = [sys.executable, "-m", "tests.faults", f"DB={wound.db}", f"SEED={seed}", *wound.words.split(), "KEEP=0"]
    try:
        done = subprocess.run(command, cwd=tree, capture_output=True, text=True, timeout=LONGEST)
    except subprocess.TimeoutExpired:
        return -1, f"still running after {LONGEST} s"
    broken = next((line for line in done.stdout.splitlines() if line.startswith("Broken: ")), "")
    if done.returncode == BROKEN:
        return BROKEN, broken.removeprefix("Broken: ").partition(".")[0]
    last = (done.stderr.strip().splitlines() or [""])[-1]
    return done.returncode, "all well" if done.returncode == 0 else f"exit code {done.returncode}: {last[:150]}"

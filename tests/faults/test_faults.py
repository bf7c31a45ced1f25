"""Short runs of `make faults`, each a program of its own with real parts of its own (docs/faults.md)."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.faults import seeds
from tests.parts import leave_out, postgresql

ROOT = Path(__file__).resolve().parents[2]
PROMISES = ("lost", "unsettled", "doubled_outside_doubt", "mailed_after_leaving", "mixed_up")
DATABASES = ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)]
STRANGE = ("DATABASE_URL", "VAR_DIR", "DJANGO_SETTINGS_MODULE", "SECRET_KEY", "EMAIL_URL", "REDIS_URL")


@pytest.fixture
def faults() -> Callable[..., dict[str, Any]]:
    """Runs the program with these words and gives its last line; fails with all its lines when a promise is broken."""

    def run(db: str, *words: str) -> dict[str, Any]:
        if db == "postgresql" and postgresql.programs() is None:
            leave_out("PostgreSQL")
        env = {name: value for name, value in os.environ.items() if name not in STRANGE}
        command = [sys.executable, "-m", "tests.faults", f"DB={db}", *words]
        done = subprocess.run(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode:
            pytest.fail(f"{' '.join(words)}: exit code {done.returncode}\n{done.stdout[-6000:]}")
        figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return figures

    return run


def kept(figures: dict[str, Any]) -> bool:
    return not any(figures[name] for name in PROMISES) and figures["doubts"] <= figures["broken_connections"]


@pytest.mark.redis
@pytest.mark.parametrize("db", DATABASES)
def test_nobody_is_lost_or_doubled_while_everything_around_is_killed(db: str, faults) -> None:
    figures = faults(db, "RECIPIENTS=300", "FAULTS=7", "SEED=5")
    assert kept(figures), figures
    assert sum(figures["faults"].values()) >= 5  # the last may find everything sent
    assert figures["sent"] + figures["rejected"] + figures["suppressed"] + figures["unknown"] == 300


@pytest.mark.redis
@pytest.mark.long
def test_who_left_before_the_window_is_not_mailed(faults) -> None:
    figures = faults("postgresql", "RECIPIENTS=900", "FAULTS=4", "LEAVERS=300", "SEED=6")
    assert kept(figures), figures
    assert figures["leaves"] > 150  # a quick campaign ends before the last have made up their minds
    assert figures["leaves_protected"] > 30


@pytest.mark.redis
@pytest.mark.long
def test_where_doubts_are_left_alone_nobody_gets_two_though_each_worker_has_a_machine_of_its_own(faults) -> None:
    figures = faults("postgresql", "RECIPIENTS=600", "FAULTS=12", "MACHINES=2", "POLICY=skip", "SEED=7")
    assert kept(figures), figures
    assert figures["extra_copies"] == 0


@pytest.mark.redis
@pytest.mark.long
def test_a_broker_that_forgets_everything_costs_nobody_a_mail(faults) -> None:
    figures = faults("postgresql", "RECIPIENTS=600", "FAULTS=12", "KINDS=flushall,redis,lane", "SEED=8")
    assert kept(figures), figures


@pytest.mark.parametrize("db", DATABASES)
def test_a_lane_may_die_or_freeze_before_any_step(db: str, faults) -> None:
    """A few of the steps here; `make faults STEPS=1` tries them all."""
    figures = faults(db, "STEPS=1", "EVERY=60", "SEED=9")
    assert kept(figures), figures
    assert figures["faults"]["kill"] >= 3
    assert figures["faults"]["duel"] >= 3


@pytest.mark.redis
@pytest.mark.parametrize(
    "entry",
    [pytest.param(each, id=f"{each.db}-{each.seed}", marks=[pytest.mark.long] * each.long) for each in seeds.KEPT],
)
def test_what_once_failed_holds(entry: seeds.Kept, faults) -> None:
    assert kept(faults(entry.db, f"SEED={entry.seed}", *entry.arguments.split()))

"""A kill at every step of the protocol, and at every step a duel: the first lane is frozen there, a second takes over
and is frozen at a step of its own, the first wakes and goes on, then the second. Other lanes finish, and the books are
compared each time, on a campaign of thirteen whose server meets them with a quirk of each kind.
"""

import random
import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connections

from newsletter.models import Campaign
from tests.faults import campaign as campaigns
from tests.faults import truth
from tests.faults.lane import FROZEN, Lane
from tests.faults.leavers import Leave, leave
from tests.faults.plan import Plan
from tests.faults.server import LEASE_SECONDS
from tests.faults.stage import Stage
from tests.faults.truth import UNLIMITED, Taken
from tests.faults.verdict import Verdict, judge

READERS = [
    *("reader.0", "later.1", "reader.2", "take_and_cut.3", "reader.4", "refuse.5"),
    *("reader.6", "closing.7", "reader.8", "cut_at_dot.9", "reader.10", "grey.11"),
    "always-take_and_cut.12",
]
LEAVES = 8  # the reader who left before
WINDOW = 4
ROUNDS = 15  # of the last lane: each deferral costs one
FAR = 6  # duels with a second lane on another machine, which cannot read the first one's journal
LONG_AGO = timedelta(minutes=10)  # longer than a dead machine's own workers have the first claim
CUT_OFF = 1.5  # seconds
MOST_STEPS = 5000
_SUMS = (
    *("lost", "unsettled", "doubled_outside_doubt", "doubts", "broken_connections", "extra_copies"),
    *("mailed_after_leaving", "mixed_up", "unknown", "sent", "rejected", "suppressed"),
)

Say = Callable[[str], None]


def run(plan: Plan, stage: Stage, *, say: Say) -> Verdict:
    """Every `plan.every`-th step. Each way goes on until a lane survives."""
    began = time.monotonic()
    stage.start_server(share=0.0)
    stage.board.allow(UNLIMITED)
    ground = Ground(plan, stage)
    total = Verdict(seed=plan.seed, db=plan.db)
    survived = 0

    def tell(where: str) -> None:
        say(f"{time.monotonic() - began:5.0f} s  {where}: {', '.join(total.broken_promises) or 'all well'}")

    for way in (ground.kill, ground.duel):
        for step in range(1 + plan.seed % plan.every, MOST_STEPS, plan.every):
            verdict = way(step)
            if verdict is None:
                survived = max(survived, step)
                break
            _add(total, verdict, f"{way.__name__} {step}")
            if plan.stop and total.broken_promises:
                return total
            if step // plan.every % 40 == 1:
                tell(f"{way.__name__} at step {step}")
    for number in range(FAR if plan.every == 1 or plan.far else 0):
        step = ground.rng.randrange(survived // 4, survived)
        if verdict := ground.far(step):
            _add(total, verdict, f"far {step}")
            if plan.stop and total.broken_promises:
                return total
        tell(f"far {number + 1} of {FAR}")
    total.seconds = round(time.monotonic() - began, 1)
    return total


class Ground:
    """A campaign that is put back to its start before each try."""

    def __init__(self, plan: Plan, stage: Stage) -> None:
        self.rng = random.Random(plan.seed)
        self._stage = stage
        settings.SEND_WINDOW = WINDOW
        settings.SEND_CHUNK = 2 * len(READERS)
        self._campaign = campaigns.begin([f"{name}@example.org" for name in READERS], policy=plan.policy)
        self._leaves = [self._let_leave(READERS[LEAVES])]
        self._copy = Copy(plan.db, stage)

    def kill(self, step: int) -> Verdict | None:
        """One lane dies right before the step, others finish. None: it survived."""
        self._begin()
        what, code = self._lane(at=step).wait()
        if what != FROZEN and code == 0:
            return None
        return self._finish()

    def duel(self, step: int) -> Verdict | None:
        """One lane is frozen there, the second soon after it took over, and they wake in that order."""
        self._begin()
        first = self._lane(at=step, freeze=True)
        if first.wait()[0] != FROZEN:
            return None
        hanging = self._stage.board.hanging() - self._hanging
        campaigns.expire_leases(self._campaign)
        second = self._lane(at=self.rng.randrange(2, 120), freeze=True)
        is_frozen = second.wait()[0] == FROZEN
        hanging += self._stage.board.hanging() - self._hanging
        first.thaw()
        if is_frozen:
            second.thaw()
        return self._finish(hanging=hanging)

    def far(self, step: int) -> Verdict | None:
        """The second lane runs on another machine, where no seal can reach the first. That one wakes after its lease,
        cut off from the database: only its clock can tell it that nothing but what stands at a dot may leave."""
        self._begin()
        window = len(READERS) if step % 2 else WINDOW  # a large one: much to send on with
        own = {"SEND_WINDOW": window}
        first = self._lane(at=step, freeze=True, then_cut_off=CUT_OFF, own=own)
        if first.wait()[0] != FROZEN:
            return None
        at_dots = self._stage.board.hanging() - self._hanging
        time.sleep(LEASE_SECONDS + 0.2)
        in_window = self._in_window()
        campaigns.expire_leases(self._campaign, by=LONG_AGO)
        self._lane(own={"JOURNAL_DIR": self._stage.folder / "machine-2" / "journal"}).wait()
        woken_at = time.time()
        first.thaw()
        ended_at = time.time()
        verdict = self._finish(hanging=min(in_window, window))  # without the journal its whole window was in doubt
        late = [each for each in self._taken() if woken_at < each.heard_at < ended_at]
        if len(late) > at_dots:
            verdict.doubled_outside_doubt += 1
            verdict.names.append(f"{len(late)} messages left after the lease")
        return verdict

    def _begin(self) -> None:
        connections.close_all()
        self._copy.restore()
        shutil.rmtree(settings.JOURNAL_DIR, ignore_errors=True)
        settings.JOURNAL_DIR.mkdir(parents=True)
        _forget_home()
        self._stage.board.next_round()
        self._start = self._stage.truth.stat().st_size if self._stage.truth.exists() else 0
        self._broken, self._hanging = self._stage.board.broken(), self._stage.board.hanging()

    def _lane(
        self, *, at: int = 0, freeze: bool = False, then_cut_off: float = 0.0, own: dict[str, Any] | None = None
    ) -> Lane:
        log = self._stage.folder / "lanes.log"
        return Lane(self._campaign.pk, at=at, freeze=freeze, then_cut_off=then_cut_off, log=log, own=own or {})

    def _finish(self, *, hanging: int = 0) -> Verdict:
        """Lane after lane until the campaign is done; `hanging`: messages that were at their dots when one froze."""
        for _ in range(ROUNDS):
            campaigns.go_on(self._campaign)
            if self._campaign.state == Campaign.State.DONE:
                break
            campaigns.expire_leases(self._campaign)
            campaigns.hurry(self._campaign, at_once=True)
            self._lane().wait()
        self._await_the_server()
        verdict = judge(self._campaign, truth.read(self._stage.truth, start=self._start), self._leaves)
        verdict.broken_connections = self._stage.board.broken() - self._broken + hanging
        return verdict

    def _in_window(self) -> int:
        """How many deliveries stand in open windows and are not settled."""
        rows = [
            self._campaign.deliveries.open().filter(number__gte=chunk.window_from, number__lte=chunk.window_to)
            for chunk in self._campaign.chunks.exclude(window_from=None)
        ]
        return sum(each.count() for each in rows)

    def _await_the_server(self) -> None:
        """It hears a moment later than we that a connection has ended."""
        ends = time.monotonic() + 1
        while self._stage.board.hanging() > self._hanging and time.monotonic() < ends:
            time.sleep(0.01)

    def _taken(self) -> list[Taken]:
        return [each for each in truth.read(self._stage.truth, start=self._start) if isinstance(each, Taken)]

    def _let_leave(self, name: str) -> Leave:
        row = self._campaign.deliveries.select_related("subscriber").get(subscriber__email=f"{name}@example.org")
        left = leave(self._campaign, delivery=row.pk, key=row.subscriber.key, recipient=row.subscriber.email)
        assert left is not None
        assert left.is_protected
        return replace(left, at=0.0)  # before every try


class Copy:
    """The database as it stands now, to come back to."""

    def __init__(self, db: str, stage: Stage) -> None:
        connections.close_all()
        self._stage = stage
        self._file = Path(settings.DATABASES["default"]["NAME"]) if db == "sqlite" else None
        if self._file:
            shutil.copy(self._file, self._kept)
        else:
            self._elsewhere("CREATE DATABASE kept TEMPLATE postgres")

    def restore(self) -> None:
        """Nobody may be connected."""
        if self._file:
            for end in ("-wal", "-shm"):
                self._file.with_name(self._file.name + end).unlink(missing_ok=True)
            shutil.copy(self._kept, self._file)
            return
        self._elsewhere("DROP DATABASE postgres WITH (FORCE)", "CREATE DATABASE postgres TEMPLATE kept")

    @property
    def _kept(self) -> Path:
        return self._stage.folder / "kept.sqlite3"

    def _elsewhere(self, *statements: str) -> None:
        import psycopg

        folder = str(self._stage.database.cluster.folder) if self._stage.database.cluster else ""
        with psycopg.connect(host=folder, user="newsroom", dbname="template1", autocommit=True) as other:
            for statement in statements:
                other.execute(statement)


def _add(total: Verdict, one: Verdict, name: str) -> None:
    for field in _SUMS:
        setattr(total, field, getattr(total, field) + getattr(one, field))
    if one.doubts > one.broken_connections:
        one.names.append(f"{one.doubts} doubts, {one.broken_connections} broken")
        total.doubts += 1_000_000  # one try must not stand in for another
    if one.broken_promises:
        total.names.append(f"{name}: {one.broken_promises} {one.names}")
    way = name.split()[0]
    total.faults[way] = total.faults.get(way, 0) + 1
    total.recipients = one.recipients


def _forget_home() -> None:
    """The journal folder is a new one: its mark is no longer the one that is remembered."""
    from newsletter.sending import journal

    journal._home.cache_clear()

"""One run: a campaign is sent while everything around it is killed, and then the books are compared."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass

from django.db import DatabaseError, InterfaceError, connection

from newsletter.models import Campaign, Delivery
from tests.faults import campaign as campaigns
from tests.faults import truth
from tests.faults.kinds import Trouble
from tests.faults.leavers import Leave, leave
from tests.faults.plan import Plan
from tests.faults.stage import Stage
from tests.faults.truth import UNLIMITED
from tests.faults.verdict import Verdict, judge

ALREADY_ON = 20  # messages that are past their waiting step when the board is full: about one a connection
PATIENCE = 3.0  # seconds without the messages that the next fault waits for; then it comes all the same
STUCK_AFTER = 90.0  # seconds without any progress: what is open then is unsettled
_AWAY = (DatabaseError, InterfaceError, OSError)

Say = Callable[[str], None]


def run(plan: Plan, stage: Stage, *, say: Say) -> Verdict:
    """Send a campaign under fire, on a stage whose database is ready. The order of faults is the seed's."""
    began = time.monotonic()
    share = min(0.06, max(0.004, plan.faults / plan.recipients / 2))
    stage.start_server(share=share)
    stage.start_broker()
    campaign = campaigns.begin([f"reader{n}@example.org" for n in range(plan.recipients)], policy=plan.policy)
    stage.start_workers()
    storm = Storm(plan, stage, campaign, share=share, say=say)
    storm.rage()
    verdict = judge(campaign, truth.read(stage.truth), storm.leaves)
    verdict.broken_connections, verdict.lost_connections = stage.board.broken(), stage.board.lost()
    verdict.faults, verdict.crashed, verdict.resumed = dict(storm.trouble.made), dict(stage.crashed), storm.resumed
    verdict.seed, verdict.db = plan.seed, plan.db
    verdict.seconds = round(time.monotonic() - began, 1)
    return verdict


@dataclass(frozen=True)
class Leaver:
    """Will leave when so many messages have been taken."""

    after: int
    delivery: int
    key: str
    recipient: str


class Storm:
    """Makes the faults and lets people leave, by the number of messages that the server has taken."""

    def __init__(self, plan: Plan, stage: Stage, campaign: Campaign, *, share: float, say: Say) -> None:
        self.leaves: list[Leave] = []
        self.resumed = 0
        self._plan, self._stage, self._campaign, self._say = plan, stage, campaign, say
        self._rng = random.Random(plan.seed)
        self._deck = plan.deck(self._rng)
        self.trouble = Trouble(stage, self._rng, share=share)
        self._leavers = self._choose_leavers()
        self._began = self._moved_at = time.monotonic()
        self._told_at = self._tended_at = 0.0
        self._taken, self._open = 0, plan.recipients
        self._done = False
        self._next_at = 0
        self._next_before = 0.0

    def rage(self) -> None:
        self._aim()
        while not self._done and time.monotonic() - self._moved_at < STUCK_AFTER:
            self._watch()
            self._strike()
            self._let_leave()
            self._tend()
            self._tell()
            time.sleep(0.01)
        self.trouble.undo_due(all_of_it=True)

    def _watch(self) -> None:
        self.trouble.undo_due()
        for last_words in self._stage.mend():
            self._say(f"ended unasked: {last_words}")
        if self._stage.board.taken != self._taken:
            self._taken, self._moved_at = self._stage.board.taken, time.monotonic()

    def _strike(self) -> None:
        if not self._deck or (self._taken < self._next_at and time.monotonic() < self._next_before):
            return
        kind = self._deck.pop()
        if not self.trouble.make(kind):
            self._deck.append(kind)  # nobody there to hurt: once more, soon
        self._aim()

    def _aim(self) -> None:
        """The next fault comes within its share of the messages that are left; few more are taken before it."""
        now = time.monotonic()
        if not self._deck:
            self._stage.board.allow(UNLIMITED)
            return
        taken = self._stage.board.taken
        left = min(self._open, self._plan.recipients - taken)
        share = max(2, left // (len(self._deck) + 1))
        self._next_at = taken + max(1, round(share * self._rng.uniform(0.1, 1.0)))
        self._next_before = now + (PATIENCE if taken else STUCK_AFTER)  # the first comes when something is being sent
        self._stage.board.allow(self._next_at + max(0, share // 3 - ALREADY_ON))

    def _let_leave(self) -> None:
        while self._leavers and self._leavers[-1].after <= self._taken:
            one = self._leavers[-1]
            has_it = truth.has(self._stage.truth, one.recipient)
            try:
                left = leave(self._campaign, delivery=one.delivery, key=one.key, recipient=one.recipient, has_it=has_it)
            except _AWAY:
                left = None
            if left is None:
                connection.close()
                return
            self.leaves.append(left)
            self._leavers.pop()

    def _tend(self) -> None:
        if time.monotonic() - self._tended_at < 1:
            return
        self._tended_at = time.monotonic()
        try:
            self.resumed += campaigns.go_on(self._campaign)
            campaigns.hurry(self._campaign)
            self._done = self._campaign.state == Campaign.State.DONE
            still_open = Delivery.objects.filter(campaign=self._campaign).open().count()
        except _AWAY:
            connection.close()
            return
        if still_open != self._open:
            self._open, self._moved_at = still_open, time.monotonic()

    def _tell(self) -> None:
        if time.monotonic() - self._told_at < 5:
            return
        self._told_at = time.monotonic()
        faults = sum(self.trouble.made.values())
        self._say(
            f"{time.monotonic() - self._began:5.0f} s  {self._taken} taken, {self._open} open, "
            f"{faults} of {self._plan.faults} faults, {len(self.leaves)} left, {self._stage.board.broken()} broken"
        )

    def _choose_leavers(self) -> list[Leaver]:
        rows = self._campaign.deliveries.order_by("number").values_list("id", "subscriber__key", "subscriber__email")
        chosen = self._rng.sample(list(rows), self._plan.leaver_count)
        found = [Leaver(self._rng.randrange(self._plan.recipients * 9 // 10 + 1), *row) for row in chosen]
        return sorted(found, key=lambda one: -one.after)

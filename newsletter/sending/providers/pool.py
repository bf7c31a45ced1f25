"""The Post over HTTP providers: several requests at a time, each in a thread of its own that knows of nothing else.

The source, and with it the journal and the database, is only spoken to in the thread that calls `step`. A slice (one
letter, or up to 50 where a provider takes a batch) is recorded at its dot, goes to a free thread, and comes back with
what became of it.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Iterable, Sequence
from queue import Empty, SimpleQueue

from django.conf import settings

from newsletter.sending.outcomes import Accepted, Doubt, Halted, Later, Never, NotSent, Outcome
from newsletter.sending.post import Envelope, Halt, Source
from newsletter.sending.providers.account import Account
from newsletter.sending.providers.line import ANSWER_SECONDS, Item, Line, Unfit
from newsletter.sending.providers.verdict import Reply
from newsletter.sending.relay import Relay

logger = logging.getLogger(__name__)

FIRST_REST, LONGEST_REST = 1.0, 60.0  # after trouble, doubled each time
LONGEST_PATIENCE = 30.0  # letters that the provider asks us to hold back (429) are kept so long, and no longer
LOSSES_IN_A_ROW = 3  # one lost answer is bad luck
NOT_TAKEN = 421  # the journal's code for "recorded at its dot, and surely not taken"

Slice = list[Item]


class ProviderPost:
    """Carries a source's letters over `relays`, all of them providers (post.Post).

    An answer is waited for as long as `answer_seconds`, and never longer than a minute.
    """

    def __init__(self, relays: Sequence[Relay], source: Source, *, answer_seconds: float = ANSWER_SECONDS) -> None:
        self._source = source
        self._answers: SimpleQueue[tuple[_Way, Slice, Reply]] = SimpleQueue()
        seconds = min(answer_seconds, ANSWER_SECONDS)
        weights = sum(relay.weight for relay in relays)
        self._ways = [_Way(relay, self._answers, seconds, of_weights=weights) for relay in relays]
        self._halted = False
        self._in_hand = 0

    @property
    def in_hand(self) -> int:
        return self._in_hand

    @property
    def down(self) -> str:
        return "" if any(not way.down for way in self._ways) else "; ".join(way.down for way in self._ways)

    def step(self, seconds: float) -> None:
        """Never waits for an answer longer than `seconds`; requests go on meanwhile."""
        self._take_in(0.0)
        self._hand_out()
        self._take_in(seconds)
        self._hand_out()

    def halt(self) -> None:
        self._halted = True
        for way in self._ways:
            for item in way.kept_letters():
                self._end(item.envelope, Halted())

    def close(self) -> None:
        """Requests that are still under way end as doubts: nobody will hear their answers."""
        self._take_in(0.0)
        self._halted = True
        for way in self._ways:
            for item in way.kept_letters():
                self._end(item.envelope, NotSent("The connection to the provider was closed before it left."))
            for slice_ in way.under_way:
                for item in slice_:
                    self._end(item.envelope, Doubt("Closed while the provider's answer was awaited."))
            way.close()

    # --- Out ----------------------------------------------------------------------------------------------------

    def _hand_out(self) -> None:
        """Give every free thread a slice, as long as there are letters."""
        if self._halted:
            return
        now = time.monotonic()
        ready = [way for way in self._ways if way.relay.weight] or self._ways
        if all(way.down for way in ready):
            ready = self._ways
        for way in ready:
            while way.has_room(now) and (slice_ := way.next_kept() or self._fill(way)):
                if not self._send(way, slice_):
                    return

    def _fill(self, way: "_Way") -> Slice:
        slice_: Slice = []
        while len(slice_) < way.most and (envelope := self._source.next_envelope(way.relay)) is not None:
            self._in_hand += 1
            try:
                slice_.append(way.prepare(envelope))
            except Unfit as unfit:
                self._end(envelope, unfit.outcome)
        return slice_

    def _send(self, way: "_Way", slice_: Slice) -> bool:
        """Whether it left. All of a slice leave or none: one withheld dot (the lease is gone) holds all back."""
        recorded: list[Envelope] = []
        try:
            for item in slice_:
                self._source.at_dot(item.envelope)
                recorded.append(item.envelope)
        except (Halt, OSError):
            for envelope in recorded:
                self._source.answered(envelope, NOT_TAKEN)
            for item in slice_:
                self._end(item.envelope, Halted())
            return False
        way.send(slice_)
        return True

    # --- In -----------------------------------------------------------------------------------------------------

    def _take_in(self, seconds: float) -> None:
        try:
            answer = self._answers.get(timeout=seconds) if seconds > 0 else self._answers.get_nowait()
            while True:
                self._settle(*answer)
                answer = self._answers.get_nowait()
        except Empty:
            pass

    def _settle(self, way: "_Way", slice_: Slice, reply: Reply) -> None:
        way.came_back(slice_, reply)
        if reply.outcomes:
            for item, outcome in zip(slice_, reply.outcomes, strict=True):
                self._tell(item.envelope, outcome)
        elif self._halted or not way.keep(slice_, alone=reply.alone):
            for item in slice_:
                self._tell(item.envelope, Halted() if self._halted else NotSent(f"{NOT_TAKEN} {reply.trouble}"))
        else:
            for item in slice_:
                self._source.answered(item.envelope, NOT_TAKEN)

    def _tell(self, envelope: Envelope, outcome: Outcome) -> None:
        if not isinstance(outcome, Doubt):
            code = outcome.code if isinstance(outcome, Accepted | Later | Never) else NOT_TAKEN
            self._source.answered(envelope, code)
        self._end(envelope, outcome)

    def _end(self, envelope: Envelope, outcome: Outcome) -> None:
        self._in_hand -= 1
        self._source.ended(envelope, outcome)


class _Way:
    """One provider: its threads, the slices under way and kept, and how it is."""

    def __init__(
        self,
        relay: Relay,
        answers: "SimpleQueue[tuple[_Way, Slice, Reply]]",
        answer_seconds: float,
        *,
        of_weights: int,
    ) -> None:
        if relay.account is None:
            raise ValueError(f"{relay} is no HTTP provider.")
        self.relay = relay
        self.down = ""
        self.under_way: list[Slice] = []
        self._account: Account = relay.account
        self._answers = answers
        self._answer_seconds = answer_seconds
        share = relay.weight / of_weights if relay.weight else 1
        self._connections = relay.connections or max(1, round(settings.SEND_CONNECTIONS * share))
        self._line = Line(self._account)  # only prepares
        self._jobs: SimpleQueue[Slice | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._kept: deque[Slice] = deque()
        self._troubles = 0
        self._losses = 0
        self._rest = 0.0
        self._rests_until = 0.0

    @property
    def most(self) -> int:
        """Letters in the next slice: one as long as it is in doubt whether the provider is well again."""
        return 1 if self._troubles else min(self._account.kind.slice, settings.SEND_WINDOW)

    def has_room(self, now: float) -> bool:
        return now >= self._rests_until and len(self.under_way) < (1 if self._troubles else self._connections)

    def prepare(self, envelope: Envelope) -> Item:
        return self._line.prepare(envelope)

    def send(self, slice_: Slice) -> None:
        self.under_way.append(slice_)
        if len(self._threads) < len(self.under_way):
            thread = threading.Thread(target=self._work, daemon=True, name=f"{self.relay}")
            self._threads.append(thread)
            thread.start()
        self._jobs.put(slice_)

    def came_back(self, slice_: Slice, reply: Reply) -> None:
        self.under_way = [each for each in self.under_way if each is not slice_]
        if not reply.trouble:
            self._troubles = self._losses = 0
            self._rest, self.down = 0.0, ""
            return
        now = time.monotonic()
        if now >= self._rests_until:  # else it left before the rest began, and tells of the same trouble
            self._troubles += 1
            self._losses = self._losses + 1 if reply.lost else 0
            self._rest = min(max(FIRST_REST, 2 * self._rest), LONGEST_REST)
        self._rest = max(self._rest, reply.wait or 0.0)
        self._rests_until = now + self._rest
        if self._rest > LONGEST_PATIENCE or (reply.outcomes and (not reply.lost or self._losses >= LOSSES_IN_A_ROW)):
            self.down = reply.trouble
        logger.warning("provider in trouble", extra={"detail": f"{self.relay}: {reply.trouble}"})

    def keep(self, slice_: Slice, *, alone: bool) -> bool:
        """Keep a slice that was not taken for another request; False when that would be too long."""
        if not alone and self._rest > LONGEST_PATIENCE:
            return False
        self._kept.extend([[item] for item in slice_] if alone else [slice_])
        return True

    def next_kept(self) -> Slice | None:
        return self._kept.popleft() if self._kept else None

    def kept_letters(self) -> Iterable[Item]:
        kept, self._kept = self._kept, deque()
        return [item for slice_ in kept for item in slice_]

    def close(self) -> None:
        self.under_way = []
        for _ in self._threads:
            self._jobs.put(None)

    def _work(self) -> None:
        line = Line(self._account, answer_seconds=self._answer_seconds)
        while (slice_ := self._jobs.get()) is not None:
            self._answers.put((self, slice_, line.post(slice_)))
        line.close()

"""One hold of a chunk: which of its letters are open, what became of them, its lease and its journal.

The open letters make one sliding range: from the oldest that is not settled to the last that was opened. What cannot be
settled, because the process dies or the database does, stands in the journal.
"""

import contextlib
import time
from collections.abc import Iterator
from datetime import datetime, timedelta

from django.conf import settings

from newsletter.sending import claim
from newsletter.sending.claim import Fenced, Hold
from newsletter.sending.journal import Journal
from newsletter.sending.outcomes import Accepted, Letter, Outcome, Settlement, settlement
from newsletter.sending.providers.ids import remember
from newsletter.sending.tally import Tally
from newsletter.sending.turn import Opened

PULSE_SECONDS = 1.0


class Shift:
    """Not to be used twice; once it is `fenced`, not at all."""

    def __init__(self, hold: Hold, journal: Journal, tally: Tally, *, now: datetime) -> None:
        self.hold = hold
        self.journal = journal
        self.opened_at = now
        self.is_read = False  # nothing else in the chunk is due
        self.fenced = False
        self._open: dict[int, Letter] = {}  # by number, in their order
        self._answers: dict[int, Outcome] = {}  # of those that are open
        self._tally = tally
        self._after = hold.first - 1
        self._lease_ends = time.monotonic() + settings.SEND_LEASE_SECONDS  # it was just claimed
        self._next_pulse = 0.0

    @property
    def open_count(self) -> int:
        """Letters that the database does not know the end of."""
        return len(self._open)

    @property
    def answered_count(self) -> int:
        """Those among the open ones that the next turn settles."""
        return len(self._answers)

    @property
    def is_answered(self) -> bool:
        return len(self._answers) == len(self._open)

    @property
    def pulse_is_due(self) -> bool:
        return time.monotonic() >= self._next_pulse

    def may_send(self) -> bool:
        """Whether the chunk is surely still ours: it is not when we slept, or the database was away, for too long."""
        return not self.fenced and time.monotonic() < self._lease_ends

    def at_dot(self, letter: Letter) -> None:
        """Raises Sealed or OSError, and then the dot must not be sent."""
        self.journal.at_dot(delivery=letter.delivery, epoch=self.hold.epoch, attempt=letter.attempts)

    def answered(self, letter: Letter, code: int) -> None:
        """Raises OSError."""
        self.journal.answer(delivery=letter.delivery, epoch=self.hold.epoch, attempt=letter.attempts, code=code)

    def ended(self, letter: Letter, outcome: Outcome) -> None:
        """Keep what is to be settled; what ended without changing its delivery stays open."""
        self._answers[letter.number] = outcome

    def take_turn(self, *, size: int, now: datetime) -> Opened:
        """Settle what was answered since the last turn and open at most `size` letters.

        Raises Fenced, Capped, and what a database raises that is away; then all answers are still kept.
        """
        began = time.monotonic()
        self._next_pulse = began + min(PULSE_SECONDS, settings.SEND_LEASE_SECONDS / 4)
        found = self._settlements(now)
        oldest = next((number for number in self._open if number not in self._answers), None)
        self._remember_ids()
        with self._unless_fenced():
            opened = claim.take_turn(self.hold, found, size=size, now=now, after=self._after, oldest=oldest)
        self._lease_ends = began + settings.SEND_LEASE_SECONDS
        self._forget_answered()
        self._open.update((letter.number, letter) for letter in opened.letters)
        self._after, self.opened_at = opened.last, now
        self.is_read = self.is_read or opened.is_all
        self._tally.add(found, gone=opened.gone)
        return opened

    def let_go(self, *, now: datetime, rest_until: datetime | None = None) -> None:
        """Settle what was answered and give the chunk back; what was opened and withheld is as if it never was.

        The journal goes: the database now has all that it says. Raises as `take_turn` does.
        """
        found = self._settlements(now)
        withheld = len(self._open) - len(self._answers)
        self._remember_ids()
        with self._unless_fenced():
            claim.let_go(self.hold, found, now=now, withheld=withheld, rest_until=rest_until)
        self._tally.add(found)
        self.journal.discard()

    def _settlements(self, now: datetime) -> list[Settlement]:
        evidence = timedelta(minutes=settings.EVIDENCE_MINUTES)
        answers = ((self._open[number], outcome) for number, outcome in self._answers.items())
        found = (settlement(letter, outcome, now=now, evidence=evidence) for letter, outcome in answers)
        return [each for each in found if each is not None]

    def _remember_ids(self) -> None:
        """Before the settling, and apart from it: they are true whoever holds the chunk, and writing twice is once."""
        remember(
            (self._open[number].delivery, outcome)
            for number, outcome in self._answers.items()
            if isinstance(outcome, Accepted) and outcome.provider_id
        )

    def _forget_answered(self) -> None:
        for number in self._answers:
            del self._open[number]
        self._answers.clear()

    @contextlib.contextmanager
    def _unless_fenced(self) -> Iterator[None]:
        try:
            yield
        except Fenced:
            self.fenced = True
            raise

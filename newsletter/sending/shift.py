"""A lane's work on one chunk, window after window: open it in the ledger, send its letters, settle what became of them.

Settling a window and opening the next is one transaction. What cannot be settled, because the process dies or the
database does, stands in the journal.
"""

import logging
import time
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from django.conf import settings
from django.db import DatabaseError, InterfaceError, OperationalError, connection

from newsletter.sending import claim
from newsletter.sending.claim import Fenced, Hold
from newsletter.sending.health import Health
from newsletter.sending.journal import Journal, Sealed
from newsletter.sending.outcomes import Letter, Outcome, Settlement, settlement
from newsletter.sending.relay import Relay
from newsletter.sending.smtp import Gate, Halt, RelayDown

logger = logging.getLogger(__name__)

PULSE_SECONDS = 1.0
DATABASE_PATIENCE = 60.0  # how long results wait for a database that is away; after that the journal has them


class Stopped(Exception):
    """Stop was asked, or the campaign is no longer being sent."""


class Trouble(Exception):
    """The lane cannot go on; the text says why and is shown on the campaign."""


class Tally(Protocol):
    settled: Counter[str]


class Sender(Protocol):
    """What a shift needs of its lane."""

    stop: Callable[[], bool]
    clock: Callable[[], datetime]
    relay: Relay
    health: Health

    @property
    def result(self) -> Tally: ...

    def send(self, letter: Letter, gate: Gate, *, now: datetime) -> Outcome: ...

    def pause(self, reason: str) -> None: ...


class Shift:
    """One hold of a chunk. Not to be used twice."""

    def __init__(self, lane: Sender, hold: Hold, journal: Journal) -> None:
        self.hold = hold
        self.journal = journal
        self.ending: Exception | None = None  # why the shift ends early; nothing is opened or sent once it stands
        self._lane = lane
        self._results: list[tuple[Letter, Outcome]] = []
        self._opened_at = lane.clock()
        self._lease = settings.SEND_LEASE_SECONDS
        self._pulse_seconds = min(PULSE_SECONDS, self._lease / 4)
        self._lease_ends = self._next_pulse = 0.0

    def work(self) -> None:
        """Send what is due in the chunk and let it go. Raises what ended it early, after settling what it did.

        The journal goes once the database has all that it says, and is kept for the next holder otherwise.
        """
        try:
            while letters := self._turn():
                for letter in letters:
                    self._send(letter)
        except BaseException:
            self.journal.keep()
            raise
        self.journal.discard()
        if self.ending is not None:
            raise self.ending

    def may_go_on(self) -> bool:
        """Whether another letter may leave; stretches the lease on the way, also while an answer is awaited."""
        if time.monotonic() >= self._next_pulse and not isinstance(self.ending, Fenced):
            self._pulse()
        if self.ending is None and self._lane.stop():
            self.ending = Stopped()
        return self.ending is None

    def lease_holds(self) -> bool:
        return time.monotonic() < self._lease_ends

    def _send(self, letter: Letter) -> None:
        if not self.may_go_on():
            return
        try:
            outcome = self._lane.send(letter, Watch(self, letter), now=self._opened_at)
        except RelayDown as down:
            self.ending = down
            return
        verdict = self._lane.health.judge(letter.delivery, outcome)
        self._results.append((letter, verdict.outcome))
        if verdict.pause:
            self._lane.pause(verdict.pause)
            self.ending = Stopped()
        elif verdict.trouble and self.ending is None:
            self.ending = Trouble(f"relay {self._lane.relay} {verdict.trouble}")

    def _turn(self) -> list[Letter]:
        """One transaction, tried again while the database is away: what was sent must be written down."""
        patience = time.monotonic() + DATABASE_PATIENCE
        while True:
            began = time.monotonic()
            try:
                letters = self._turn_once()
            except (OperationalError, InterfaceError):
                connection.close()
                if time.monotonic() > patience:
                    raise
                logger.warning("database away, results are kept", extra={"chunk": self.hold.chunk.pk})
                time.sleep(PULSE_SECONDS)
            else:
                self._lease_ends, self._next_pulse = began + self._lease, began + self._pulse_seconds
                return letters

    def _turn_once(self) -> list[Letter]:
        now = self._lane.clock()
        found = [settlement(letter, outcome, now=now) for letter, outcome in self._results]
        settlements: list[Settlement] = [each for each in found if each is not None]
        size = 0 if self.ending is not None else settings.SEND_WINDOW
        letters = claim.turn(self.hold, settlements, size=size, now=now)
        self._lane.result.settled.update(each.state for each in settlements)
        self._results, self._opened_at = [], now
        return letters

    def _pulse(self) -> None:
        began = time.monotonic()
        self._next_pulse = began + self._pulse_seconds
        try:
            sending = claim.renew(self.hold)
        except Fenced as fenced:
            self.ending = fenced
        except (DatabaseError, InterfaceError):
            connection.close()  # no verdict; before each dot `lease_holds` decides
        else:
            self._lease_ends = began + self._lease
            if not sending and self.ending is None:
                self.ending = Stopped()


class Watch:
    """Watches over one letter on its way to the dot and beyond (smtp.Gate)."""

    def __init__(self, shift: Shift, letter: Letter) -> None:
        self._shift = shift
        self._attempt = {"delivery": letter.delivery, "epoch": shift.hold.epoch, "attempt": letter.attempts}

    def may_go_on(self) -> bool:
        return self._shift.may_go_on()

    def at_dot(self) -> None:
        if not self._shift.lease_holds():  # we slept, or the database has been away for long
            raise Halt
        try:
            self._shift.journal.at_dot(**self._attempt)
        except Sealed:
            self._shift.ending = Fenced()
            raise Halt from None
        except OSError as error:
            self._shift.ending = Trouble(f"The journal cannot be written: {error}. See to {settings.JOURNAL_DIR}.")
            raise Halt from error

    def answered(self, code: int) -> None:
        try:
            self._shift.journal.answer(**self._attempt, code=code)
        except OSError as error:  # the answer is still known here, and the database is told next
            self._shift.ending = Trouble(f"The journal cannot be written: {error}. See to {settings.JOURNAL_DIR}.")

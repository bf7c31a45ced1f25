"""The letters that a lane has opened, on their way through the post and back (post.Source).

Everything here happens inside `Post.step`, between two turns in the ledger: nothing is written but journals. What is
seen here that must end the lane stands in `ending` afterwards.
"""

import logging
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection

from newsletter.sending.ending import End, Ending
from newsletter.sending.health import Health
from newsletter.sending.journal import Sealed
from newsletter.sending.messages import Press
from newsletter.sending.outcomes import Halted, Letter, NotSent, OursToMend, Outcome, PutOff, Unbuildable
from newsletter.sending.pace import Pace
from newsletter.sending.post import Envelope, Halt
from newsletter.sending.relay import Relay
from newsletter.sending.shift import Shift
from newsletter.sending.throttle import Throttle

logger = logging.getLogger(__name__)

_BACK_IN_LINE = (NotSent, Halted)


@dataclass(slots=True)
class Place:
    """A letter, the shift that it belongs to, and the relay that it was last handed out for."""

    shift: Shift
    letter: Letter
    relay: Relay | None = None


class Outbox:
    """`asked` tells whether the post has ever asked for a letter: then a way out is open."""

    def __init__(self, *, press: Press, throttle: Throttle, health: Health) -> None:
        self.asked = False
        self.most = settings.SEND_WINDOW  # that are opened, or out, at once
        self.ending: Ending | None = None
        self.pace = Pace()
        self._press = press
        self._throttle = throttle
        self._health = health
        self._queue: deque[Place] = deque()
        self._out = 0

    def __len__(self) -> int:
        """How many letters wait to be handed out."""
        return len(self._queue)

    def put(self, shift: Shift, letters: Iterable[Letter]) -> None:
        self._queue.extend(Place(shift, letter) for letter in letters)

    def clear(self) -> None:
        self._queue.clear()

    def next_envelope(self, relay: Relay) -> Envelope | None:
        self.asked = True
        if not self._queue or self._out >= self.most or not self._queue[0].shift.may_send():
            return None
        if not self._throttle.relay_may(relay):
            return None
        while self._queue:
            place = self._queue.popleft()
            try:
                envelope = self._printed(place, relay)
            except (OperationalError, InterfaceError):  # the database is away: that is no reader's fault
                connection.close()
                self._queue.appendleft(place)
                return None
            if envelope is not None:
                self._out += 1
                return envelope
        return None

    def lease_holds(self, envelope: Envelope) -> bool:
        place: Place = envelope.about
        return place.shift.may_send()

    def at_dot(self, envelope: Envelope) -> None:
        place: Place = envelope.about
        if not place.shift.may_send():
            raise Halt
        try:
            place.shift.at_dot(place.letter)
        except Sealed:
            place.shift.fenced = True
            self.ending = Ending(End.FENCED)
            raise Halt from None
        except OSError as error:
            self.ending = unwritable(error)
            raise Halt from error

    def answered(self, envelope: Envelope, code: int) -> None:
        place: Place = envelope.about
        try:
            place.shift.answered(place.letter, code)
        except OSError as error:  # the answer is still known here, and the database is told next
            self.ending = unwritable(error)

    def ended(self, envelope: Envelope, outcome: Outcome) -> None:
        self._out -= 1
        self._settle(envelope.about, outcome)

    def _printed(self, place: Place, relay: Relay) -> Envelope | None:
        """The letter as it leaves; None when it ends here, because its domain is full or it cannot be built."""
        letter = place.letter
        if until := self._throttle.put_off(letter):
            self._settle(place, PutOff(until))
            return None
        place.relay = relay
        try:
            return self._press.envelope(letter, now=place.shift.opened_at, relay=relay, about=place)
        except (OperationalError, InterfaceError):
            raise
        except Exception as error:  # whatever it is, it is this reader's alone: the others must not wait for it
            kind = type(error).__name__  # no traceback in the log: the values in it are a reader's
            logger.error("message cannot be built", extra={"delivery": letter.delivery, "detail": kind})
            self._settle(place, Unbuildable(f"The message cannot be built: {kind}: {error}"))
            return None

    def _settle(self, place: Place, outcome: Outcome) -> None:
        letter = place.letter
        verdict = self._health.judge(letter.delivery, outcome)
        self._throttle.heard(letter, verdict.outcome)
        if isinstance(verdict.outcome, _BACK_IN_LINE):
            self._queue.appendleft(place)  # its row is unchanged and its number still inside the open range
        elif not isinstance(verdict.outcome, OursToMend):
            place.shift.ended(letter, verdict.outcome)
            self.pace.count()
        if verdict.pause:
            self.ending = Ending(End.STOPPED, verdict.pause, pauses=True)
        elif verdict.trouble and self.ending is None:
            self.ending = Ending(End.TROUBLE, f"relay {place.relay} {verdict.trouble}")


def unwritable(error: OSError) -> Ending:
    return Ending(End.TROUBLE, f"The journal cannot be written: {error}. See to {settings.JOURNAL_DIR}.")

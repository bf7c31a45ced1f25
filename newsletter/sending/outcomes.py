"""What became of one attempt, and what that makes of the delivery (pure).

The promise to the reader and to the books hangs on one question: could the server have taken the message? Accepted,
Later and Never are its own words. NotSent: surely not taken. Doubt: nobody knows.

None of these is ever changed. Those that every message makes are not frozen: that would cost it ten microseconds.
"""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from newsletter.models.delivery import DeliveryState

# After the first four, every two hours to the end of the day: a weekly recap that is days late is noise.
RETRIES = [timedelta(minutes=minutes) for minutes in (5, 15, 30, 60, *[120] * 11)]
MOST_DOUBTS = 3  # as many copies as one reader can get in the worst case
REPLY_LENGTH = 200

_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f]+")
_ENHANCED = re.compile(r"\s*([245]\.\d{1,3}\.\d{1,3})\b")


@dataclass(slots=True)
class Accepted:
    """250 after the dot: the server has it. An HTTP provider also gives the id by which its events name the mail."""

    code: int
    words: str
    provider: str = ""
    provider_id: str = ""


@dataclass(frozen=True)
class Later:
    """4xx about this reader or this message: try again after a while."""

    code: int
    words: str


@dataclass(frozen=True)
class Never:
    """5xx about this reader or this message."""

    code: int
    words: str

    @property
    def is_ours_to_mend(self) -> bool:
        """5.7.x (RFC 3463): the server refuses us, not the reader."""
        return enhanced(self.words).startswith("5.7.") or self.code in (530, 535)


@dataclass(frozen=True)
class NotSent:
    """Ended before the dot (or answered 421): the server has dropped it, and the reader is not to blame."""

    words: str


@dataclass(frozen=True)
class Halted:
    """We withheld the dot ourselves: stop was asked, or the chunk is no longer ours."""


@dataclass(frozen=True)
class OursToMend:
    """The server refuses us before any reader was named; nothing was sent, and the next one will fare no better."""

    code: int
    words: str


@dataclass(frozen=True)
class Doubt:
    """The connection broke, or stayed silent for ten minutes, after the dot."""

    words: str


@dataclass(frozen=True)
class Unbuildable:
    """The message could not be made for this one reader."""

    words: str


@dataclass(frozen=True)
class PutOff:
    """Not tried: its domain has no place free before `until`, and has reserved that one for it."""

    until: datetime


Outcome = Accepted | Later | Never | NotSent | Halted | OursToMend | Doubt | Unbuildable | PutOff


@dataclass(slots=True)
class Letter:
    """One delivery that was opened for sending, with the values its message needs.

    `paced`: it has waited for the place that it reserved at its domain.
    """

    delivery: int
    number: int
    variant: int
    message_id: str
    name: str
    email: str
    subscriber: str  # the subscriber's key
    attempts: int = 0
    doubts: int = 0
    paced: bool = False


@dataclass(slots=True)
class Settlement:
    """The values that a delivery's row is given; all absolute, so that writing them twice is writing them once.

    The moments at which it ended, or fell in doubt, are the ledger's to stamp.
    """

    delivery: int
    state: str
    reply: str
    attempts: int
    doubts: int
    next_attempt_at: datetime | None = None
    paced: bool = False


def settlement(letter: Letter, outcome: Outcome, *, now: datetime, evidence: timedelta) -> Settlement | None:
    """What to write down. None: the row stays as it was, to be taken up again.

    `evidence`: how long a doubt waits for proof that the message arrived, before the newsletter's policy ends it.
    """
    tried, doubts = letter.attempts + 1, letter.doubts
    match outcome:
        case Accepted(code, words):
            return Settlement(letter.delivery, DeliveryState.SENT, said(code, words), tried, doubts)
        case Never(code, words):
            return Settlement(letter.delivery, DeliveryState.REJECTED, said(code, words), tried, doubts)
        case Later(code, words):
            return _deferred(letter, said(code, words), now=now)
        case Doubt(words):
            until = now + evidence
            return Settlement(letter.delivery, DeliveryState.IN_DOUBT, plain(words), tried, doubts + 1, until)
        case Unbuildable(words):
            return Settlement(letter.delivery, DeliveryState.GAVE_UP, plain(words), tried, doubts)
        case PutOff(until):
            return Settlement(letter.delivery, DeliveryState.DEFERRED, "", letter.attempts, doubts, until, paced=True)
        case NotSent() | Halted() | OursToMend():
            return None


def retry_after(deferrals: int) -> timedelta | None:
    """How long to wait after so many deferrals; None when a day is over."""
    return RETRIES[deferrals - 1] if 1 <= deferrals <= len(RETRIES) else None


def said(code: int, words: str) -> str:
    return plain(f"{code} {words}")


def plain(words: str) -> str:
    """A server's words as one short line: they are shown to editors and must neither break a page nor a log."""
    return _UNPRINTABLE.sub(" ", words).strip()[:REPLY_LENGTH]


def enhanced(words: str) -> str:
    """The enhanced status code (RFC 3463) at the head of the words, or nothing."""
    match = _ENHANCED.match(words)
    return match[1] if match else ""


def _deferred(letter: Letter, words: str, *, now: datetime) -> Settlement:
    tried = letter.attempts + 1
    wait = retry_after(tried - letter.doubts)
    if wait is None:
        return Settlement(letter.delivery, DeliveryState.GAVE_UP, words, tried, letter.doubts)
    return Settlement(letter.delivery, DeliveryState.DEFERRED, words, tried, letter.doubts, now + wait)

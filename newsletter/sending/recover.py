"""After a sender's death: what its open window holds is looked up in its journal, and settled from that.

answered            as the server said
at the dot only     in doubt
no record           it had not reached the dot: as before
journal not to be had, or perhaps without its end: what it does not tell of is in doubt
"""

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.conf import settings

from newsletter.sending import journal
from newsletter.sending.journal import Trace
from newsletter.sending.outcomes import Accepted, Doubt, Later, Letter, Never, NotSent, Outcome, Settlement, settlement

logger = logging.getLogger(__name__)

_FROM_JOURNAL = "(the sender died; its journal kept the answer)"
_AT_THE_DOT = "The sender died while the server's answer was awaited."
_NO_JOURNAL = "The sender died and its journal is lost."


def settlements(letters: Iterable[Letter], *, owner: str, epoch: int, now: datetime) -> list[Settlement]:
    """What the dead owner's window comes to. Seals its journal: should it only be frozen, nothing more leaves."""
    trace = journal.seal_and_read(owner)
    if trace is None:
        logger.warning("journal of a dead sender is lost", extra={"detail": owner})
    evidence = timedelta(minutes=settings.EVIDENCE_MINUTES)
    found = [settlement(letter, _outcome(letter, trace, epoch), now=now, evidence=evidence) for letter in letters]
    return [each for each in found if each is not None]


def _outcome(letter: Letter, trace: Trace | None, epoch: int) -> Outcome:
    if trace is None:
        return Doubt(_NO_JOURNAL)
    attempt = {"delivery": letter.delivery, "epoch": epoch, "attempt": letter.attempts}
    code = trace.answer(**attempt)
    if code is not None:
        return _as_answered(code)
    if trace.reached_the_dot(**attempt):
        return Doubt(_AT_THE_DOT)
    return NotSent("") if trace.whole else Doubt(_NO_JOURNAL)


def _as_answered(code: int) -> Outcome:
    if code == 421:
        return NotSent("")
    match code // 100:
        case 2:
            return Accepted(code, _FROM_JOURNAL)
        case 4:
            return Later(code, _FROM_JOURNAL)
        case 5:
            return Never(code, _FROM_JOURNAL)
    return Doubt(_AT_THE_DOT)

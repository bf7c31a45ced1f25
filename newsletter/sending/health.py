"""Whose fault is it: this reader's, the relay's, or our own? Looks at each outcome among those before it (pure)."""

from collections import Counter
from dataclasses import dataclass

from newsletter.sending.outcomes import (
    Accepted,
    Doubt,
    Halted,
    Later,
    Never,
    NotSent,
    OursToMend,
    Outcome,
    PutOff,
    enhanced,
    said,
)

EQUAL_REFUSALS = 20  # 5.7.x in a row, all the same: the fault is ours
DROPS_IN_A_ROW = 3  # so many for each connection, and nothing else between: the relay is not well
DROPS_OF_ONE = 3  # connections lost over one and the same letter: it is put off, the others go first


@dataclass(slots=True)
class Verdict:
    """The outcome to write down; why the campaign must be paused; why the lane had better end and try again later."""

    outcome: Outcome
    pause: str = ""
    trouble: str = ""


class Health:
    """Of one lane and its relays, to which it has so many connections."""

    def __init__(self, *, connections: int) -> None:
        self._most_drops = DROPS_IN_A_ROW * connections
        self._refusal = ""
        self._refusals = 0
        self._drops = 0
        self._drops_of: Counter[int] = Counter()

    def judge(self, delivery: int, outcome: Outcome) -> Verdict:
        match outcome:
            case Accepted():
                self._drops = self._refusals = 0
                return Verdict(outcome)
            case Halted() | PutOff() | Doubt():  # the first two are our own doing, the third a drop that ends otherwise
                return Verdict(outcome)
            case NotSent(words):
                return self._dropped(delivery, words)
            case OursToMend(code, words):
                return Verdict(outcome, pause=f"The relay refuses our sender address: {said(code, words)}")
            case Never() if outcome.is_ours_to_mend:
                self._drops = 0
                return self._refused(outcome)
        self._drops = self._refusals = 0
        return Verdict(outcome)

    def _refused(self, outcome: Never) -> Verdict:
        kind = f"{outcome.code} {enhanced(outcome.words)}"
        self._refusals = self._refusals + 1 if kind == self._refusal else 1
        self._refusal = kind
        if self._refusals < EQUAL_REFUSALS:
            return Verdict(outcome)
        self._refusals = 0
        reason = f"The relay refused {EQUAL_REFUSALS} mails in a row: {said(outcome.code, outcome.words)}"
        return Verdict(outcome, pause=reason)

    def _dropped(self, delivery: int, words: str) -> Verdict:
        self._drops += 1
        trouble = f"breaks connections off: {words}" if self._drops >= self._most_drops else ""
        if words.startswith("421"):  # the server's own trouble, never the letter's
            return Verdict(NotSent(words), trouble=trouble)
        self._drops_of[delivery] += 1
        if self._drops_of[delivery] < DROPS_OF_ONE:
            return Verdict(NotSent(words), trouble=trouble)
        del self._drops_of[delivery]
        return Verdict(Later(451, f"4.4.2 {words}"), trouble=trouble)

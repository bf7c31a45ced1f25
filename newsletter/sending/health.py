"""Whose fault is it: this reader's, the relay's, or our own? Looks at each outcome among those before it (pure)."""

from collections import Counter
from dataclasses import dataclass

from newsletter.sending.outcomes import Halted, Later, Never, NotSent, OursToMend, Outcome, enhanced, said

EQUAL_REFUSALS = 20  # 5.7.x in a row, all the same: the fault is ours
DROPS_IN_A_ROW = 3  # connections lost one after the other: the relay is not well
DROPS_OF_ONE = 3  # connections lost over one and the same letter: it is put off, the others go first


@dataclass(frozen=True)
class Verdict:
    """The outcome to write down; why the campaign must be paused; why the lane had better end and try again later."""

    outcome: Outcome
    pause: str = ""
    trouble: str = ""


class Health:
    """Of one lane and its relay."""

    def __init__(self) -> None:
        self._refusal = ""
        self._refusals = 0
        self._drops = 0
        self._drops_of: Counter[int] = Counter()

    def judge(self, delivery: int, outcome: Outcome) -> Verdict:
        match outcome:
            case Halted():
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
        trouble = f"breaks connections off: {words}" if self._drops >= DROPS_IN_A_ROW else ""
        if words.startswith("421"):  # the server's own trouble, never the letter's
            return Verdict(NotSent(words), trouble=trouble)
        self._drops_of[delivery] += 1
        if self._drops_of[delivery] < DROPS_OF_ONE:
            return Verdict(NotSent(words), trouble=trouble)
        del self._drops_of[delivery]
        return Verdict(Later(451, f"4.4.2 {words}"), trouble=trouble)

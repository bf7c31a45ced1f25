"""The chunks a lane holds: claimed when letters are wanted, settled while they are sent, given back at the end.

Only the newest one opens letters. Those before it drain, and each is given back when nothing of it is out any more: a
letter that waits long for its answer holds up no other.
"""

import contextlib
import time
from collections.abc import Callable, Iterator
from datetime import datetime

from newsletter.sending import claim, warmup
from newsletter.sending.claim import Capped, Fenced
from newsletter.sending.ending import End, Ending
from newsletter.sending.journal import Journal
from newsletter.sending.outbox import Outbox, unwritable
from newsletter.sending.shift import PULSE_SECONDS, Shift
from newsletter.sending.tally import Tally


class Chunks:
    """Of one lane. `ending` tells what was met that must end it; `taken` counts the chunks.

    Every method may raise what a database raises that is away. Whatever was not settled then is kept for the next call.
    """

    def __init__(self, campaign_id: int, *, clock: Callable[[], datetime], outbox: Outbox, tally: Tally) -> None:
        self.ending: Ending | None = None
        self.taken = 0
        self.nothing_due = False
        self.is_capped = False  # by the warm-up plan, for today
        self._campaign_id = campaign_id
        self._clock = clock
        self._outbox = outbox
        self._tally = tally
        self._shifts: list[Shift] = []
        self._claim_at = 0.0

    def __len__(self) -> int:
        return len(self._shifts)

    def open_more(self) -> None:
        """Letters until enough of them wait, a window is open, or nothing is due."""
        while self.ending is None and self._wants_letters():
            if not self._shifts or self._shifts[-1].is_read:
                self._claim()
            else:
                self._take_turn(self._shifts[-1], size=self._room())
            self.hand_in(opens=True)  # those who left make short work of a chunk

    def pulse(self) -> None:
        """Keep the leases, settle what was answered, and see whether the campaign is still being sent."""
        for shift in self._shifts:
            if shift.pulse_is_due and not shift.fenced:
                self._take_turn(shift, size=0)

    def hand_in(self, *, opens: bool) -> None:
        """Give back the chunks that have nothing out; `opens`: only those of which nothing more will be opened."""
        for shift in [each for each in self._shifts if each.is_answered and (each.is_read or not opens)]:
            self._give_back(shift)

    def hand_in_all(self) -> None:
        """Give back every chunk. What was opened and has not ended must surely not leave."""
        for shift in list(self._shifts):
            self._give_back(shift)

    def abandon(self) -> None:
        """Leave everything to the next holders: they have the journals."""
        for shift in self._shifts:
            shift.journal.keep()
        self._shifts.clear()

    def _window(self) -> int:
        return self._outbox.pace.window(self._outbox.most)

    def _wants_letters(self) -> bool:
        """A turn for a few letters is as dear as one for many: it waits until three in four have left."""
        if not self._outbox.asked or time.monotonic() < self._claim_at:
            return False
        return len(self._outbox) <= self._window() // 4 and self._room() > 0

    def _room(self) -> int:
        """How many letters the next turn may open, so that never more than one window is open in the whole lane: what
        is open is in doubt when the machine is lost together with its journals."""
        open_now = sum(shift.open_count for shift in self._shifts)
        settled_by_it = self._shifts[-1].answered_count if self._shifts else 0
        return min(self._window(), self._outbox.most - open_now + settled_by_it)

    def _claim(self) -> None:
        self.nothing_due = True
        self._claim_at = time.monotonic() + PULSE_SECONDS  # while others drain, more may become due
        now = self._clock()
        try:
            journal = Journal.create()
        except OSError as error:
            self.ending = unwritable(error)
            return
        hold = None
        try:
            hold = claim.claim(self._campaign_id, owner=journal.owner, now=now)
        finally:
            if hold is None:
                journal.discard()
        if hold is not None:
            self._shifts.append(Shift(hold, journal, self._tally, now=now))
            self.taken += 1
            self._look_again()

    def _look_again(self) -> None:
        self.nothing_due, self._claim_at = False, 0.0

    def _take_turn(self, shift: Shift, *, size: int) -> None:
        with self._seeing_fences():
            try:
                opened = shift.take_turn(size=size, now=self._clock())
            except Capped:
                self.is_capped = shift.is_read = True
                claim.put_off(self._campaign_id, until=warmup.opens_again(self._clock()))
                return
            self._outbox.put(shift, opened.letters)
            if not opened.sending:
                self.ending = self.ending or Ending(End.STOPPED)

    def _give_back(self, shift: Shift) -> None:
        now = self._clock()
        if not shift.fenced:
            with self._seeing_fences():
                shift.let_go(now=now, rest_until=warmup.opens_again(now) if self.is_capped else None)
        if shift.fenced:
            shift.journal.keep()
        self._shifts.remove(shift)
        self._look_again()

    @contextlib.contextmanager
    def _seeing_fences(self) -> Iterator[None]:
        try:
            yield
        except Fenced:
            self.ending = self.ending or Ending(End.FENCED)

"""The lane: the loop of one process that carries a campaign's letters from its chunks to the post, until something ends
it.

Opening, sending and settling overlap: while the post sends, the next rows are opened as soon as a quarter of a window
is left. Connections stay open across chunks.
"""

import contextlib
import time
from collections.abc import Callable
from datetime import datetime

from newsletter.models import Campaign
from newsletter.sending import campaigns, room
from newsletter.sending.chunks import Chunks
from newsletter.sending.ending import End, Ending
from newsletter.sending.outbox import Outbox
from newsletter.sending.patience import Patience
from newsletter.sending.post import Post
from newsletter.sending.tally import Tally

STEP_SECONDS = 0.25  # how often it looks around while nothing happens
THROTTLED_STEP = 0.05  # the same, while letters wait for their place
RELAYS_EVERY = 0.1  # seconds between two looks whether they are down
DOWN_PATIENCE = 5.0  # so long it holds its chunks while no relay can be reached
CEILING = "Today's ceiling of the warm-up plan is reached; it goes on at midnight UTC."


class Lane:
    """`stop` is asked at least every second: after it nothing new leaves, and what stands at a dot is waited for.
    `rest` is gentler: what is opened is still sent, and nothing else is opened."""

    def __init__(
        self,
        campaign_id: int,
        *,
        outbox: Outbox,
        post: Post,
        clock: Callable[[], datetime],
        stop: Callable[[], bool],
        rest: Callable[[], bool],
    ) -> None:
        self.ending: Ending | None = None
        self.tally = Tally()
        self.chunks = Chunks(campaign_id, clock=clock, outbox=outbox, tally=self.tally)
        self._campaign_id = campaign_id
        self._outbox = outbox
        self._post = post
        self._clock, self._stop, self._rest = clock, stop, rest
        self._patience = Patience()
        self._resting = False
        self._relays_at = 0.0
        self._up_at = time.monotonic()

    def work(self) -> Ending:
        """Until nothing is due or something ends it.

        Raises the error of a database that stayed away, after the wait for what stood at a dot.
        """
        try:
            with contextlib.closing(self._post):
                while not self._is_over():
                    self._post.step(THROTTLED_STEP if len(self._outbox) and not self._post.in_hand else STEP_SECONDS)
        finally:
            self.chunks.abandon()
        if self.ending:
            return self.ending
        if self.chunks.is_capped:
            return Ending(End.NOTHING_DUE, CEILING)
        return Ending(End.RESTED if self._resting else End.NOTHING_DUE)

    def _is_over(self) -> bool:
        self._look_around()
        if self._patience.may_try:
            with self._patience.trying():
                self._keep_books()
        if self._patience.lost and not self._post.in_hand:
            raise self._patience.lost
        nothing_left = self.ending is not None or self._resting or self.chunks.nothing_due
        return nothing_left and not self.chunks and not self._post.in_hand

    def _look_around(self) -> None:
        self._resting = self._resting or self._rest()
        if self._stop():
            self._end(Ending(End.STOPPED))
        if self._outbox.ending:
            self._end(self._outbox.ending)
        if self._patience.lost:
            self._end(Ending(End.TROUBLE))
        if (now := time.monotonic()) >= self._relays_at:
            self._relays_at = now + RELAYS_EVERY
            self._look_at_relays(now)

    def _look_at_relays(self, now: float) -> None:
        words = "" if self._post.in_hand else self._post.down
        if not words:
            self._up_at = now
        elif now - self._up_at >= (DOWN_PATIENCE if self.chunks else 0):
            self._end(Ending(End.TROUBLE, words))

    def _end(self, ending: Ending) -> None:
        """Nothing new leaves. The first reason counts."""
        if self.ending is None:
            self.ending = ending
            self._post.halt()
            self._outbox.clear()

    def _keep_books(self) -> None:
        if self.ending and self.ending.pauses:
            self._pause(self.ending.words)
        self.chunks.hand_in(opens=not self._resting)
        if self.ending is None and not self._resting:
            self.chunks.open_more()
        self.chunks.pulse()
        if self.chunks.ending:
            self._end(self.chunks.ending)
        if self.ending and not self._post.in_hand:
            self.chunks.hand_in_all()
        if self.tally.is_due or not self.chunks:
            self._tell()

    def _tell(self) -> None:
        if reason := self.tally.tell(self._campaign_id, now=self._clock()):
            self._pause(reason)
        elif words := room.shortage():
            self._end(Ending(End.TROUBLE, words))

    def _pause(self, reason: str) -> None:
        campaign = Campaign.objects.get(pk=self._campaign_id)
        with contextlib.suppress(campaigns.NotMoved):  # another lane, or a person, was quicker
            campaigns.pause(campaign, actor=campaigns.SENDER, now=self._clock(), reason=reason)
        self._end(Ending(End.STOPPED))
        self.ending = Ending(End.STOPPED)

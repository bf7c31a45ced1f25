"""Holding a chunk: claim it, take turns in it, let it go. All on the database's clock, each one transaction.

A hold is a lease with an epoch. Whoever claims a chunk raises its epoch, and every later write of the holder before
fails on that. A chunk whose lease ran out is settled from its holder's journal in the transaction that claims it.
"""

import logging
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now

from newsletter.models import Campaign, Chunk
from newsletter.models.delivery import DeliveryQuerySet, DeliveryState
from newsletter.sending import journal, ledger, recover, turn, warmup
from newsletter.sending.clock import from_now
from newsletter.sending.outcomes import Settlement
from newsletter.sending.turn import Opened, Turn

logger = logging.getLogger(__name__)

FIRST_CLAIM = timedelta(minutes=2)  # a dead machine's own workers may read its journal; others wait so long for them


class Fenced(Exception):
    """The chunk has passed on to another holder: this one may write nothing more."""


class Capped(Exception):
    """The newsletter's warm-up plan allows nothing more today; nothing was opened."""


@dataclass(frozen=True)
class Hold:
    """A chunk that is ours under `epoch` while we renew the lease. `warming`: its newsletter has a warm-up plan."""

    chunk: Chunk
    epoch: int
    newsletter_id: int
    warming: bool = False

    @property
    def deliveries(self) -> DeliveryQuerySet:
        return _deliveries(self.chunk)

    @property
    def first(self) -> int:
        """The number of the chunk's first delivery."""
        return self.chunk.number * settings.SEND_CHUNK


def claimable(*, now: datetime) -> QuerySet[Chunk]:
    """Open chunks that are due and that nobody holds. `now` is for due times; leases run on the database's own clock.

    A window whose journal lies on another machine is left to that machine for two minutes.
    """
    free = Q(lease_until=None) | Q(lease_until__lt=Now())
    readable = Q(window_from=None) | Q(owner__startswith=f"{journal.home()}/")
    given_up = Q(lease_until__lt=from_now(-FIRST_CLAIM))
    return Chunk.objects.filter(free, readable | given_up, closed=False, due_at__lte=now)


def has_due(campaign_id: int, *, now: datetime) -> bool:
    """Whether a sender would find a chunk to claim in the campaign."""
    return _due(campaign_id, now=now).exists()


def claim(campaign_id: int, *, owner: str, now: datetime) -> Hold | None:
    """Take the campaign's next chunk, if one is due and the campaign is being sent; end the doubts in it that are due.

    On PostgreSQL chunks that another sender is just taking are passed over (SKIP LOCKED); on SQLite the IMMEDIATE
    transaction lets one sender in at a time.
    """
    with transaction.atomic():
        due = _due(campaign_id, now=now).select_related("campaign__newsletter").order_by("due_at", "number")
        chunk = due.select_for_update(skip_locked=True, of=("self",)).first()
        if chunk is None:
            return None
        hold = _take(chunk, owner=owner, now=now)
        ledger.resolve_doubts(chunk.campaign, now=now, among=hold.deliveries)
    return hold


def take_turn(
    hold: Hold,
    settlements: Sequence[Settlement] = (),
    *,
    size: int,
    now: datetime,
    after: int | None = None,
    oldest: int | None = None,
) -> Opened:
    """Settle what was answered, stretch the lease and open at most `size` deliveries beyond number `after`.

    `oldest` is the lowest number that is open and stays unsettled, if there is one: with what is opened it makes the
    chunk's open window. Raises Fenced, and then nothing was settled; Capped, and then nothing was opened.
    """
    wanted = Turn(
        campaign=hold.chunk.campaign_id,
        newsletter=hold.newsletter_id,
        chunk=hold.chunk.pk,
        epoch=hold.epoch,
        after=hold.first - 1 if after is None else after,
        end=hold.first + settings.SEND_CHUNK,
        oldest=oldest,
        size=size,
    )
    with _together(hold):
        if hold.warming:
            wanted = replace(wanted, size=warmup.reserve(hold.newsletter_id, size, now=now))
            if size and not wanted.size:
                raise Capped
        opened = turn.take(wanted, settlements, now=now)
        if opened is None:
            raise Fenced
        if hold.warming:
            unsent = sum(each.paced for each in settlements)  # put off: they are opened, and counted, once more
            warmup.give_back(hold.newsletter_id, wanted.size - len(opened.letters) + unsent, now=now)
    if opened.settled != len(settlements):
        detail = f"{opened.settled}/{len(settlements)}"
        logger.warning("settled twice", extra={"chunk": hold.chunk.pk, "detail": detail})
    return opened


def let_go(
    hold: Hold,
    settlements: Sequence[Settlement] = (),
    *,
    now: datetime,
    withheld: int = 0,
    rest_until: datetime | None = None,
) -> None:
    """Settle what was answered and give the chunk back: closed when all in it has ended, else due when the next is.

    `withheld`: opened and not sent after all. `rest_until`: not due before. Raises Fenced.
    """
    with transaction.atomic():
        take_turn(hold, settlements, size=0, now=now)
        if hold.warming:
            warmup.give_back(hold.newsletter_id, withheld, now=now)
        _give_back(hold, now=now, rest_until=rest_until)


def put_off(campaign_id: int, *, until: datetime) -> None:
    """No chunk of the campaign that nobody holds is due before."""
    free = Chunk.objects.filter(campaign_id=campaign_id, closed=False, lease_until=None, due_at__lt=until)
    free.update(due_at=until)


def settle_abandoned(*, now: datetime) -> int:
    """Settle the open windows of dead senders in campaigns that nobody goes on with (paused, cancelled).

    Gives how many. Else the deliveries that such a sender left at a dot would pass for never sent.
    """
    stopped = claimable(now=now).exclude(window_from=None).exclude(campaign__state=Campaign.State.SENDING)
    with transaction.atomic():
        rows = stopped.select_related("campaign__newsletter")
        chunks = list(rows.select_for_update(skip_locked=True, of=("self",)))
        for chunk in chunks:
            _give_back(_take(chunk, owner="", now=now), now=now)
    return len(chunks)


def _due(campaign_id: int, *, now: datetime) -> QuerySet[Chunk]:
    return claimable(now=now).filter(campaign_id=campaign_id, campaign__state=Campaign.State.SENDING)


def _take(chunk: Chunk, *, owner: str, now: datetime) -> Hold:
    """Raise the epoch and settle what a dead holder left. The chunk's row is locked by the caller's transaction."""
    before = (chunk.owner, chunk.epoch)
    left_open = [] if chunk.window_from is None else ledger.unsettled(chunk, _deliveries(chunk), now=now)
    newsletter = chunk.campaign.newsletter
    hold = Hold(chunk, chunk.epoch + 1, newsletter.pk, warming=newsletter.warm_up_from is not None)
    taken = Chunk.objects.filter(pk=chunk.pk, epoch=chunk.epoch).update(
        epoch=F("epoch") + 1,
        owner=owner,
        lease_until=from_now(timedelta(seconds=settings.SEND_LEASE_SECONDS)),
        window_from=None,
        window_to=None,
    )
    if not taken:
        raise Fenced
    if left_open:
        found = recover.settlements(left_open, owner=before[0], epoch=before[1], now=now)
        ledger.settle(found, chunk_id=chunk.pk, epoch=hold.epoch, now=now)
        doubts = sum(each.state == DeliveryState.IN_DOUBT for each in found)
        logger.warning(
            "window of a dead sender settled",
            extra={"chunk": chunk.pk, "detail": f"open={len(left_open)} settled={len(found)} in_doubt={doubts}"},
        )
    if before[0]:
        transaction.on_commit(lambda: journal.forget(before[0]))
    return hold


def _give_back(hold: Hold, *, now: datetime, rest_until: datetime | None = None) -> None:
    due_at = ledger.next_due(hold.deliveries, now=now)
    given = Chunk.objects.filter(pk=hold.chunk.pk, epoch=hold.epoch).update(
        owner="",
        lease_until=None,
        window_from=None,
        window_to=None,
        closed=due_at is None,
        due_at=F("due_at") if due_at is None else max(due_at, rest_until or due_at),
    )
    if not given:
        raise Fenced


def _together(hold: Hold) -> AbstractContextManager[None]:
    """A turn is one transaction by itself; with a daily ceiling it is one with what is reserved of that."""
    return transaction.atomic() if hold.warming else nullcontext()


def _deliveries(chunk: Chunk) -> DeliveryQuerySet:
    return ledger.deliveries_of(chunk, size=settings.SEND_CHUNK)

"""Holding a chunk: claim, renew, turn the window, let go. All on the database's clock, each one transaction.

A hold is a lease with an epoch. Whoever claims a chunk raises its epoch, and every later write of the holder before
fails on that. A chunk whose lease ran out is settled from its holder's journal in the transaction that claims it.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import DateTimeField, ExpressionWrapper, F, Q, QuerySet, Value
from django.db.models.functions import Now

from newsletter.models import Campaign, Chunk
from newsletter.models.delivery import DeliveryQuerySet, DeliveryState
from newsletter.sending import journal, ledger, recover
from newsletter.sending.outcomes import Letter, Settlement

logger = logging.getLogger(__name__)

FIRST_CLAIM = timedelta(minutes=2)  # a dead machine's own workers may read its journal; others wait so long for them


class Fenced(Exception):
    """The chunk has passed on to another holder: this one may write nothing more."""


@dataclass(frozen=True)
class Hold:
    """A chunk that is ours under `epoch`, as long as we renew the lease."""

    chunk: Chunk
    epoch: int

    @property
    def deliveries(self) -> DeliveryQuerySet:
        return ledger.deliveries_of(self.chunk, size=settings.SEND_CHUNK)


def claimable(*, now: datetime) -> QuerySet[Chunk]:
    """Open chunks that are due and that nobody holds. `now` is for due times; leases run on the database's own clock.

    A window whose journal lies on another machine is left to that machine for two minutes.
    """
    free = Q(lease_until=None) | Q(lease_until__lt=Now())
    readable = Q(window_from=None) | Q(owner__startswith=f"{journal.home()}/")
    given_up = Q(lease_until__lt=_from_now(-FIRST_CLAIM))
    return Chunk.objects.filter(free, readable | given_up, closed=False, due_at__lte=now)


def has_due(campaign_id: int, *, now: datetime) -> bool:
    """Whether a sender would find a chunk to claim in the campaign."""
    return _due(campaign_id, now=now).exists()


def claim(campaign_id: int, *, owner: str, now: datetime) -> Hold | None:
    """Take the campaign's next chunk, if one is due and the campaign is being sent.

    On PostgreSQL chunks that another sender is just taking are passed over (SKIP LOCKED); on SQLite the IMMEDIATE
    transaction lets one sender in at a time.
    """
    with transaction.atomic():
        due = _due(campaign_id, now=now).order_by("due_at", "number")
        chunk = due.select_for_update(skip_locked=True, of=("self",)).first()
        return None if chunk is None else _take(chunk, owner=owner, now=now)


def renew(hold: Hold) -> bool:
    """Stretch the lease; tells whether the campaign is still being sent. Raises Fenced."""
    _write(hold, lease_until=_lease())
    return Campaign.objects.sending().filter(pk=hold.chunk.campaign_id).exists()


def turn(hold: Hold, settlements: Sequence[Settlement], *, size: int, now: datetime) -> list[Letter]:
    """Settle what the last window came to and open the next, of at most `size` deliveries, in one transaction.

    An empty list: the chunk is let go, because nothing in it is due, the campaign stopped, or `size` was 0. Raises
    Fenced, and then nothing was settled.
    """
    with transaction.atomic():
        _write(hold, lease_until=_lease(), window_from=None, window_to=None)
        settled = ledger.settle(settlements, chunk_id=hold.chunk.pk, epoch=hold.epoch)
        if settled != len(settlements):
            logger.warning("settled twice", extra={"chunk": hold.chunk.pk, "detail": f"{settled}/{len(settlements)}"})
        campaign = Campaign.objects.get(pk=hold.chunk.campaign_id)
        letters: list[Letter] = []
        if campaign.state == Campaign.State.SENDING:
            ledger.resolve_doubts(campaign, now=now, among=hold.deliveries)
            if size:
                letters = ledger.take_letters(hold.deliveries, campaign.newsletter_id, size=size, now=now)
        if letters:
            _write(hold, window_from=letters[0].number, window_to=letters[-1].number)
        else:
            _let_go(hold, now=now)
        if settlements:
            _show_progress(campaign, settlements, now=now)
    return letters


def settle_abandoned(*, now: datetime) -> int:
    """Settle the open windows of dead senders in campaigns that nobody goes on with (paused, cancelled).

    Gives how many. Else the deliveries that such a sender left at a dot would pass for never sent.
    """
    stopped = claimable(now=now).exclude(window_from=None).exclude(campaign__state=Campaign.State.SENDING)
    with transaction.atomic():
        chunks = list(stopped.select_for_update(skip_locked=True, of=("self",)))
        for chunk in chunks:
            _let_go(_take(chunk, owner="", now=now), now=now)
    return len(chunks)


def _due(campaign_id: int, *, now: datetime) -> QuerySet[Chunk]:
    return claimable(now=now).filter(campaign_id=campaign_id, campaign__state=Campaign.State.SENDING)


def _take(chunk: Chunk, *, owner: str, now: datetime) -> Hold:
    """Raise the epoch and settle what a dead holder left. The chunk's row is locked by the caller's transaction."""
    before = (chunk.owner, chunk.epoch)
    left_open = [] if chunk.window_from is None else ledger.unsettled(chunk, _deliveries(chunk), now=now)
    hold = Hold(chunk, chunk.epoch + 1)
    taken = Chunk.objects.filter(pk=chunk.pk, epoch=chunk.epoch).update(
        epoch=F("epoch") + 1, owner=owner, lease_until=_lease(), window_from=None, window_to=None
    )
    if not taken:
        raise Fenced
    if left_open:
        found = recover.settlements(left_open, owner=before[0], epoch=before[1], now=now)
        ledger.settle(found, chunk_id=chunk.pk, epoch=hold.epoch)
        doubts = sum(each.state == DeliveryState.IN_DOUBT for each in found)
        logger.warning(
            "window of a dead sender settled",
            extra={"chunk": chunk.pk, "detail": f"open={len(left_open)} settled={len(found)} in_doubt={doubts}"},
        )
    if before[0]:
        transaction.on_commit(lambda: journal.forget(before[0]))
    return hold


def _let_go(hold: Hold, *, now: datetime) -> None:
    due_at = ledger.next_due(hold.deliveries, now=now)
    _write(
        hold,
        owner="",
        lease_until=None,
        window_from=None,
        window_to=None,
        closed=due_at is None,
        due_at=F("due_at") if due_at is None else due_at,
    )


def _write(hold: Hold, **values: object) -> None:
    """A write of the holder: it fails when the epoch has moved on."""
    if not Chunk.objects.filter(pk=hold.chunk.pk, epoch=hold.epoch).update(**values):
        raise Fenced


def _show_progress(campaign: Campaign, settlements: Sequence[Settlement], *, now: datetime) -> None:
    values: dict[str, object] = {"progress_at": now}
    going_on = campaign.state == Campaign.State.SENDING  # a paused campaign keeps the reason it was paused for
    if going_on and campaign.trouble and any(each.state == DeliveryState.SENT for each in settlements):
        values["trouble"] = ""
    Campaign.objects.filter(pk=campaign.pk, state=campaign.state).update(**values)


def _deliveries(chunk: Chunk) -> DeliveryQuerySet:
    return ledger.deliveries_of(chunk, size=settings.SEND_CHUNK)


def _lease() -> ExpressionWrapper:
    return _from_now(timedelta(seconds=settings.SEND_LEASE_SECONDS))


def _from_now(span: timedelta) -> ExpressionWrapper:
    return ExpressionWrapper(Now() + Value(span), output_field=DateTimeField())

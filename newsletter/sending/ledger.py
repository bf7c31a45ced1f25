"""Reading and settling the deliveries of a chunk. Only open rows are ever changed."""

import logging
from collections.abc import Sequence
from datetime import datetime

from django.db import connection
from django.db.models import Exists, F, Min, OuterRef, Q

from newsletter.models import Campaign, Chunk, Delivery, Newsletter, Subscription
from newsletter.models.delivery import DeliveryQuerySet
from newsletter.sending.outcomes import MOST_DOUBTS, Letter, Settlement

logger = logging.getLogger(__name__)
State = Delivery.State

_SETTLE = """
    UPDATE newsletter_delivery
    SET state = %s, reply = %s, attempts = %s, doubts = %s, next_attempt_at = %s, settled_at = %s,
        doubted_at = COALESCE(doubted_at, %s)
    WHERE id = %s AND state IN ('queued', 'deferred')
      AND EXISTS (SELECT 1 FROM newsletter_chunk WHERE id = %s AND epoch = %s)
"""


def settle(settlements: Sequence[Settlement], *, chunk_id: int, epoch: int) -> int:
    """Write the settlements down; gives how many rows took one. Those under an old epoch change nothing."""
    if not settlements:
        return 0
    moment = connection.ops.adapt_datetimefield_value
    with connection.cursor() as cursor:
        cursor.executemany(
            _SETTLE,
            [
                (
                    each.state,
                    each.reply,
                    each.attempts,
                    each.doubts,
                    moment(each.next_attempt_at),
                    moment(each.settled_at),
                    moment(each.doubted_at),
                    each.delivery,
                    chunk_id,
                    epoch,
                )
                for each in settlements
            ],
        )
        return cursor.rowcount


def resolve_doubts(campaign: Campaign, *, now: datetime, among: DeliveryQuerySet | None = None) -> int:
    """End the doubts that no evidence has ended, by the campaign's policy; gives how many.

    `resend`: queued again with the same Message-ID, at most three times. `skip`, or no tries left: unknown.
    """
    rows = Delivery.objects.filter(campaign=campaign) if among is None else among
    doubtful = rows.filter(state=State.IN_DOUBT)
    again = 0
    if campaign.doubt_policy == Newsletter.DoubtPolicy.RESEND:
        again = doubtful.filter(doubts__lt=MOST_DOUBTS).update(state=State.QUEUED)
    return again + doubtful.update(state=State.UNKNOWN, settled_at=now)


def take_letters(deliveries: DeliveryQuerySet, newsletter_id: int, *, size: int, now: datetime) -> list[Letter]:
    """The next deliveries that are due, in order. Readers who left or are suppressed are settled as such on the way."""
    due = deliveries.filter(Q(state=State.QUEUED) | Q(state=State.DEFERRED, next_attempt_at__lte=now))
    subscription = Subscription.objects.mailable(Newsletter(pk=newsletter_id)).filter(
        subscriber=OuterRef("subscriber_id")
    )
    rows = due.order_by("number").annotate(mailable=Exists(subscription))
    fields = ("id", "number", "variant_id", "message_id", "subscriber__name", "subscriber__email", "subscriber__key")
    while batch := list(rows.values_list(*fields, "attempts", "doubts", "mailable")[:size]):
        if gone := [row[0] for row in batch if not row[-1]]:
            due.filter(pk__in=gone).update(state=State.SUPPRESSED, settled_at=now, next_attempt_at=None)
        if letters := [Letter(*row[:-1]) for row in batch if row[-1]]:
            return letters
    return []


def deliveries_of(chunk: Chunk, *, size: int) -> DeliveryQuerySet:
    """The chunk's deliveries; `size` is the house's chunk size."""
    first = chunk.number * size
    return Delivery.objects.filter(campaign_id=chunk.campaign_id, number__gte=first, number__lt=first + size)


def next_due(deliveries: DeliveryQuerySet, *, now: datetime) -> datetime | None:
    """When the earliest open delivery may be tried; None when all have ended."""
    open_rows = deliveries.open()
    if not open_rows.exists():
        return None
    waiting = open_rows.filter(state=State.DEFERRED).aggregate(first=Min("next_attempt_at"))["first"]
    return now if open_rows.exclude(state=State.DEFERRED).exists() else waiting


def unsettled(chunk: Chunk, deliveries: DeliveryQuerySet, *, now: datetime) -> list[Letter]:
    """What stood in the chunk's open window and was not settled: all of it may have left."""
    opened = deliveries.filter(number__gte=chunk.window_from, number__lte=chunk.window_to).filter(
        Q(state=State.QUEUED) | Q(state=State.DEFERRED, next_attempt_at__lte=now)
    )
    rows = opened.order_by("number").annotate(
        name=F("subscriber__name"), email=F("subscriber__email"), key=F("subscriber__key")
    )
    fields = ("id", "number", "variant_id", "message_id", "name", "email", "key", "attempts", "doubts")
    return [Letter(*row) for row in rows.values_list(*fields)]

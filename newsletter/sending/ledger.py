"""Reading and settling the deliveries of a chunk. Only open rows are ever changed."""

from collections.abc import Sequence
from datetime import datetime

from django.db import connection
from django.db.models import Case, DateTimeField, F, Min, Q, Value, When
from django.db.models.functions import Coalesce

from newsletter.models import Campaign, Chunk, Delivery, Newsletter
from newsletter.models.delivery import FINAL, DeliveryQuerySet
from newsletter.sending.outcomes import MOST_DOUBTS, Letter, Settlement

State = Delivery.State

_SETTLE = """
    UPDATE newsletter_delivery
    SET state = %s, reply = COALESCE(%s, reply), attempts = %s, doubts = %s, next_attempt_at = %s, paced = %s,
        settled_at = %s, doubted_at = COALESCE(doubted_at, %s)
    WHERE id = %s AND state IN ('queued', 'deferred')
      AND EXISTS (SELECT 1 FROM newsletter_chunk WHERE id = %s AND epoch = %s)
"""


def settle(settlements: Sequence[Settlement], *, chunk_id: int, epoch: int, now: datetime) -> int:
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
                    None if each.paced else each.reply,  # a delivery that waits for its place keeps the words before
                    each.attempts,
                    each.doubts,
                    moment(each.next_attempt_at),
                    each.paced,
                    moment(now if each.state in FINAL else None),
                    moment(now if each.state == State.IN_DOUBT else None),
                    each.delivery,
                    chunk_id,
                    epoch,
                )
                for each in settlements
            ],
        )
        return cursor.rowcount


def settle_gone(deliveries: Sequence[int], *, now: datetime) -> None:
    """End those whose readers have left or are suppressed."""
    if deliveries:
        rows = Delivery.objects.filter(pk__in=deliveries, state__in=[State.QUEUED, State.DEFERRED])
        rows.update(state=State.SUPPRESSED, settled_at=now, next_attempt_at=None, paced=False)


def resolve_doubts(campaign: Campaign, *, now: datetime, among: DeliveryQuerySet | None = None) -> int:
    """End the doubts whose time for evidence is over, by the campaign's policy; gives how many.

    `resend`: queued again with the same Message-ID, at most three times. `skip`, or no tries left: unknown.
    """
    rows = Delivery.objects.filter(campaign=campaign) if among is None else among
    waited = Q(next_attempt_at=None) | Q(next_attempt_at__lte=now)
    doubtful = rows.filter(waited, state=State.IN_DOUBT)
    if not doubtful.exists():
        return 0
    again = 0
    if campaign.doubt_policy == Newsletter.DoubtPolicy.RESEND:
        again = doubtful.filter(doubts__lt=MOST_DOUBTS).update(state=State.QUEUED, next_attempt_at=None)
    return again + doubtful.update(state=State.UNKNOWN, settled_at=now, next_attempt_at=None)


def deliveries_of(chunk: Chunk, *, size: int) -> DeliveryQuerySet:
    """The chunk's deliveries; `size` is the house's chunk size."""
    first = chunk.number * size
    return Delivery.objects.filter(campaign_id=chunk.campaign_id, number__gte=first, number__lt=first + size)


def next_due(deliveries: DeliveryQuerySet, *, now: datetime) -> datetime | None:
    """When the earliest open delivery may be tried, or its doubt be ended; None when all have ended."""
    moment = Case(When(state=State.QUEUED, then=Value(now)), default=Coalesce("next_attempt_at", Value(now)))
    return deliveries.open().aggregate(first=Min(moment, output_field=DateTimeField()))["first"]


def unsettled(chunk: Chunk, deliveries: DeliveryQuerySet, *, now: datetime) -> list[Letter]:
    """What stood in the chunk's open window and was not settled: all of it may have left."""
    opened = deliveries.filter(number__gte=chunk.window_from, number__lte=chunk.window_to).filter(
        Q(state=State.QUEUED) | Q(state=State.DEFERRED, next_attempt_at__lte=now)
    )
    rows = opened.order_by("number").annotate(
        name=F("subscriber__name"), email=F("subscriber__email"), key=F("subscriber__key")
    )
    fields = ("id", "number", "variant_id", "message_id", "name", "email", "key", "attempts", "doubts", "paced")
    return [Letter(*row) for row in rows.values_list(*fields)]

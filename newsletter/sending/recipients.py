"""Freezing the audience: who gets the campaign, and which variant, decided for all at once and written down.

One INSERT ... SELECT makes the deliveries, so the audience is that of one moment, a million of them cost seconds, and
nobody stands in it twice: a reader has the variant of the first segment that matches.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import BigIntegerField, Case, CharField, Count, F, Q, QuerySet, Value, When, Window
from django.db.models.expressions import Combinable
from django.db.models.functions import Cast, Concat, RowNumber

from newsletter.audience.segments import condition
from newsletter.models import Campaign, Chunk, Delivery, Subscription, Variant

_COLUMNS = ["campaign_id", "subscriber_id", "variant_id", "number", "message_id", "state"]
_QUEUED = "queued"
_WORK_MEMORY = "256MB"  # for a sort, a few hash tables and the trigger's list over a million readers


def freeze_audience(campaign: Campaign, variants: Sequence[Variant], *, now: datetime) -> int:
    """Make the campaign's deliveries and chunks; gives how many deliveries. Call it inside the freezing transaction."""
    select, parameters = _rows(campaign, variants, now=now).query.sql_with_params()
    columns = ", ".join(connection.ops.quote_name(name) for name in _COLUMNS)
    table = connection.ops.quote_name(Delivery._meta.db_table)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # Until the transaction ends: joins in memory, and no compiler for a statement that runs once.
            cursor.execute(f"SET LOCAL work_mem = '{_WORK_MEMORY}'")
            cursor.execute("SET LOCAL jit = off")
        cursor.execute(f"INSERT INTO {table} ({columns}) {select}", parameters)
        count: int = cursor.rowcount
    Chunk.objects.bulk_create(
        Chunk(campaign=campaign, number=number, due_at=now) for number in range(-(-count // settings.SEND_CHUNK))
    )
    return count


def excluded(campaign: Campaign) -> dict[str, int]:
    """Readers who are not mailed, and why: reason -> how many; reasons that hold for nobody are left out."""
    states = Subscription.objects.filter(newsletter_id=campaign.newsletter_id).aggregate(
        pending=Count("pk", filter=Q(state=Subscription.State.PENDING)),
        left=Count("pk", filter=Q(state=Subscription.State.LEFT)),
    )
    counts = states | {"suppressed": Subscription.objects.suppressed(campaign.newsletter).count()}
    return {reason: count for reason, count in counts.items() if count}


def _rows(campaign: Campaign, variants: Sequence[Variant], *, now: datetime) -> QuerySet[Subscription, tuple[Any, ...]]:
    number = Window(RowNumber(), order_by=F("id").asc()) - Value(1)
    return (
        Subscription.objects.mailable(campaign.newsletter)
        .order_by()
        .annotate(
            campaign=Value(campaign.pk, output_field=BigIntegerField()),
            variant=_first_match(variants, now=now),
            number=number,
            message_id=_message_id(campaign, number),
            first_state=Value(_QUEUED, output_field=CharField()),
        )
        .values_list("campaign", "subscriber_id", "variant", "number", "message_id", "first_state")
    )


def _message_id(campaign: Campaign, number: Combinable) -> Concat:
    """Campaign, place, reader. The place comes before the reader so that the index grows at its end: a million at
    random places would cost as much as all the rest. It counts from where the campaign's own key says, in ten digits,
    and so tells nobody how many readers there are."""
    first = 1_000_000_000 + int(campaign.key[:7], 16)
    place = Cast(Value(first) + number, output_field=CharField())
    parts = (
        Value(f"{campaign.key}."),
        place,
        Value("."),
        F("subscriber__key"),
        Value(f"@{campaign.newsletter.domain}"),
    )
    return Concat(*parts, output_field=CharField())


def _first_match(variants: Sequence[Variant], *, now: datetime) -> Case:
    """The variant of the first matching segment, in their order; that of everyone else for the rest."""
    segments = sorted(
        ((variant.segment, variant) for variant in variants if variant.segment is not None),
        key=lambda pair: (pair[0].position, pair[0].pk),
    )
    rest = next(variant for variant in variants if variant.segment_id is None)
    return Case(
        *(When(condition(segment.rule, now=now), then=Value(variant.pk)) for segment, variant in segments),
        default=Value(rest.pk),
        output_field=BigIntegerField(),
    )

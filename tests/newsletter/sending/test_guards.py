"""What the database refuses by itself, on both vendors."""

from collections.abc import Callable

import pytest
from django.db import IntegrityError, connection, transaction

from newsletter.models import Campaign, Chunk, Delivery, Subscriber, Variant
from newsletter.models.delivery import FINAL
from newsletter.sending import clock

pytestmark = pytest.mark.django_db


def refused(rows, **values) -> bool:
    try:
        with transaction.atomic():
            rows.update(**values)
    except IntegrityError:
        return True
    return False


def breaks(change: Callable[[], object]) -> bool:
    """Whether the database refuses the change, at once or when the transaction ends."""
    try:
        with transaction.atomic():
            change()
            connection.check_constraints()
    except IntegrityError:
        return True
    return False


def put(state: str) -> None:
    Delivery.objects.filter(number=0).update(state=state, reply="250 ok" if state == "sent" else "")


@pytest.mark.parametrize("state", FINAL)
def test_there_is_no_way_back_from_an_end(campaign, state):
    put(state)
    row = Delivery.objects.filter(number=0)
    others = [other for other in Delivery.State.values if other != state and (state, other) != ("unknown", "sent")]
    for other in others:
        assert refused(row, state=other, reply="250 ok", next_attempt_at=clock.database_now()), other


def test_evidence_may_turn_unknown_into_sent(campaign):
    put("unknown")
    assert not refused(Delivery.objects.filter(number=0), state="sent", reply="250 by a bounce")


def test_moments_may_be_written_after_the_end(campaign):
    put("sent")
    assert not refused(Delivery.objects.filter(number=0), bounced_at=clock.database_now())


def test_a_delivery_keeps_its_message_id_and_reader(campaign):
    row = Delivery.objects.filter(number=0)
    assert refused(row, message_id="another@example.org")
    assert refused(row, subscriber=Delivery.objects.get(number=1).subscriber_id)


def test_sent_needs_the_servers_words(campaign):
    assert refused(Delivery.objects.filter(number=0), state="sent", reply="")


def test_deferred_needs_a_time(campaign):
    assert refused(Delivery.objects.filter(number=0), state="deferred")


def test_a_reader_stands_once_in_a_campaign(campaign):
    first = Delivery.objects.get(number=0)
    with pytest.raises(IntegrityError), transaction.atomic():
        Delivery.objects.create(
            campaign=campaign, subscriber=first.subscriber, variant=first.variant, number=9, message_id="x@y"
        )


def test_a_delivery_keeps_its_variant(make_frozen):
    make_frozen(1)
    other = make_frozen(1)
    row = Delivery.objects.exclude(campaign=other)
    if connection.vendor == "postgresql":  # on SQLite its foreign key only asks that there is such a variant
        assert refused(row, variant=other.variants.get())


@pytest.mark.parametrize("missing", ["subscriber_id", "variant_id", "campaign_id"])
def test_a_delivery_needs_its_reader_variant_and_campaign(campaign, missing):
    first = Delivery.objects.get(number=0)
    newcomer = Subscriber.objects.create(email="new@example.org", address="new@example.org")
    values = {"campaign_id": campaign.pk, "subscriber_id": newcomer.pk, "variant_id": first.variant_id}
    assert breaks(lambda: Delivery.objects.create(**values | {missing: 987_654}, number=9, message_id="x@y"))


@pytest.mark.parametrize("parent", [Subscriber, Variant, Campaign])
def test_nobody_takes_away_what_a_delivery_needs(campaign, parent):
    rows = parent.objects.all()
    assert breaks(lambda: rows._raw_delete(rows.db))  # as SQL would: Django's own delete asks first


def test_a_reader_of_no_campaign_may_go(campaign):
    gone = Subscriber.objects.create(email="new@example.org", address="new@example.org")
    gone.delete()
    connection.check_constraints()
    assert not Subscriber.objects.filter(pk=gone.pk).exists()


@pytest.mark.parametrize("state", ["queued", "deferred", "in_doubt"])
def test_done_is_refused_while_a_delivery_is_open(campaign, state):
    Delivery.objects.update(state="suppressed")
    newest = Delivery.objects.first()
    Delivery.objects.filter(pk=newest.pk).delete()
    Delivery.objects.create(
        campaign=campaign,
        subscriber=newest.subscriber,
        variant=newest.variant,
        number=newest.number,
        message_id=newest.message_id,
        state=state,
        next_attempt_at=clock.database_now(),
    )
    assert refused(Campaign.objects.all(), state="done")
    Delivery.objects.filter(state=state).update(state="suppressed")
    assert not refused(Campaign.objects.all(), state="done")


def test_done_is_refused_when_a_delivery_is_missing(campaign):
    Delivery.objects.update(state="suppressed")
    Delivery.objects.filter(number=0).delete()
    assert refused(Campaign.objects.all(), state="done")


def test_frozen_needs_its_count(campaign):
    assert refused(Campaign.objects.all(), frozen_count=None)


def test_a_window_ends_after_it_begins(campaign):
    assert refused(Chunk.objects.all(), window_from=5, window_to=4)
    assert refused(Chunk.objects.all(), window_from=1, window_to=1, closed=True)

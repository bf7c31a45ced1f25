"""What the database refuses by itself, on both vendors."""

import pytest
from django.db import IntegrityError, transaction

from newsletter.models import Campaign, Chunk, Delivery
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

from collections import Counter

import pytest

from newsletter.models import Chunk, Delivery, Suppression
from newsletter.sending import campaigns, clock
from tests.makers import make_newsletter, make_segment, make_subscriber
from tests.newsletter.sending.conftest import approved_edition

pytestmark = pytest.mark.django_db


def frozen(newsletter):
    now = clock.database_now()
    campaign = campaigns.start(approved_edition(newsletter), slot=None, actor="the test", now=now)
    campaigns.freeze(campaign, actor="the test", now=now)
    return campaign


def variant_of(subscriber) -> str:
    return Delivery.objects.get(subscriber=subscriber).variant.name


def test_the_first_segment_that_matches_wins_and_nobody_stands_there_twice():
    newsletter = make_newsletter()
    make_segment(newsletter, "investors", position=2)
    make_segment(newsletter, "researchers", position=1)
    both = make_subscriber(newsletter, "investors", "researchers")
    second = make_subscriber(newsletter, "investors")
    nobody = make_subscriber(newsletter, "policymakers")
    campaign = frozen(newsletter)
    assert (variant_of(both), variant_of(second), variant_of(nobody)) == ("Researchers", "Investors", "Everyone else")
    assert campaign.frozen_count == Delivery.objects.count() == 3


def test_an_empty_rule_takes_everyone_that_is_left():
    newsletter = make_newsletter()
    make_segment(newsletter, "researchers", position=1)
    make_segment(newsletter, "all", rule={}, position=2)
    make_segment(newsletter, "investors", position=3)
    first, second = make_subscriber(newsletter, "researchers"), make_subscriber(newsletter, "investors")
    frozen(newsletter)
    assert (variant_of(first), variant_of(second)) == ("Researchers", "All")


def test_only_confirmed_readers_of_this_newsletter_who_are_not_suppressed_are_taken():
    newsletter, other = make_newsletter(), make_newsletter()
    reader = make_subscriber(newsletter)
    make_subscriber(other)
    make_subscriber(newsletter, state="pending")
    make_subscriber(newsletter, state="left")
    for scope in (None, newsletter):
        gone = make_subscriber(newsletter)
        Suppression.objects.create(address=gone.address, newsletter=scope)
    elsewhere = make_subscriber(newsletter)
    Suppression.objects.create(address=elsewhere.address, newsletter=other)
    frozen(newsletter)
    assert set(Delivery.objects.values_list("subscriber", flat=True)) == {reader.pk, elsewhere.pk}


def test_deliveries_are_numbered_and_cut_into_chunks(settings):
    settings.SEND_CHUNK = 3
    newsletter = make_newsletter()
    for _ in range(7):
        make_subscriber(newsletter)
    campaign = frozen(newsletter)
    assert list(Delivery.objects.order_by("number").values_list("number", flat=True)) == list(range(7))
    assert list(Chunk.objects.values_list("campaign", "number")) == [
        (campaign.pk, 0),
        (campaign.pk, 1),
        (campaign.pk, 2),
    ]


def test_the_message_id_is_made_of_campaign_place_and_reader():
    newsletter = make_newsletter(from_email="recap@münchen.example")
    reader = make_subscriber(newsletter)
    campaign = frozen(newsletter)
    place = 1_000_000_000 + int(campaign.key[:7], 16)
    assert Delivery.objects.get().message_id == f"{campaign.key}.{place}.{reader.key}@xn--mnchen-3ya.example"


def test_message_ids_have_the_order_of_the_deliveries_so_that_their_index_grows_at_its_end():
    newsletter = make_newsletter()
    for _ in range(12):
        make_subscriber(newsletter)
    frozen(newsletter)
    ids = list(Delivery.objects.order_by("number").values_list("message_id", flat=True))
    assert ids == sorted(ids)


def test_who_joins_later_gets_the_next_one():
    newsletter = make_newsletter()
    make_subscriber(newsletter)
    frozen(newsletter)
    make_subscriber(newsletter)
    assert Counter(Delivery.objects.values_list("state", flat=True)) == {"queued": 1}

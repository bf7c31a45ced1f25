"""Leaving and coming back."""

from datetime import timedelta

import pytest

from newsletter.audience import leaving
from newsletter.models import Consent, Delivery, Subscription, Variant
from newsletter.models.campaign import Campaign
from tests.makers import NOW, make_edition, make_newsletter, make_subscriber

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def subscription(db):
    make_subscriber(make_newsletter(), email="ada@example.org")
    return Subscription.objects.get()


def leave(subscription, *, now=NOW, **more):
    return leaving.leave(subscription=subscription, means="mail link", now=now, ip="192.0.2.7", wording="Go", **more)


def come_back(subscription, *, now=NOW):
    return leaving.return_(subscription=subscription, means="mail link", now=now, ip="192.0.2.7", wording="Undo")


def test_leaving_holds_from_the_same_moment_and_happens_once(subscription):
    assert leave(subscription) is True
    assert leave(subscription, now=NOW + DAY) is False
    assert (subscription.state, subscription.left_at) == ("left", NOW)
    assert not Subscription.objects.mailable(subscription.newsletter)
    consent = Consent.objects.get()
    assert (consent.act, consent.means, consent.wording, consent.ip) == ("left", "mail link", "Go", "192.0.2.7")


def test_one_who_waits_for_confirmation_can_leave_too(subscription):
    Subscription.objects.update(state="pending", confirmed_at=None, confirmation_due_at=NOW)
    assert leave(subscription) is True
    assert subscription.confirmation_due_at is None
    assert come_back(subscription) is False  # the address never said yes


def test_leaving_one_newsletter_keeps_the_others(subscription):
    other = Subscription.objects.create(
        subscriber=subscription.subscriber, newsletter=make_newsletter(), state="active", confirmed_at=NOW
    )
    leave(subscription)
    other.refresh_from_db()
    assert other.state == "active"


def test_the_delivery_that_brought_them_remembers_and_only_the_first_time(subscription):
    edition = make_edition(subscription.newsletter, [])
    campaign = Campaign.objects.create(newsletter=subscription.newsletter, edition=edition)
    variant = Variant.objects.create(
        campaign=campaign, name="All", subject="x", html="x", text="x", template=b"x", content_hash="x"
    )
    delivery = Delivery.objects.create(
        campaign=campaign, subscriber=subscription.subscriber, variant=variant, number=0, message_id="<1@example.org>"
    )
    leave(subscription, campaign=campaign.key)
    come_back(subscription)
    leave(subscription, campaign=campaign.key, now=NOW + DAY)
    delivery.refresh_from_db()
    assert delivery.left_at == NOW


def test_a_campaign_that_is_gone_keeps_nobody_from_leaving(subscription):
    assert leave(subscription, campaign="0123456789abcdef") is True


def test_leaving_can_be_undone_for_seven_days(subscription):
    leave(subscription)
    assert leaving.may_return(subscription, now=NOW + 6 * DAY)
    assert come_back(subscription, now=NOW + 6 * DAY) is True
    assert (subscription.state, subscription.left_at, subscription.confirmed_at) == ("active", None, NOW)
    assert Consent.objects.get(act="confirmed").detail == "came back"
    assert come_back(subscription, now=NOW + 6 * DAY) is False


def test_after_seven_days_only_signing_up_anew_helps(subscription):
    leave(subscription)
    assert not leaving.may_return(subscription, now=NOW + 7 * DAY)
    assert come_back(subscription, now=NOW + 7 * DAY) is False
    assert subscription.state == "left"


def test_a_stranger_who_signs_them_up_again_takes_no_undo_away(subscription):
    leave(subscription)
    Subscription.objects.update(state="pending")  # what signup.ask does to one who left
    assert come_back(subscription, now=NOW + DAY) is True

"""The tick, with a clock that is moved by hand."""

from datetime import timedelta

import pytest

from newsletter.models import Campaign, Chunk, Delivery, Edition
from newsletter.sending import campaigns, clock, due, sender
from tests.makers import make_edition, make_newsletter, make_story, make_subscriber
from tests.newsletter.sending.conftest import approved_edition

pytestmark = pytest.mark.django_db


@pytest.fixture
def now():
    return clock.database_now()


def planned(now, *, hold_seconds: int = 60, **fields) -> Edition:
    """An approved edition whose slot is now."""
    newsletter = make_newsletter(hold_seconds=hold_seconds, weekly=False)
    make_subscriber(newsletter)
    return approved_edition(newsletter, slot=now, **fields)


def test_an_edition_at_its_slot_is_frozen_held_and_sent(now, postbox):
    planned(now)
    assert due.tick(now=now - timedelta(seconds=1)) == []
    assert not Campaign.objects.exists()

    assert due.tick(now=now) == []
    campaign = Campaign.objects.get()
    assert (campaign.state, campaign.slot, campaign.held_until) == ("frozen", now, now + timedelta(seconds=60))

    assert due.tick(now=now + timedelta(seconds=59)) == []
    assert due.tick(now=now + timedelta(seconds=60)) == [campaign.pk]
    sender.run(campaign.pk, clock=lambda: now + timedelta(seconds=61))
    assert due.tick(now=now + timedelta(seconds=62)) == []
    campaign.refresh_from_db()
    assert campaign.state == "done"
    assert len(postbox.truth) == 1


def test_an_edition_that_is_not_approved_stays(now):
    newsletter = make_newsletter(weekly=False)
    make_subscriber(newsletter)
    make_edition(newsletter, [make_story()], slot=now)
    assert due.tick(now=now) == []
    assert not Campaign.objects.exists()


def test_a_campaign_that_was_planned_by_a_person_waits_for_its_slot(now):
    edition = planned(now + timedelta(hours=1))
    campaigns.start(edition, slot=edition.slot, actor="vera", now=now)
    due.tick(now=now)
    assert Campaign.objects.get().state == "draft"
    due.tick(now=now + timedelta(hours=1))
    assert Campaign.objects.get().state == "frozen"


def test_what_is_two_hours_late_waits_for_a_person(now, editor):
    planned(now)
    late = now + timedelta(hours=2, seconds=1)
    assert due.tick(now=late) == due.tick(now=late) == []
    campaign = Campaign.objects.get()
    assert (campaign.state, Delivery.objects.count()) == ("missed", 0)

    campaigns.send_missed(campaign, actor=editor, now=late)
    assert campaign.state == "frozen"


def test_what_is_not_yet_two_hours_late_is_sent(now):
    planned(now)
    due.tick(now=now + timedelta(hours=2))
    assert Campaign.objects.get().state == "frozen"


def test_a_hold_that_ended_hours_ago_waits_for_a_person(make_frozen, now):
    campaign = make_frozen(1, send=False)
    assert due.tick(now=now + timedelta(hours=3)) == []
    campaign.refresh_from_db()
    assert campaign.state == "paused"
    assert "Resume it" in campaign.trouble


def test_a_refused_freeze_is_tried_again_and_says_why(now):
    edition = planned(now)
    edition.newsletter.subscriptions.update(state="left")
    due.tick(now=now)
    campaign = Campaign.objects.get()
    assert (campaign.state, "no readers" in campaign.trouble) == ("draft", True)
    edition.newsletter.subscriptions.update(state="active")
    due.tick(now=now + timedelta(minutes=1))
    assert Campaign.objects.get().state == "frozen"


def test_what_a_person_cancelled_is_not_started_again(now):
    planned(now)
    due.tick(now=now)
    campaigns.cancel(Campaign.objects.get(), actor="vera", now=now)
    due.tick(now=now + timedelta(minutes=1))
    assert list(Campaign.objects.values_list("state", flat=True)) == ["cancelled"]


def test_one_campaign_that_cannot_be_moved_keeps_no_other(now, monkeypatch):
    first, second = planned(now), planned(now)
    real = campaigns.freeze

    def freeze(campaign, **more):
        if campaign.edition_id == first.pk:
            raise RuntimeError("something unheard of")
        real(campaign, **more)

    monkeypatch.setattr(campaigns, "freeze", freeze)
    due.tick(now=now)
    assert second.campaigns.get().state == "frozen"


def test_names_no_campaign_whose_chunks_are_held_or_not_due(make_frozen, now):
    campaign = make_frozen(1)
    assert due.tick(now=clock.database_now()) == [campaign.pk]
    Chunk.objects.update(lease_until=clock.database_now() + timedelta(minutes=1))
    assert due.tick(now=clock.database_now()) == []
    Chunk.objects.update(lease_until=None, due_at=clock.database_now() + timedelta(minutes=5))
    assert due.tick(now=clock.database_now()) == []
    assert due.tick(now=clock.database_now() + timedelta(minutes=6)) == [campaign.pk]


@pytest.mark.parametrize(("second", "said"), [(0, 1), (29, 1), (30, 0), (59, 0)])
def test_says_once_a_minute_that_a_campaign_stands_still(settings, campaign, now, caplog, second, said):
    settings.TICK_SECONDS = 30
    due.tick(now=now + timedelta(minutes=4))
    assert "stalled" not in caplog.messages
    due.tick(now=(now + timedelta(minutes=7)).replace(second=second))
    assert caplog.messages.count("stalled") == said


def test_nothing_is_done_before_the_database_is_known(campaign, now, monkeypatch):
    monkeypatch.setattr(due.instance, "check", lambda **_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        due.tick(now=now)


def test_names_no_campaign_that_is_paused(campaign):
    campaigns.pause(campaign, actor="vera", now=clock.database_now())
    assert due.tick(now=clock.database_now()) == []

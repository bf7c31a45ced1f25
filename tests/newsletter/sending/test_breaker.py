"""When a campaign harms its sender's name it stops, says why, and asks."""

from datetime import datetime, timedelta

import pytest

from newsletter.models import Campaign, CampaignMinute, Delivery
from newsletter.sending import breaker, campaigns, clock, due
from newsletter.sending.breaker import Tally, verdict


@pytest.mark.parametrize(
    ("tally", "said"),
    [
        (Tally(), ""),
        (Tally(outcomes=1000, sent=950, hard=50), ""),
        (Tally(outcomes=1000, sent=949, hard=51), "51 of the last 1,000 addresses do not exist"),
        (Tally(outcomes=99, sent=49, hard=50), ""),
        (Tally(outcomes=100, sent=94, hard=6), "6 of the last 100 addresses"),
        (Tally(outcomes=1000, sent=1000, bounced=51), "51 of the last 1,000 addresses"),
        (Tally(outcomes=1000, sent=980, hard=20, bounced=31), "51 of the last 1,000 addresses"),
        (Tally(outcomes=90000, hard=60, recent=1000, recent_hard=60), "60 of the last 1,000 addresses"),
        (Tally(outcomes=1000, sent=1000, complained=1), ""),
        (Tally(outcomes=1000, sent=1000, complained=2), "2 of 1,000 readers called it spam"),
        (Tally(outcomes=2000, sent=2000, complained=2), ""),
        (Tally(outcomes=1000, sent=1000, doubted=19), ""),
        (Tally(outcomes=1000, sent=1000, doubted=20), "20 of 1,020 deliveries are in doubt"),
        (Tally(outcomes=2000, sent=2000, doubted=20), ""),
    ],
)
def test_the_decision(tally, said):
    words = verdict(tally)
    assert words.startswith(said)
    assert bool(words) == bool(said)
    assert len(words) <= 300
    assert not words or words.endswith("then resume or cancel.")


@pytest.fixture
def now(db) -> datetime:
    return clock.database_now()


def minute(campaign: Campaign, at: datetime, **counts: int) -> None:
    CampaignMinute.objects.create(campaign=campaign, minute=at.replace(second=0, microsecond=0), **counts)


def settle(campaign: Campaign, at: datetime, **moments) -> None:
    Delivery.objects.filter(campaign=campaign).update(state="sent", reply="250 ok", settled_at=at, **moments)


def test_a_campaign_that_fares_well_goes_on(campaign, now):
    minute(campaign, now, sent=5000, rejected=100, hard=50)
    assert breaker.reason_to_pause(campaign, now=now) == ""


def test_of_a_long_campaign_the_newest_minutes_count(campaign, now):
    began = now - timedelta(hours=2)
    campaign.moves.update(at=began)
    minute(campaign, began, sent=90_000)
    minute(campaign, now, sent=50, rejected=60, hard=60)
    assert breaker.reason_to_pause(campaign, now=now) == ""
    minute(campaign, now - timedelta(minutes=1), sent=840, rejected=60, hard=0)
    assert "60 of the last 1,010" in breaker.reason_to_pause(campaign, now=now)


def test_bounces_that_come_back_count_with_refusals(campaign, now):
    minute(campaign, now, sent=97, rejected=3, hard=3)
    settle(campaign, now, bounced_at=now)
    assert "6 of the last 100" in breaker.reason_to_pause(campaign, now=now)


def test_complaints(campaign, now):
    minute(campaign, now, sent=1500)
    settle(campaign, now, complained_at=now)
    assert "3 of 1,500 readers" in breaker.reason_to_pause(campaign, now=now)


def test_what_came_back_about_mail_of_days_ago_tells_nothing_of_today(campaign, now):
    campaign.moves.update(at=now - timedelta(days=3))
    minute(campaign, now - timedelta(days=2), sent=50, rejected=50, hard=50)
    minute(campaign, now, sent=1500)
    settle(campaign, now - timedelta(days=2), complained_at=now, bounced_at=now)
    assert breaker.reason_to_pause(campaign, now=now) == ""


def test_doubts(make_frozen, now):
    campaign = make_frozen(20)
    Delivery.objects.update(state="in_doubt", doubted_at=now)
    minute(campaign, now, sent=500)
    assert "20 of 520 deliveries are in doubt" in breaker.reason_to_pause(campaign, now=now)


def test_the_tick_pauses_and_a_resumed_campaign_is_not_paused_for_what_was_seen(campaign, now):
    minute(campaign, now, sent=900, rejected=100, hard=100)
    assert due.tick(now=now) == []
    campaign.refresh_from_db()
    assert campaign.state == "paused"
    assert "100 of the last 1,000 addresses do not exist" in campaign.trouble

    campaigns.resume(campaign, actor="vera", now=now)
    assert due.tick(now=now + timedelta(minutes=2)) == [campaign.pk]
    minute(campaign, now + timedelta(minutes=2), sent=900, rejected=100, hard=100)
    assert due.tick(now=now + timedelta(minutes=2)) == []


def test_it_asks_few_questions(campaign, now, django_assert_num_queries):
    minute(campaign, now, sent=5000)
    with django_assert_num_queries(5):
        breaker.reason_to_pause(campaign, now=now)

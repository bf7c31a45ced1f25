from datetime import timedelta

import pytest

from newsletter.models import Campaign, CampaignMinute, Delivery, Suppression
from newsletter.sending import again, campaigns, clock, doubts, sender
from newsletter.sending.progress import progress
from tests.postbox import Quirk

pytestmark = pytest.mark.django_db


def test_the_books_balance_after_everything_that_can_happen(make_frozen, postbox, no_evidence):
    campaign = make_frozen(8, doubt_policy="skip")
    quirks = {
        1: Quirk("rcpt", "550 5.1.1 no"),
        2: Quirk("rcpt", "451 4.7.1 grey, id 1"),
        3: Quirk("after"),
        4: Quirk("rcpt"),
    }
    for number, quirk in quirks.items():
        postbox.quirks[f"r{number}@example.org"] = [quirk]
    Suppression.objects.create(address="r5@example.org")
    sender.run(campaign.pk)

    now = progress(Campaign.objects.get(), now=clock.database_now())
    some = {state: count for state, count in now.counts.items() if count}
    assert some == {"sent": 4, "rejected": 1, "deferred": 1, "suppressed": 1, "unknown": 1}
    assert (now.total, now.ended, now.open, now.percent) == (8, 7, 1, 87.5)
    assert [(trouble.kind, trouble.count) for trouble in now.troubles] == [("451 4.7.1", 1), ("550 5.1.1", 1)]
    assert [(name.email, name.state, name.copies) for name in now.doubtful] == [("r3@example.org", "unknown", 1)]


def test_the_rate_is_that_of_the_last_one_to_two_minutes_and_tells_the_time_left(campaign):
    now = clock.database_now().replace(second=30)
    Campaign.objects.update(started_at=now - timedelta(hours=1))
    campaign.refresh_from_db()
    minute = now.replace(second=0, microsecond=0)
    for ago, sent in [(0, 20), (1, 100), (2, 9_999)]:
        CampaignMinute.objects.create(
            campaign=campaign, minute=minute - timedelta(minutes=ago), sent=sent, rejected=50, other=5, deferred=7
        )
    found = progress(campaign, now=now)
    assert found.rate == pytest.approx((20 + 100 + 2 * 55) / 90, rel=0.02)
    assert found.left == timedelta(seconds=round(3 / found.rate))
    assert [(each.sent, each.refused, each.deferred) for each in found.minutes] == [
        (9_999, 50, 7),
        (100, 50, 7),
        (20, 50, 7),
    ]


def test_what_waits_tells_when_it_goes_on_unless_somebody_works_on_it(campaign):
    now = clock.database_now()
    soon = now + timedelta(minutes=5)
    campaign.chunks.update(due_at=soon)
    assert progress(campaign, now=now).goes_on_at == soon
    campaign.chunks.update(owner="here/1")
    assert progress(campaign, now=now).goes_on_at is None


def test_a_copy_that_is_proved_is_counted_once(campaign):
    now = clock.database_now()
    campaign.deliveries.filter(number=0).update(state="in_doubt", doubts=1, doubted_at=now)
    doubts.arrived(campaign.deliveries.get(number=0).pk, now=now, how="a bounce")
    assert [name.copies for name in progress(campaign, now=now).doubtful] == [1]


def test_the_doubtful_come_with_their_decisions_and_what_they_wait_for(campaign, editor):
    now = clock.database_now()
    soon = now + timedelta(minutes=30)
    campaign.deliveries.update(state="in_doubt", doubts=1, doubted_at=now, next_attempt_at=soon)
    first, second, third = campaign.deliveries.order_by("number")
    doubts.let_be(second.pk, actor=editor, now=now)
    doubts.let_be(third.pk, actor=editor, now=now)
    later = now + timedelta(seconds=1)
    again.ask(third.pk, actor=editor, now=later)
    found = progress(campaign, now=now)
    assert [(each.state, each.waits_until, each.asked) for each in found.doubtful] == [
        ("in_doubt", soon, False),
        ("unknown", None, False),
        ("unknown", None, True),
    ]
    assert [each.decided and each.decided.what for each in found.doubtful] == [None, "Let it be", "Mail it again"]


def test_when_they_are_too_many_those_to_decide_on_are_named(campaign, monkeypatch):
    monkeypatch.setattr("newsletter.sending.progress.MOST_NAMES", 1)
    now = clock.database_now()
    campaign.deliveries.filter(number=0).update(state="sent", doubts=1, doubted_at=now - timedelta(hours=1))
    campaign.deliveries.filter(number=2).update(state="unknown", doubts=1, doubted_at=now, settled_at=now)
    found = progress(campaign, now=now)
    assert ([each.email for each in found.doubtful], found.doubtful_count) == (["r2@example.org"], 2)


def test_one_resent_after_a_doubt_may_have_come_twice(campaign, postbox, no_evidence):
    postbox.quirks["r0@example.org"] = [Quirk("after")]
    sender.run(campaign.pk)
    assert [name.copies for name in progress(campaign, now=clock.database_now()).doubtful] == [2]


def test_no_progress_for_five_minutes_is_shown_as_stalled(campaign):
    now = clock.database_now()
    campaign.refresh_from_db()
    assert not progress(campaign, now=now + timedelta(minutes=4)).stalled
    assert progress(campaign, now=now + timedelta(minutes=6)).stalled
    campaigns.pause(campaign, actor="vera", now=now)
    assert not progress(campaign, now=now + timedelta(minutes=6)).stalled


def test_waiting_for_a_retry_is_not_stalled(campaign, postbox):
    postbox.always = Quirk("rcpt", "451 later")
    sender.run(campaign.pk)
    campaign.refresh_from_db()
    assert not progress(campaign, now=clock.database_now() + timedelta(minutes=6)).stalled


def test_a_draft_has_no_figures(make_frozen):
    campaign = make_frozen(1, send=False)
    Delivery.objects.all().delete()
    now = progress(campaign, now=clock.database_now())
    assert (now.ended, now.rate, now.left, now.troubles) == (0, 0.0, None, [])

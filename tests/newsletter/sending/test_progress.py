from datetime import timedelta

import pytest

from newsletter.models import Campaign, Delivery, Suppression
from newsletter.sending import campaigns, clock, sender
from newsletter.sending.progress import progress
from tests.postbox import Quirk

pytestmark = pytest.mark.django_db


def test_the_books_balance_after_everything_that_can_happen(make_frozen, postbox):
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
    assert now.rate > 0
    assert now.left is not None


def test_one_resent_after_a_doubt_may_have_come_twice(campaign, postbox):
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

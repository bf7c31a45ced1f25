from datetime import timedelta

import pytest

from curation.models import Story
from newsletter.editions import compose
from newsletter.models import Campaign, Delivery, Edition, Newsletter, Subscription, Suppression, Variant
from newsletter.sending import campaigns, clock, due, freezing, sender
from newsletter.sending.campaigns import AlreadyStarted, FreezeRefused, NotMoved, ReleaseRefused
from tests.makers import make_edition, make_newsletter, make_segment, make_story, make_subscriber
from tests.newsletter.sending.conftest import approved_edition

pytestmark = pytest.mark.django_db


def started(edition: Edition, **more) -> Campaign:
    return campaigns.start(edition, **{"slot": None, "actor": "the test", "now": clock.database_now(), **more})


def freeze(campaign: Campaign) -> None:
    campaigns.freeze(campaign, actor="the test", now=clock.database_now())


def refusal(campaign: Campaign) -> str:
    with pytest.raises(FreezeRefused) as caught:
        freeze(campaign)
    campaign.refresh_from_db()
    assert campaign.state == "draft"
    assert campaign.trouble == str(caught.value)[:300]
    assert not Variant.objects.exists()
    assert not Delivery.objects.exists()
    return campaign.trouble


def test_freezes_what_was_approved(editor):
    newsletter = make_newsletter(hold_seconds=300)
    make_segment(newsletter, "researchers")
    make_subscriber(newsletter, "researchers")
    make_subscriber(newsletter)
    now = clock.database_now()
    campaign = campaigns.start(approved_edition(newsletter), slot=None, actor=editor, now=now)
    campaigns.freeze(campaign, actor=editor, now=now)

    assert (campaign.state, campaign.frozen_count, campaign.held_until) == ("frozen", 2, now + timedelta(minutes=5))
    assert list(campaign.variants.values_list("name", flat=True)) == ["Researchers", "Everyone else"]
    assert all(campaign.variants.values_list("template", flat=True))
    moves = [(move.from_state, move.to_state, move.actor, move.actor_name) for move in campaign.moves.all()]
    assert moves == [("", "draft", editor, "vera"), ("draft", "frozen", editor, "vera")]


def test_refuses_an_edition_that_is_not_approved():
    newsletter = make_newsletter()
    make_subscriber(newsletter)
    assert "not approved" in refusal(started(make_edition(newsletter, [make_story()])))


def test_refuses_without_readers():
    newsletter = make_newsletter()
    make_subscriber(newsletter, state="pending")
    assert "no readers who can be mailed" in refusal(started(approved_edition(newsletter)))


def test_refuses_without_a_postal_address():
    newsletter = make_newsletter()
    make_subscriber(newsletter)
    edition = approved_edition(newsletter)
    Newsletter.objects.update(postal_address=" ")
    assert "no postal address" in refusal(started(edition))


def test_refuses_without_stories():
    newsletter = make_newsletter()
    make_subscriber(newsletter)
    edition = approved_edition(newsletter)
    edition.items.all().delete()
    assert "no stories" in refusal(started(edition))


def test_refuses_what_changed_after_it_was_approved():
    newsletter = make_newsletter()
    make_subscriber(newsletter)
    edition = approved_edition(newsletter)
    Edition.objects.update(subject="Somebody wrote past the desk")
    assert "changed since it was approved" in refusal(started(edition))


@pytest.mark.parametrize("state", ["withdrawn", "spiked", "drafted"])
def test_refuses_a_story_that_may_no_longer_be_shown(state):
    newsletter = make_newsletter()
    make_subscriber(newsletter)
    edition = approved_edition(newsletter)
    item = edition.items.first()
    Story.objects.filter(pk=item.story_id).update(state=state)
    told = refusal(started(edition))
    assert told == f"“{item}” may no longer be shown: take the edition back to draft and remove it."


def test_refuses_a_story_that_was_deleted():
    newsletter = make_newsletter()
    make_subscriber(newsletter)
    edition = approved_edition(newsletter)
    edition.items.first().story.delete()
    assert "may no longer be shown" in refusal(started(edition))


def test_refuses_a_story_that_is_withdrawn_while_it_is_frozen(monkeypatch):
    newsletter = make_newsletter()
    make_subscriber(newsletter)
    edition = approved_edition(newsletter)
    real = freezing.render_all

    def render_all(seen: Edition, **more):
        finished = real(seen, **more)
        Story.objects.update(state="withdrawn")
        return finished

    monkeypatch.setattr(freezing, "render_all", render_all)
    assert "may no longer be shown" in refusal(started(edition))


def test_a_story_that_changed_after_the_approval_is_sent_as_it_was_approved():
    newsletter = make_newsletter()
    make_subscriber(newsletter)
    campaign = started(approved_edition(newsletter))
    Story.objects.update(headline="Edited after the approval")
    freeze(campaign)
    assert campaign.state == "frozen"
    assert "Edited after" not in campaign.variants.get().html


def test_refuses_what_is_changed_while_it_is_frozen(monkeypatch):
    newsletter = make_newsletter()
    make_subscriber(newsletter)
    edition = approved_edition(newsletter)
    real = freezing.render_all

    def render_all(seen: Edition, **more):
        finished = real(seen, **more)
        compose.reopen(edition, actor="an editor", reason="a typing error", now=clock.database_now())
        return finished

    monkeypatch.setattr(freezing, "render_all", render_all)
    assert "changed while it was being frozen" in refusal(started(edition))


def test_tells_every_reason_at_once():
    edition = make_edition(make_newsletter(postal_address=""), [])
    told = refusal(started(edition))
    assert all(part in told for part in ("not approved", "no stories", "no readers", "no postal"))


def test_a_refused_freeze_can_be_repeated_when_the_reason_is_gone():
    newsletter = make_newsletter()
    campaign = started(approved_edition(newsletter))
    refusal(campaign)
    make_subscriber(newsletter)
    freeze(campaign)
    assert (campaign.state, campaign.trouble) == ("frozen", "")


def test_a_variant_that_cannot_be_rendered_stops_the_freeze():
    newsletter = make_newsletter()
    make_subscriber(newsletter)
    edition = approved_edition(newsletter)
    item = edition.items.first()
    item.copy["path"] = "javascript:alert(1)"
    item.save()
    assert "cannot be rendered" in refusal(started(edition))


def test_what_is_sent_is_the_frozen_copy(campaign, postbox):
    Story.objects.update(headline="Edited after the freeze")
    Edition.objects.update(subject="Edited after the freeze")
    sender.run(campaign.pk)
    assert postbox.truth
    assert not any(b"Edited after" in message for _, message in postbox.truth)


def test_the_second_start_is_told_who_started_it_and_when():
    edition = approved_edition(make_newsletter())
    first = started(edition, actor="vera")
    with pytest.raises(AlreadyStarted, match=r"already started by vera on \d+ \w+ at \d\d:\d\d UTC") as told:
        started(edition, actor="someone else")
    assert told.value.campaign == first


def test_a_slot_of_the_newsletter_has_one_campaign():
    newsletter = make_newsletter()
    slot = clock.database_now()
    started(approved_edition(newsletter), slot=slot, actor="vera")
    with pytest.raises(AlreadyStarted, match="vera"):
        started(approved_edition(newsletter), slot=slot)


def test_release_waits_for_the_end_of_the_hold_and_tells_the_desk(make_frozen):
    campaign = make_frozen(1, send=False, hold_seconds=60)
    now = clock.database_now()
    with pytest.raises(NotMoved, match="held before sending"):
        campaigns.release(campaign, actor="the test", now=now)

    campaigns.release(campaign, actor="the test", now=now + timedelta(seconds=61))
    assert (campaign.state, campaign.edition.sent_at) == ("sending", None)
    campaign.edition.refresh_from_db()
    assert campaign.edition.sent_at == now + timedelta(seconds=61)
    assert set(Story.objects.values_list("state", flat=True)) == {"published"}


def test_a_story_withdrawn_in_the_hold_is_not_sent(make_frozen):
    campaign = make_frozen(1, send=False, hold_seconds=0)
    headline = str(campaign.edition.items.first())
    Story.objects.filter(headline=headline).update(state="withdrawn")
    with pytest.raises(ReleaseRefused, match=headline):
        campaigns.release(campaign, actor="the test", now=clock.database_now())
    assert campaign.state == "paused"
    assert headline in campaign.trouble

    campaigns.resume(campaign, actor="vera", now=clock.database_now())
    due.tick(now=clock.database_now())
    campaign.refresh_from_db()
    assert (campaign.state, campaign.started_at) == ("paused", None)


def test_pause_resume_and_cancel_say_who_and_why(campaign):
    now = clock.database_now()
    campaigns.pause(campaign, actor="vera", now=now, reason="a wrong link")
    assert (campaign.state, campaign.trouble) == ("paused", "a wrong link")
    campaigns.resume(campaign, actor="vera", now=now)
    assert (campaign.state, campaign.trouble) == ("sending", "")
    campaigns.cancel(campaign, actor="vera", now=now, reason="recalled")
    assert campaign.state == "cancelled"
    with pytest.raises(NotMoved, match=r"Cannot resume: the campaign is cancelled \(vera,"):
        campaigns.resume(campaign, actor="vera", now=now)
    assert [move.reason for move in campaign.moves.all()][-3:] == ["a wrong link", "", "recalled"]


def test_one_paused_in_its_hold_goes_back_into_a_new_hold(make_frozen):
    campaign = make_frozen(1, send=False, hold_seconds=60)
    now = clock.database_now()
    campaigns.pause(campaign, actor="vera", now=now)
    campaigns.resume(campaign, actor="vera", now=now + timedelta(hours=1))
    assert (campaign.state, campaign.held_until) == ("frozen", now + timedelta(hours=1, seconds=60))


@pytest.mark.parametrize("verb", ["freeze", "send_missed", "release", "resume"])
def test_a_move_that_comes_too_late_changes_nothing(campaign, verb):
    with pytest.raises(NotMoved):
        getattr(campaigns, verb)(campaign, actor="the test", now=clock.database_now())
    assert Campaign.objects.get().state == "sending"


def test_is_not_done_while_a_delivery_is_open(campaign):
    for state in ("queued", "deferred", "in_doubt"):
        Delivery.objects.filter(number=0).update(state=state, next_attempt_at=clock.database_now())
        Delivery.objects.exclude(number=0).update(state="suppressed")
        with pytest.raises(NotMoved):
            campaigns.finish(campaign, now=clock.database_now())
    Delivery.objects.filter(number=0).update(state="suppressed")
    campaigns.finish(campaign, now=clock.database_now())
    assert campaign.state == "done"


def test_is_not_done_when_the_books_do_not_balance(campaign):
    Delivery.objects.update(state="suppressed")
    for wrong in (2, 4):
        Campaign.objects.update(frozen_count=wrong)
        with pytest.raises(NotMoved):
            campaigns.finish(campaign, now=clock.database_now())


def test_is_not_done_with_one_open_too_many(campaign):
    Delivery.objects.exclude(number=0).update(state="suppressed")
    Campaign.objects.update(frozen_count=2)
    with pytest.raises(NotMoved):
        campaigns.finish(campaign, now=clock.database_now())


def test_a_cancelled_one_frees_the_edition_and_keeps_its_deliveries(campaign):
    now = clock.database_now()
    campaigns.cancel(campaign, actor="vera", now=now)
    again = started(campaign.edition)
    assert again.pk != campaign.pk
    assert Delivery.objects.filter(campaign=campaign, state="queued").count() == 3


def test_an_edition_with_a_frozen_campaign_cannot_be_reopened(make_frozen):
    campaign = make_frozen(1, send=False)
    edition = Edition.objects.get(pk=campaign.edition_id)
    with pytest.raises(compose.ComposeRefused):
        compose.reopen(edition, actor="vera", reason="", now=clock.database_now())


def test_those_left_out_are_counted_with_the_reason():
    newsletter = make_newsletter()
    for state in ("active", "pending", "pending", "left"):
        make_subscriber(newsletter, state=state)
    gone = make_subscriber(newsletter)
    Suppression.objects.create(address=gone.address, newsletter=newsletter, reason="hard_bounce")
    campaign = started(approved_edition(newsletter))
    freeze(campaign)
    assert (campaign.frozen_count, campaign.excluded) == (1, {"pending": 2, "left": 1, "suppressed": 1})
    assert Subscription.objects.count() == 5

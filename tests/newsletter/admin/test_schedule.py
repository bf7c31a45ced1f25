"""The last look, and the campaign it makes."""

import pytest
from django.urls import reverse

from newsletter.editions import compose
from newsletter.models import Campaign, Suppression
from tests.makers import NOW, make_edition, make_newsletter, make_story, make_subscriber
from tests.newsletter.admin.test_edition_page import told, url

pytestmark = pytest.mark.django_db


@pytest.fixture
def approved(edition, chief):
    compose.approve(edition, actor=chief, now=NOW)
    return edition


def campaign_url(name: str, campaign: Campaign, *more: object) -> str:
    return reverse(f"admin:newsletter_campaign_{name}", args=[campaign.pk, *more])


def test_one_sentence_says_what_will_happen(desk, approved):
    make_subscriber(approved.newsletter, state="pending")
    suppressed = make_subscriber(approved.newsletter)
    Suppression.objects.create(address=suppressed.address)

    page = desk.get(url("schedule", approved)).content.decode()

    assert "Send 3 variants to 3 readers on Monday 19 November 10:00 Europe/Brussels (in " in page
    assert "1 not confirmed yet" in page
    assert "1 suppressed: bounced" in page
    assert "Everyone else" in page


def test_scheduling_makes_the_one_campaign_of_the_slot(desk, approved):
    answer = desk.post(url("schedule", approved), {"when": "slot"})
    campaign = Campaign.objects.get()
    assert (campaign.state, campaign.slot, campaign.moves.get().actor_name) == ("draft", approved.slot, "chief")
    assert answer.url == campaign_url("change", campaign)
    assert "Scheduled for Monday 19 November" in told(answer)

    assert "has its campaign already" in told(desk.post(url("schedule", approved), {"when": "now"}))
    assert Campaign.objects.count() == 1


def test_sending_now_freezes_at_once(desk, approved):
    desk.post(url("schedule", approved), {"when": "now"})
    campaign = Campaign.objects.get()
    assert (campaign.state, campaign.frozen_count, campaign.slot) == ("frozen", 3, None)
    assert "belongs to a campaign" in desk.get(url("change", approved)).content.decode()


def test_what_is_not_approved_is_not_sent(desk, edition):
    answer = desk.post(url("schedule", edition), {"when": "now"})
    assert "it is not approved" in told(answer)
    assert not Campaign.objects.exists()


def test_what_changed_since_its_approval_is_not_sent(desk, approved):
    type(approved.newsletter).objects.filter(pk=approved.newsletter_id).update(from_name="Somebody else")
    assert "it has changed since it was approved" in told(desk.post(url("schedule", approved), {"when": "now"}))
    assert "no longer what was approved" in desk.get(url("change", approved)).content.decode()
    assert not Campaign.objects.exists()


def test_a_story_that_may_no_longer_be_shown_is_named_and_not_sent(desk, approved):
    item = approved.items.first()
    type(item.story).objects.filter(pk=item.story_id).update(state="withdrawn")
    words = f"“{item}” may no longer be shown: take the edition back to draft and remove it."

    answer = desk.post(url("schedule", approved), {"when": "now"})
    assert words in told(answer)
    assert not Campaign.objects.exists()

    page = desk.get(url("change", approved)).content.decode()
    assert "Before it can be sent:" in page
    assert words in page
    assert "It leaves by itself" not in page
    assert "Schedule or send now" not in page
    assert words in desk.get(reverse("admin:index")).content.decode()


def test_a_scheduled_edition_tells_that_its_story_was_withdrawn(desk, approved):
    desk.post(url("schedule", approved), {"when": "slot"})
    item = approved.items.first()
    item.story.delete()
    assert f"“{item}” may no longer be shown" in desk.get(url("change", approved)).content.decode()
    desk.post(campaign_url("act", Campaign.objects.get(), "freeze"))
    assert Campaign.objects.get().state == "draft"


def test_a_story_that_changed_since_the_approval_is_told_on_both_pages_and_stops_nothing(desk, approved):
    item = approved.items.first()
    type(item.story).objects.filter(pk=item.story_id).update(hook="Another hook")
    words = f"“{item}” has changed since this edition was approved; back to draft refreshes it."
    assert words in desk.get(url("change", approved)).content.decode()
    assert words in desk.get(url("schedule", approved)).content.decode()

    desk.post(url("schedule", approved), {"when": "now"})
    assert Campaign.objects.get().state == "frozen"
    assert words not in desk.get(url("change", approved)).content.decode(), "now nothing leads back to draft"


def test_an_hour_that_is_past_can_only_be_sent_now(desk, approved):
    type(approved).objects.filter(pk=approved.pk).update(slot=NOW.replace(year=2020))
    assert 'value="slot"' not in desk.get(url("schedule", approved)).content.decode()
    answer = desk.post(url("schedule", approved), {"when": "slot"})
    assert "Its hour is past" in answer.content.decode()
    assert not Campaign.objects.exists()


def test_without_readers_there_is_no_button(desk, chief):
    lonely = make_edition(make_newsletter(), [make_story()])
    compose.approve(lonely, actor=chief, now=NOW)
    assert "Nobody would get it" in desk.get(url("schedule", lonely)).content.decode()
    answer = desk.post(url("schedule", lonely), {"when": "now"})
    assert "no readers who can be mailed" in told(answer)


def test_an_unsound_rule_is_told_before_anything_is_sent(desk, approved):
    approved.newsletter.segments.filter(slug="engineers").update(rule={"field": "shoe size", "op": "in", "value": [46]})
    page = desk.get(url("schedule", approved)).content.decode()
    assert "The readers cannot be counted" in page
    assert "Segment “Engineers”" in page


def test_above_a_thousand_readers_the_number_is_typed(desk, approved, monkeypatch):
    monkeypatch.setattr("newsletter.admin.schedule.TYPE_ABOVE", 2)
    assert "Type the number of readers, 3" in desk.get(url("schedule", approved)).content.decode()
    assert "Nothing was sent" in desk.post(url("schedule", approved), {"when": "now", "readers": "4"}).content.decode()
    desk.post(url("schedule", approved), {"when": "now", "readers": "3"})
    assert Campaign.objects.get().state == "frozen"

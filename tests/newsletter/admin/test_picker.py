"""The page that adds stories."""

import pytest
from django.urls import reverse

from newsletter.editions import compose
from tests.makers import NOW, make_edition, make_story
from tests.newsletter.admin.test_edition_page import told, url

pytestmark = pytest.mark.django_db


def test_shows_approved_stories_with_their_audiences_and_where_they_were_used(desk, edition):
    fresh = make_story(headline="Never used before", audiences=("policy",))
    used = make_story(headline="Used elsewhere")
    draft = make_story(headline="Nobody approved this", state="drafted")
    make_edition(edition.newsletter, [used], slug="2026-w40")

    page = desk.get(url("stories", edition)).content.decode()

    assert fresh.headline in page
    assert "Policy &amp; Legal" in page
    assert "Used in 2026-w40" in page
    assert "In this edition already" in page
    assert draft.headline not in page
    assert page.index(fresh.headline) < page.index(used.headline)


def test_searches_words_and_audience(desk, edition):
    make_story(headline="A telescope learns to see", audiences=("policy",))
    page = desk.get(url("stories", edition), {"q": "telescope", "audience": "policy"}).content.decode()
    assert "A telescope learns to see" in page
    assert "Laboratory number" not in page
    assert "No approved story matches" in desk.get(url("stories", edition), {"q": "no such words"}).content.decode()


def test_adds_everything_that_was_ticked(desk, edition):
    stories = [make_story(), make_story()]
    answer = desk.post(url("stories", edition), {"story": [story.pk for story in stories]})
    assert "Added 2 stories" in told(answer)
    assert answer.url == url("change", edition)
    assert [item.story_id for item in edition.items.all()][-2:] == [story.pk for story in stories]


def test_tells_what_it_could_not_add(desk, edition):
    gone = make_story(state="spiked")
    answer = desk.post(url("stories", edition), {"story": [edition.items.first().story_id, gone.pk, "x", "9" * 30]})
    assert "was in the edition already" in told(answer)
    assert "1 story is no longer approved" in told(answer)
    assert "No story was ticked" in told(desk.post(url("stories", edition)))


def test_a_locked_edition_takes_no_stories(desk, chief, edition):
    compose.approve(edition, actor=chief, now=NOW)
    answer = desk.post(url("stories", edition), {"story": [make_story().pk]})
    assert "take it back to draft first" in told(answer)
    assert edition.items.count() == 3


def test_an_edition_that_is_not_there_is_not_found(desk):
    assert desk.get(reverse("admin:newsletter_edition_stories", args=[999])).status_code == 404

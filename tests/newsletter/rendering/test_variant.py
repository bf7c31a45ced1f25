"""One edition, seen whole: the golden files are what a reader gets. UPDATE_GOLDENS=1 writes them anew."""

import os
from datetime import timedelta
from pathlib import Path

import pytest

from newsletter.editions.variants import Entry, arrange
from newsletter.rendering.context import Sight
from newsletter.rendering.items import UnfitStory
from newsletter.rendering.links import BadLink
from newsletter.rendering.message import ByteTemplate
from newsletter.rendering.variant import render
from newsletter.rendering.writing import RESERVED, ReservedText
from tests.newsletter.rendering.makers import (
    LABELS,
    NOW,
    SITE,
    make_copy,
    make_issue,
    make_publication,
    make_sight,
    make_slots,
)

GOLDEN = Path(__file__).parent / "golden"


def golden_sight():
    """A lead, a normal and a brief story of ours, and one for others: every form once."""
    stories = [
        make_copy(1),
        make_copy(2, published_at=NOW - timedelta(days=2), original_url=""),
        make_copy(3, published_at=NOW - timedelta(days=40), country="", country_name="", flag=""),
        make_copy(4, published_at=None, audiences=(("policy", LABELS["policy"]),), why_by_audience=()),
    ]
    entries = [Entry(story, form) for story, form in zip(stories, ("lead", "normal", "brief", "normal"), strict=True)]
    return Sight("Researchers", "researchers", arrange(entries, audience="researchers"))


@pytest.mark.parametrize("kind", ["html", "txt", "eml"])
def test_the_edition_is_the_golden_one(kind):
    rendered = render(make_publication(), make_issue(), golden_sight(), site_url=SITE)
    html, text = rendered.sample(make_slots())
    made = {
        "html": html.encode(),
        "txt": text.encode(),
        "eml": ByteTemplate.from_bytes(rendered.template).merge(make_slots()),
    }
    file = GOLDEN / f"edition.{kind}"
    if os.environ.get("UPDATE_GOLDENS"):
        file.write_bytes(made[kind])
    assert made[kind] == file.read_bytes(), "The mail has changed: look at it, then run with UPDATE_GOLDENS=1."


def test_the_reading_time_counts_the_words_shown_at_240_a_minute():
    stories = [make_copy(1, hook="word " * 600)]
    for words, minutes in ((0, "about 3 minutes"), (600, "about 5 minutes")):
        issue = make_issue(intro="word " * words)
        _, text = render(make_publication(), issue, make_sight(stories), site_url=SITE).sample()
        assert minutes in text


def test_a_sender_of_the_newsletters_own_name_is_named_once():
    publication = make_publication(from_name="The Weekly Recap")
    for part in render(publication, make_issue(), make_sight(), site_url=SITE).sample():
        assert "Sent by The Weekly Recap" in part
        assert "The Weekly Recap, The Weekly Recap" not in part


def test_the_subject_is_on_one_line_and_not_escaped():
    rendered = render(make_publication(), make_issue(subject=" R&D \r\n week "), make_sight(), site_url=SITE)
    assert rendered.subject == "R&D week"


def test_without_a_name_the_html_greets_nobody():
    rendered = render(make_publication(), make_issue(intro=""), make_sight(), site_url=SITE)
    html, _ = rendered.sample(make_slots(to_name=""))
    assert "Hello" not in html
    assert "<p></p>" not in html.replace("\n", "")


def test_a_name_is_escaped_in_the_sample():
    html, text = render(make_publication(), make_issue(), make_sight(), site_url=SITE).sample(
        make_slots(to_name="<b>&")
    )
    assert "Hello <bdi>&lt;b&gt;&amp;</bdi>," in html
    assert "Hello <b>&," in text


def test_a_story_that_holds_a_mark_is_refused_by_its_name():
    with pytest.raises(UnfitStory, match="story-1"):
        render(make_publication(), make_issue(), make_sight([make_copy(hook=f"see {RESERVED}LEAVE")]), site_url=SITE)


@pytest.mark.parametrize("field", ["subject", "preheader", "intro"])
def test_an_edition_that_holds_a_mark_is_refused(field):
    with pytest.raises(ReservedText):
        render(make_publication(), make_issue(**{field: f"{RESERVED}NAME_"}), make_sight(), site_url=SITE)


def test_a_mark_in_an_original_address_is_refused_too():
    story = make_copy(original_url=f"https://wire.example.com/?{RESERVED}LEAVE".ljust(99, "_"))
    with pytest.raises(UnfitStory):
        render(make_publication(), make_issue(), make_sight([story]), site_url=SITE)


@pytest.mark.parametrize("site", ["", "news.example.org", "/x", "javascript:alert(1)"])
def test_a_site_without_an_absolute_address_is_refused(site):
    with pytest.raises(BadLink, match="SITE_URL"):
        render(make_publication(), make_issue(), make_sight(), site_url=site)


def test_control_characters_and_overrides_are_taken_out_of_stories():
    story = make_copy(hook="a\x07b\u202ec\ufffed\nline")
    html, text = render(make_publication(), make_issue(), make_sight([story]), site_url=SITE).sample()
    assert "abcd line" in html
    assert "abcd line" in text


def test_freshness_is_decided_at_the_moment_of_rendering():
    story = make_copy(published_at=NOW)
    badges = {1: "New today", 20: "New", 25: "1 day old", 50: "2 days old", 300: "Stale"}
    for hours, badge in badges.items():
        issue = make_issue(now=NOW + timedelta(hours=hours))
        _, text = render(make_publication(), issue, make_sight([story]), site_url=SITE).sample()
        assert f"19 Nov 2026 · {badge}\n" in text

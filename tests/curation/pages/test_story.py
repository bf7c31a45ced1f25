"""The story page: what it shows, to whom, and what it never lets through."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.contrib.auth.models import Permission, User
from django.test import Client

from curation.models import Article, Claim, ComparisonTable, Evidence, Group, RelatedStory, Story, TimelineEvent
from curation.models.claim import Origin
from curation.review import workflow
from tests.curation.pages.reading import Page
from tests.makers import NOW, make_story

pytestmark = pytest.mark.django_db

NOTE = "The laboratory published its weights on Thursday. It also published its data."


def get(client: Client, story: Story) -> Page:
    response = client.get(story.get_absolute_url())
    assert response.status_code == 200
    return Page(response.content)


def make_evidence(story: Story, quote: str, **article: str) -> Evidence:
    """The story's first claim leans on the quote."""
    text, _ = Article.objects.get_or_create(source=story.source, text=NOTE, defaults={"title": "A note", **article})
    start = NOTE.index(quote)
    return Evidence.objects.create(
        claim=story.claims.first(),
        article=text,
        quote=quote,
        start=start,
        end=start + len(quote),
        text_hash=text.text_hash,
    )


def make_full_story(**fields: object) -> Story:
    """A story with something in every part of the page."""
    story = make_story(audiences=("researchers", "policy"), **fields)
    for number in range(3):
        Claim.objects.create(story=story, kind=Claim.Kind.TAKEAWAY, text=f"Takeaway {number}.", position=number)
        Claim.objects.create(story=story, kind=Claim.Kind.TECHNICAL, lead=f"Term {number}", text="It is explained.")
    Claim.objects.create(story=story, kind=Claim.Kind.IMPLICATION, lead="More will follow.", text="Two already did.")
    ComparisonTable.objects.create(
        story=story, columns=["Ours", "Theirs"], rows=[{"feature": "Licence", "cells": ["open", "closed"]}]
    )
    TimelineEvent.objects.create(story=story, date="2025", text="It began.")
    TimelineEvent.objects.create(story=story, date="2027-03-01", text="It ends.", planned=True, position=1)
    return story


# --- Who sees it ---


@pytest.mark.parametrize("state", ["collected", "drafted", "in_review", "spiked"])
def test_is_not_found_before_it_is_approved(client: Client, state: str) -> None:
    assert client.get(make_story(state=state).get_absolute_url()).status_code == 404


@pytest.mark.parametrize("state", ["approved", "published", "corrected"])
def test_is_public_once_approved(client: Client, state: str) -> None:
    page = get(client, make_story(state=state))
    assert "Not published" not in page.text
    assert page.attributes("link", rel="canonical")


def test_is_shown_to_the_desk_before_that_and_says_so(client: Client) -> None:
    editor = User.objects.create_user("ana", is_staff=True)
    editor.user_permissions.add(Permission.objects.get(codename="view_story"))
    client.force_login(editor)
    response = client.get(make_story(state="in_review").get_absolute_url())
    assert response.status_code == 200
    assert "Not published. This story is “in review”" in Page(response.content).text
    assert "no-store" in response["Cache-Control"]
    assert Page(response.content).attributes("meta", name="robots", content="noindex")


@pytest.mark.parametrize("is_staff", [True, False])
def test_is_not_shown_to_an_account_without_the_right(client: Client, is_staff: bool) -> None:
    client.force_login(User.objects.create_user("bob", is_staff=is_staff))
    assert client.get(make_story(state="in_review").get_absolute_url()).status_code == 404


def test_is_gone_with_its_reason_when_withdrawn(client: Client) -> None:
    story = make_story(state="published")
    workflow.withdraw(story, actor="desk", now=NOW, reason="The paper was <b>retracted</b>.")
    response = client.get(story.get_absolute_url())
    page = Page(response.content)
    assert response.status_code == 410
    assert "The paper was <b>retracted</b>." in page.text
    assert "19 November 2026" in page.text
    assert "Anybody can now check" not in page.text


def test_sets_no_cookie_and_does_not_vary_by_one(client: Client) -> None:
    response = client.get(make_story().get_absolute_url())
    assert not response.cookies
    assert "Cookie" not in response.get("Vary", "")


@pytest.mark.parametrize("method", ["post", "put", "delete"])
def test_takes_no_other_method(client: Client, method: str) -> None:
    assert getattr(client, method)(make_story().get_absolute_url()).status_code == 405


# --- What it shows ---


@pytest.mark.parametrize(
    ("later", "badge"),
    [(timedelta(hours=23), "New"), (timedelta(days=2), "Recent"), (timedelta(days=4), "Stale")],
)
def test_computes_freshness_when_it_is_shown(client: Client, later: timedelta, badge: str) -> None:
    story = make_story()
    with time_machine.travel(NOW + later, tick=False):
        page = get(client, story)
    assert f"Example Wire {badge} collected in 0m" in page.text


def test_gives_absolute_and_relative_dates(client: Client) -> None:
    story = make_story(published_at=datetime(2026, 11, 14, 23, 30, tzinfo=UTC))
    with time_machine.travel(NOW, tick=False):
        page = get(client, story)
    assert "Published 14 November 2026 (4 days ago)" in page.text
    assert page.attributes("time", datetime="2026-11-14T23:30:00Z")


def test_says_that_a_date_is_estimated_and_hides_the_delay(client: Client) -> None:
    page = get(client, make_story(published_estimated=True))
    assert "date estimated" in page.text
    assert "collected in" not in page.text
    assert page.attributes("time", datetime="2026-11-19")


def test_shows_no_date_when_none_is_known(client: Client) -> None:
    page = get(client, make_story(published_at=None, collected_at=None, stated_minutes=81))
    assert "Published" not in page.text.split("30-Second")[0]
    assert "Stale collected in 81m" in page.text


def test_discloses_the_machine_only_where_it_wrote(client: Client) -> None:
    story = make_full_story()
    assert "AI-generated analysis" not in get(client, story).text
    story.claims.filter(kind=Claim.Kind.TAKEAWAY).update(origin=Origin.MACHINE)
    page = get(client, story)
    assert "Deep Insight AI-generated analysis for this event." in page.text
    assert "Drafted by a machine Enhanced Key Takeaways" in page.text


def test_marks_predictions_as_predictions(client: Client) -> None:
    assert (
        "AI analysis grounded in cited sources Prediction More will follow. Two already did."
        in get(client, make_full_story()).text
    )


def test_has_a_closed_comparison_with_a_real_table(client: Client) -> None:
    page = get(client, make_full_story())
    assert page.attributes("details", **{"class": "comparison"})[0].keys() == {"class"}
    assert len(page.attributes("th", scope="col")) == 3
    assert len(page.attributes("th", scope="row")) == 1
    assert [tag for tag, _ in page.tags].count("caption") == 1


def test_dates_the_timeline_as_precisely_as_is_known(client: Client) -> None:
    page = get(client, make_full_story())
    assert page.attributes("time", datetime="2025")
    assert "2027-03-01 It ends. Planned" in page.text


def test_leaves_out_the_insight_when_there_is_none(client: Client) -> None:
    assert "Deep Insight" not in get(client, make_story()).text


def test_has_one_h1_and_no_skipped_level(client: Client) -> None:
    levels = [level for level, _ in get(client, make_full_story()).headings]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in zip(levels, levels[1:], strict=False))


def test_numbers_each_quote_once_and_leads_there_and_back(client: Client) -> None:
    story = make_story()
    make_evidence(story, "published its weights")
    make_evidence(story, "published its data")
    second = story.claims.all()[1]
    again = make_evidence(story, "on Thursday")
    again.claim, again.start, again.end = second, *Evidence.objects.values_list("start", "end").first()
    again.save()
    page = get(client, story)
    assert [each["href"] for each in page.attributes("a") if each.get("href", "").startswith("#quote")] == [
        "#quote-1",
        "#quote-2",
        "#quote-1",
    ]
    assert len(page.attributes("a", id="cite-1")) == 1
    assert page.attributes("li", id="quote-2")
    assert "Sources and quotes A note, Example Wire published its weights" in page.text


def test_says_when_a_quote_is_the_desks_own_note(client: Client) -> None:
    story = make_story()
    make_evidence(story, "published its weights", kind=Article.Kind.DESK_NOTE)
    assert "A note, Example Wire: the desk's own note, not the publisher's words" in get(client, story).text


def test_names_who_approved_and_when_but_no_address(client: Client) -> None:
    ana = User.objects.create_user("ana@example.org", first_name="Ana", last_name="Martín")
    story = make_story(state="in_review")
    workflow.approve(story, actor=ana, now=NOW)
    assert "Approved by Ana Martín, 19 November 2026" in get(client, story).text
    User.objects.update(first_name="", last_name="")
    page = get(client, story)
    assert "Approved 19 November 2026" in page.text
    assert "ana@example.org" not in page.text


def test_puts_corrections_at_the_top_with_date_and_reason(client: Client) -> None:
    story = make_story(state="published")
    workflow.correct(story, actor="desk", now=NOW, reason="The sum was 2.2, not 22 billion.")
    text = get(client, story).text
    notice = text.index("Corrected on 19 November 2026 The sum was 2.2, not 22 billion.")
    assert text.index(story.hook) < notice < text.index("30-Second TL;DR")


def test_lists_the_groups_others_first_then_the_editors_choice_and_only_public_ones(client: Client) -> None:
    group = Group.objects.create(name="One event")
    story = make_story(group=group)
    other, hidden = make_story(group=group), make_story(group=group, state="drafted")
    chosen, spiked = make_story(), make_story(state="spiked")
    for position, each in enumerate((chosen, spiked, other)):
        RelatedStory.objects.create(story=story, related=each, position=position)
    page = get(client, story)
    related = page.text.split("Related Updates")[1]
    assert related.index(other.headline) < related.index(chosen.headline)
    assert related.count(other.headline) == 1
    assert hidden.headline not in page.text
    assert spiked.headline not in page.text


def test_links_the_original_only_when_its_address_is_known(client: Client) -> None:
    known = make_story(original_url="https://wire.example/news/1")
    assert ("a", "noopener external", "https://wire.example/news/1") in get(client, known).links
    assert not [address for _, _, address in get(client, make_story()).links if "wire.example" in address]


def test_asks_nobody_else_for_anything(client: Client) -> None:
    story = make_full_story(original_url="https://wire.example/news/1")
    story.source.home_url = "https://wire.example/"
    story.source.save()
    page = get(client, story)
    elsewhere = {address for _, _, address in page.links if address.startswith(("http", "//"))}
    assert {address for address in elsewhere if not address.startswith("http://127.0.0.1:8000/")} == {
        "https://wire.example/news/1",
        "https://wire.example/",
    }
    assert not [tag for tag, _ in page.tags if tag in ("img", "iframe", "object", "video")]
    assert all("src" not in values for _, values in page.tags)


def test_is_described_to_machines(client: Client) -> None:
    story = make_full_story(original_url="https://wire.example/news/1")
    page = get(client, story)
    address = f"http://127.0.0.1:8000/stories/{story.slug}/"
    assert page.attributes("meta", property="og:title", content=story.headline)
    assert page.attributes("meta", property="og:description", content=story.hook)
    assert page.attributes("meta", property="og:type", content="article")
    assert page.attributes("meta", property="og:url", content=address)
    assert page.attributes("link", rel="canonical", href=address)
    assert page.attributes("link", rel="alternate", type="application/atom+xml")
    data = page.data()
    assert data["@type"] == "NewsArticle"
    assert data["headline"] == story.headline
    assert data["isBasedOn"] == "https://wire.example/news/1"
    assert data["datePublished"] == "2026-11-19T09:00:00Z"


def test_lets_no_markup_of_a_story_through(client: Client) -> None:
    bad = "</script><script>alert(1)</script>\"'&<!--"
    story = make_full_story(headline=bad, hook=bad, what_to_do_next=bad, original_headline=bad)
    story.claims.update(text=bad)
    story.claims.filter(kind__in=["technical", "implication"]).update(lead=bad[:40])
    ComparisonTable.objects.update(corner=bad[:20], columns=[bad, bad], rows=[{"feature": bad, "cells": [bad, bad]}])
    TimelineEvent.objects.update(text=bad)
    html = client.get(story.get_absolute_url()).content.decode()
    assert "<script>" not in html
    assert html.count("</script>") == 1
    assert html.count("<!--") == 0
    page = Page(html)
    assert page.data()["headline"] == bad
    assert page.headings[0] == (1, bad)


def test_costs_a_fixed_number_of_queries(client: Client, django_assert_num_queries) -> None:
    small, large = make_story(group=Group.objects.create(name="a")), make_full_story()
    make_evidence(small, "published its weights")
    make_evidence(large, "published its weights")
    make_evidence(large, "published its data")
    large.group = Group.objects.create(name="b")
    large.save()
    for story in (small, large):
        other = make_story(group=story.group)
        RelatedStory.objects.create(story=story, related=other)
        with django_assert_num_queries(14):
            client.get(story.get_absolute_url())

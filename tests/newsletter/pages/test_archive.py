"""The front page and the archive: what has been sent, as it was sent, and nobody's name on it."""

from datetime import timedelta

import pytest
from django.test import Client

from curation import catalog
from curation.models import Claim, Story
from newsletter.models import Campaign, Edition, EditionItem, Newsletter
from tests.curation.pages.reading import Page
from tests.makers import NOW, make_edition, make_newsletter, make_segment, make_story, make_subscriber

pytestmark = pytest.mark.django_db


def make_sent(newsletter: Newsletter, stories: list[Story] | None = None, *, state: str = "done", **fields) -> Edition:
    """An edition whose campaign has got as far as `state`."""
    edition = make_edition(newsletter, stories or [make_story()], **{"sent_at": NOW, **fields})
    Campaign.objects.create(
        newsletter=newsletter, edition=edition, state=state, frozen_count=1, held_until=NOW, content_hash="0" * 64
    )
    return edition


def get(client: Client, address: str) -> Page:
    response = client.get(address)
    assert response.status_code == 200
    return Page(response.content)


# --- The archive ---


def test_lists_sent_editions_newest_first(client: Client) -> None:
    newsletter = make_newsletter()
    for weeks, subject in ((2, "Two weeks ago"), (0, "This week"), (60, "Last year")):
        make_sent(newsletter, subject=subject, sent_at=NOW - timedelta(weeks=weeks))
    make_edition(newsletter, [make_story()], subject="Not sent")
    page = get(client, "/archive/")
    assert [text for level, text in page.headings if level == 3] == ["This week", "Two weeks ago", "Last year"]
    assert [text for level, text in page.headings if level == 2] == ["2026", "2025"]
    assert page.attributes("time", datetime="2026-11-19")


def test_tells_the_day_of_sending_in_the_newsletters_zone(client: Client) -> None:
    newsletter = make_newsletter(zone="Pacific/Auckland")
    edition = make_sent(newsletter, sent_at=NOW.replace(hour=20))
    assert get(client, "/archive/").attributes("time", datetime="2026-11-20")
    assert "as mailed on 20 November 2026" in get(client, edition.get_absolute_url()).text


def test_invites_while_nothing_was_sent(client: Client) -> None:
    assert "No recap has been sent yet" in get(client, "/archive/").text


@pytest.mark.parametrize("page", ["0", "99", "x"])
def test_takes_any_page_number(client: Client, page: str) -> None:
    make_sent(make_newsletter())
    assert client.get(f"/archive/?page={page}").status_code == 200


# --- The newest edition's fixed address ---


def test_latest_leads_to_the_newest_sent_edition(client: Client) -> None:
    newsletter = make_newsletter()
    newest = make_sent(newsletter)
    make_sent(newsletter, sent_at=NOW - timedelta(weeks=1))
    make_sent(newsletter, state="sending", sent_at=None)
    make_edition(newsletter, [make_story()])
    response = client.get("/archive/latest/")
    assert (response.status_code, response["Location"]) == (302, newest.get_absolute_url())


def test_latest_leads_to_the_archive_while_nothing_was_sent(client: Client) -> None:
    make_sent(make_newsletter(), state="frozen")
    response = client.get("/archive/latest/")
    assert (response.status_code, response["Location"]) == (302, "/archive/")


# --- One edition ---


@pytest.mark.parametrize("state", ["sending", "paused", "done"])
def test_an_edition_is_shown_from_the_moment_it_leaves(client: Client, state: str) -> None:
    assert client.get(make_sent(make_newsletter(), state=state).get_absolute_url()).status_code == 200


@pytest.mark.parametrize("state", ["draft", "missed", "frozen", "cancelled"])
def test_an_edition_is_not_found_before_it_leaves(client: Client, state: str) -> None:
    edition = make_edition(make_newsletter(), [make_story()])
    frozen = {"frozen_count": 1, "held_until": NOW, "content_hash": "0" * 64} if state == "frozen" else {}
    Campaign.objects.create(newsletter=edition.newsletter, edition=edition, state=state, **frozen)
    assert client.get(edition.get_absolute_url()).status_code == 404


def test_an_edition_without_a_campaign_is_not_found(client: Client) -> None:
    assert client.get(make_edition(make_newsletter(), [make_story()]).get_absolute_url()).status_code == 404


def test_an_edition_is_found_under_its_own_newsletter_only(client: Client) -> None:
    edition, other = make_sent(make_newsletter()), make_newsletter()
    assert client.get(f"/archive/{other.slug}/{edition.slug}/").status_code == 404


def test_an_edition_has_the_content_and_the_order_of_the_mail(client: Client) -> None:
    stories = [make_story(audiences=("policy",)), make_story(), make_story()]
    Claim.objects.create(story=stories[0], kind=Claim.Kind.TAKEAWAY, text="The first takeaway.")
    edition = make_sent(make_newsletter(), stories)
    last = EditionItem.objects.get(story=stories[2])
    last.form = "brief"
    last.save()
    page = get(client, edition.get_absolute_url())
    assert page.headings[0] == (1, "Open weights, closed doors: the week in AI")
    assert "Two laboratories published, one regulator answered. A quiet week, and a useful one." in page.text
    assert [text for level, text in page.headings if level == 2][:3] == [story.headline for story in stories]
    first, second, third = (page.text.split(story.headline)[1] for story in stories)
    assert "Weights and data are free for anybody to use What changed Laboratory" in first
    assert "Why it matters Anybody can now check what was claimed. What to do next Read the model card" in first
    assert "Key takeaway The first takeaway." in page.text
    assert "Who should care Researchers & Academics" in second
    assert "What changed" not in third


def test_an_edition_stays_as_it_was_sent_when_the_desk_writes_on(client: Client) -> None:
    story = make_story(headline="As it was sent")
    edition = make_sent(make_newsletter(), [story])
    story.headline = "As it is now"
    story.save()
    Story.objects.filter(pk=story.pk).update(state="withdrawn")
    text = get(client, edition.get_absolute_url()).text
    assert "As it was sent" in text
    assert "As it is now" not in text


def test_an_edition_says_which_of_its_stories_were_withdrawn_since(client: Client) -> None:
    stays, gone = make_story(), make_story()
    edition = make_sent(make_newsletter(), [stays, gone])
    assert "Withdrawn since it was mailed" not in get(client, edition.get_absolute_url()).text
    Story.objects.filter(pk=gone.pk).update(state="withdrawn")
    text = get(client, edition.get_absolute_url()).text
    assert text.count("Withdrawn since it was mailed") == 1
    assert text.index(stays.headline) < text.index(gone.headline) < text.index("Withdrawn since it was mailed")


def test_an_edition_names_no_reader_and_holds_no_token(client: Client) -> None:
    newsletter = make_newsletter()
    make_segment(newsletter, "researchers")
    make_subscriber(newsletter, "researchers", name="Ana Martín", email="ana@example.org")
    html = client.get(make_sent(newsletter).get_absolute_url()).content.decode()
    for private in ("/settings/", "/leave/", "/one-click/", "Ana Martín", "ana@example.org", "Hello"):
        assert private not in html


def test_an_edition_lets_no_markup_through(client: Client) -> None:
    bad = "<script>alert(1)</script>\"'&"
    story = make_story(headline=bad, hook=bad, what_to_do_next=bad)
    story.claims.update(text=bad)
    edition = make_sent(make_newsletter(name=bad), [story], subject=bad, preheader=bad, intro=f"{bad}\n\n{bad}")
    for address in (edition.get_absolute_url(), "/archive/", "/"):
        assert b"<script>" not in client.get(address).content


def test_an_edition_costs_a_fixed_number_of_queries(client: Client, django_assert_num_queries) -> None:
    for count in (1, 8):
        edition = make_sent(make_newsletter(), [make_story() for _ in range(count)])
        with django_assert_num_queries(4):
            client.get(edition.get_absolute_url())


# --- The front page ---


def test_the_front_page_shows_the_newest_recap_and_the_newest_stories(client: Client) -> None:
    stories = [make_story(published_at=NOW - timedelta(days=days)) for days in range(8)]
    edition = make_sent(make_newsletter(), stories[:2])
    page = get(client, "/")
    assert ("a", "", edition.get_absolute_url()) in page.links
    shown = [text for level, text in page.headings if level == 3]
    assert shown == [story.headline for story in stories[:6]]
    levels = [level for level, _ in page.headings]
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in zip(levels, levels[1:], strict=False))


def test_the_front_page_signs_up_for_the_newsletter_of_the_newest_recap(client: Client) -> None:
    make_newsletter()
    newsletter = make_newsletter(description="One mail a week.")
    make_sent(newsletter)
    page = get(client, "/")
    assert page.attributes("form", action="/subscribe/", method="post")
    assert page.attributes("input", name="newsletter", type="hidden", value=newsletter.slug)
    assert page.attributes("input", name="email", type="email", autocomplete="email")
    assert page.attributes("input", name="website", tabindex="-1")
    assert [box["value"] for box in page.attributes("input", name="interests")] == [
        code for code, _ in catalog.audiences()
    ]


def test_the_front_page_stands_with_nothing_in_the_house(client: Client) -> None:
    page = get(client, "/")
    assert "The first story is on its way." in page.text
    assert not page.attributes("input", name="email")


def test_the_front_page_sets_no_cookie(client: Client) -> None:
    make_newsletter()
    assert not client.get("/").cookies

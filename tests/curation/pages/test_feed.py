"""The Atom feed: valid by RFC 4287, whole, stable, and cheap for readers who ask often."""

import re
from datetime import datetime, timedelta
from xml.etree import ElementTree as ET

import pytest
from django.test import Client

from curation.models import Claim, Story
from curation.review import workflow
from tests.makers import NOW, make_story

pytestmark = pytest.mark.django_db

FEED = "/stories/feed.atom"
ATOM = "{http://www.w3.org/2005/Atom}"
MOMENT = re.compile(r"\A\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)\Z")  # RFC 3339


def read(client: Client, query: str = "") -> ET.Element:
    response = client.get(FEED + query)
    assert response.status_code == 200
    assert response["Content-Type"] == "application/atom+xml; charset=utf-8"
    return ET.fromstring(response.content)


def text(element: ET.Element, name: str) -> str:
    found = element.find(f"{ATOM}{name}")
    assert found is not None, f"no {name}"
    return found.text or ""


def test_has_what_the_format_asks_for(client: Client) -> None:
    stories = [make_story(), make_story(headline="A & B <i>", hook="<b>bold</b> & plain")]
    feed = read(client)
    assert feed.tag == f"{ATOM}feed"
    assert text(feed, "id") == "http://127.0.0.1:8000/stories/feed.atom"
    assert MOMENT.match(text(feed, "updated"))
    assert feed.find(f"{ATOM}author/{ATOM}name") is not None
    links = {link.get("rel"): link.get("href") for link in feed.findall(f"{ATOM}link")}
    assert links == {"alternate": "http://127.0.0.1:8000/stories/", "self": "http://127.0.0.1:8000/stories/feed.atom"}
    entries = feed.findall(f"{ATOM}entry")
    assert len({text(entry, "id") for entry in entries}) == len(entries) == len(stories)
    for entry in entries:
        assert re.match(r"\Atag:127\.0\.0\.1,\d{4}-\d\d-\d\d:story-\d+\Z", text(entry, "id"))
        assert MOMENT.match(text(entry, "updated"))
        assert datetime.fromisoformat(text(entry, "published")) == NOW
    assert text(entries[0], "title") == "A & B <i>"
    assert text(entries[0], "summary") == "&lt;b&gt;bold&lt;/b&gt; &amp; plain"  # HTML, so the marks are written out


def test_tells_the_whole_story(client: Client) -> None:
    story = make_story(audiences=("policy",))
    Claim.objects.create(story=story, kind=Claim.Kind.TECHNICAL, lead="A term", text="It is <explained>.")
    entry = read(client).find(f"{ATOM}entry")
    content = text(entry, "content")
    assert entry.find(f"{ATOM}content").get("type") == "html"
    for part in ("Why It Matters", "Anybody can now check what was claimed.", "A term", "It is &lt;explained&gt;."):
        assert part in content
    assert entry.find(f"{ATOM}category").get("term") == "Policy & Legal"


def test_keeps_an_entrys_id_when_the_story_is_renamed(client: Client) -> None:
    story = make_story()
    before = text(read(client).find(f"{ATOM}entry"), "id")
    story.slug, story.headline = "another-address", "Another headline"
    story.save()
    assert text(read(client).find(f"{ATOM}entry"), "id") == before


def test_holds_public_stories_only_and_one_audiences_on_demand(client: Client) -> None:
    make_story(state="in_review")
    make_story(headline="Law", audiences=("policy",))
    make_story(headline="Code", audiences=("engineers",))
    assert len(read(client).findall(f"{ATOM}entry")) == 2
    feed = read(client, "?audience=policy")
    assert text(feed, "title") == "Newsroom: stories for Policy & Legal"
    assert [text(entry, "title") for entry in feed.findall(f"{ATOM}entry")] == ["Law"]
    assert client.get(f"{FEED}?audience=nobody").status_code == 404


def test_says_nothing_of_a_date_that_is_only_estimated(client: Client) -> None:
    make_story(published_estimated=True)
    assert read(client).find(f"{ATOM}entry/{ATOM}published") is None


def test_is_valid_while_empty(client: Client) -> None:
    feed = read(client)
    assert feed.findall(f"{ATOM}entry") == []
    assert MOMENT.match(text(feed, "updated"))


def test_survives_a_sign_that_xml_cannot_hold(client: Client) -> None:
    story = make_story()
    Story.objects.filter(pk=story.pk).update(headline="Bell\x07 rings")
    assert text(read(client).find(f"{ATOM}entry"), "title") == "Bell rings"


def test_is_not_sent_again_until_something_changes(client: Client) -> None:
    story = make_story(state="published")
    first = client.get(FEED)
    known = {"HTTP_IF_NONE_MATCH": first["ETag"]}
    assert client.get(FEED, **known).status_code == 304
    assert client.get(FEED, HTTP_IF_MODIFIED_SINCE=first["Last-Modified"]).status_code == 304
    story.save()
    assert client.get(FEED, **known).status_code == 200


def test_changes_when_a_story_is_taken_back(client: Client) -> None:
    make_story(state="published")
    story = make_story(state="published", headline="Wrong")
    first = client.get(FEED)
    workflow.withdraw(story, actor="desk", now=NOW + timedelta(days=900), reason="It was wrong.")
    again = client.get(FEED, HTTP_IF_NONE_MATCH=first["ETag"])
    assert again.status_code == 200
    assert b"Wrong" not in again.content
    assert client.get(FEED, HTTP_IF_MODIFIED_SINCE=first["Last-Modified"]).status_code == 200


def test_costs_a_fixed_number_of_queries(client: Client, django_assert_max_num_queries) -> None:
    for _ in range(12):
        make_story(audiences=("policy", "engineers"))
    with django_assert_max_num_queries(16):
        client.get(FEED)

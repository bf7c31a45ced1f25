"""The list of stories: newest first, narrowed down by what a reader asks for."""

from datetime import timedelta

import pytest
from django.test import Client

from curation.models import Source
from tests.curation.pages.reading import Page
from tests.makers import NOW, make_story

pytestmark = pytest.mark.django_db


def headlines(client: Client, query: str = "") -> list[str]:
    response = client.get(f"/stories/{query}")
    assert response.status_code == 200
    return [text for level, text in Page(response.content).headings if level == 2]


def test_shows_public_stories_newest_first_and_undated_ones_last(client: Client) -> None:
    make_story(headline="Undated", published_at=None)
    make_story(headline="Old", published_at=NOW - timedelta(days=9))
    make_story(headline="New")
    for state in ("drafted", "in_review", "spiked", "withdrawn"):
        make_story(headline=f"Hidden {state}", state=state)
    assert headlines(client) == ["New", "Old", "Undated"]


def test_filters_by_audience(client: Client) -> None:
    make_story(headline="For both", audiences=("policy", "researchers"))
    make_story(headline="For engineers", audiences=("engineers",))
    assert headlines(client, "?audience=researchers") == ["For both"]
    assert headlines(client, "?audience=investors") == []
    page = Page(client.get("/stories/?audience=policy").content)
    assert page.headings[0] == (1, "Stories for Policy & Legal")
    assert page.attributes("a", **{"aria-current": "true"})[0]["href"] == "/stories/?audience=policy"


def test_knows_no_other_audience(client: Client) -> None:
    assert client.get("/stories/?audience=nobody").status_code == 404


def test_searches_every_word_in_headline_hook_and_source(client: Client) -> None:
    wire = Source.objects.create(name="TechNode")
    make_story(headline="Robots learn to fold", hook="Towels first", source=wire)
    make_story(headline="Robots learn to sew", hook="Shirts first")
    assert headlines(client, "?q=robots+TOWELS+technode") == ["Robots learn to fold"]
    assert len(headlines(client, "?q=first")) == 2
    assert headlines(client, "?q=robots+swim") == []


def test_keeps_the_search_while_filtering(client: Client) -> None:
    make_story(headline="Robots", audiences=("policy",))
    page = Page(client.get("/stories/?q=robots&audience=policy").content)
    assert "1 story with “robots”" in page.text
    assert ("a", "", "/stories/?q=robots&audience=engineers") in page.links


@pytest.mark.parametrize("query", ["?q=%00", "?q=%FF%FE", "?q=" + "x+" * 500, "?page=-1", "?page=x", "?q=%25_'\"--"])
def test_takes_whatever_stands_in_the_address(client: Client, query: str) -> None:
    make_story()
    assert client.get(f"/stories/{query}").status_code == 200


def test_lets_no_markup_of_a_search_through(client: Client) -> None:
    html = client.get("/stories/", {"q": '"><script>alert(1)</script>'}).content.decode()
    assert "<script>" not in html


def test_turns_pages_and_keeps_the_wish(client: Client) -> None:
    for _ in range(16):
        make_story(audiences=("policy",))
    first = Page(client.get("/stories/?audience=policy").content)
    assert ("a", "next", "/stories/?audience=policy&page=2") in first.links
    second = Page(client.get("/stories/?audience=policy&page=2").content)
    assert len([level for level, _ in second.headings if level == 2]) == 1
    assert ("a", "prev", "/stories/?audience=policy&page=1") in second.links
    assert second.attributes("link", rel="canonical")[0]["href"].endswith("/stories/?audience=policy&page=2")


def test_costs_a_fixed_number_of_queries(client: Client, django_assert_num_queries) -> None:
    for more in (1, 9):
        for _ in range(more):
            make_story(audiences=("policy", "engineers"))
        with django_assert_num_queries(5):
            client.get("/stories/")

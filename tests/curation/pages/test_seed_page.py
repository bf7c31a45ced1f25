"""The seed page, faithful to the letter: the story this product was made from, through import, database and page."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command
from django.test import Client

from curation import wording
from tests.curation.pages.reading import Page

pytestmark = pytest.mark.django_db

SEED = Path(settings.BASE_DIR, "curation/demo/stories/01-xiaomi-launches-2-2b-ai-talent-program.json")
NOT_TEXT = {"schema", "slug", "status", "country", "url_note", "code", "transcription", "icon"}
OTHER_WAY_ROUND = ("flag", "name"), ("recap_promo", "related_updates")  # on the page, against the file


@pytest.fixture
def page(client: Client) -> Page:
    call_command("import_story", str(SEED), verbosity=0)
    response = client.get("/stories/xiaomi-launches-2-2b-ai-talent-program/")
    assert response.status_code == 200
    return Page(response.content)


def strings(value: Any) -> Iterator[str]:
    """Every string of the file in the seed page's order."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for each in value:
            yield from strings(each)
    elif isinstance(value, dict):
        kept = {key: each for key, each in value.items() if key not in NOT_TEXT}
        for first, second in OTHER_WAY_ROUND:
            if {first, second} <= set(kept):
                kept = swapped(kept, first, second)
        for each in kept.values():
            yield from strings(each)


def swapped(value: dict[str, Any], first: str, second: str) -> dict[str, Any]:
    other = {first: second, second: first}
    return {other.get(key, key): value[other.get(key, key)] for key in value}


def assert_in_order(text: str, wanted: list[str]) -> None:
    at = 0
    for each in wanted:
        found = text.find(each, at)
        assert found >= 0, f"missing, or out of order: {each!r}"
        at = found + len(each)


def test_holds_every_string_of_the_seed_in_its_order(page: Page) -> None:
    wanted = list(strings(json.loads(SEED.read_text(encoding="utf-8"))))
    assert len(wanted) > 50
    assert_in_order(page.text, wanted)


def test_has_the_headings_of_the_seed_in_its_order(page: Page) -> None:
    related = wording.HEADINGS["related_updates"]
    order = [heading for key, heading in wording.HEADINGS.items() if key not in ("recap_promo", "related_updates")]
    assert_in_order(page.text, [*order, wording.RECAP_TITLE, wording.RECAP_TEXT, related, wording.RIGHTS])


def test_shows_the_icons_of_the_seed_before_their_words(page: Page) -> None:
    assert_in_order(page.text, ["🇨🇳", "💡", "⚡", "🧠", "🔑", "📊", "▸", "🛠️", "🔮", "⏳", "📰"])


def test_says_the_country_in_words(page: Page) -> None:
    assert page.attributes("span", role="img") == [
        {"class": "flag", "role": "img", "aria-label": "Flag of China"},
    ]
    assert "China TechNode" in page.text


def test_names_the_source_as_text_because_its_address_is_unknown(page: Page) -> None:
    assert page.text.endswith("Original source: TechNode → Stories Archive Atom feed")
    assert not [address for _, _, address in page.links if address.startswith("http") and "127.0.0.1" not in address]


def test_says_that_there_are_no_related_updates_so_far(page: Page) -> None:
    assert f"{wording.HEADINGS['related_updates']} None so far." in page.text

"""What goes in comes out: file -> story -> file."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from curation.models import Claim, Evidence, Story
from curation.models.claim import Origin
from curation.storyfile import Outcome, read, store, write
from tests.curation.samples import bytes_of, full, seed
from tests.makers import NOW

pytestmark = pytest.mark.django_db
OF_TEMPLATES = {"icon", "title", "transcription", "url_note"}


def leaves(data: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    if isinstance(data, dict | list):
        for name, part in data.items() if isinstance(data, dict) else enumerate(data):
            yield from leaves(part, (*path, name))
    else:
        yield path, data


def at(data: Any, path: tuple[Any, ...]) -> Any:
    for name in path:
        data = data[name]
    return data


def stored(data: dict[str, Any]) -> Story:
    store(read(bytes_of(data)), by="import_story", now=NOW, name="a.json")
    return Story.objects.with_parts().get(slug=data["slug"])


def test_every_leaf_of_the_seed_comes_back_at_its_place() -> None:
    export = write(stored(seed()), now=NOW)
    promo = ("recap_promo", "title")
    wanted = [(path, leaf) for path, leaf in leaves(seed()) if not OF_TEMPLATES & set(path) or path == promo]
    assert len(wanted) > 60
    assert [(path, at(export, path)) for path, _ in wanted] == wanted


def test_the_seed_is_known_as_machine_made_and_its_link_as_unknown() -> None:
    story = stored(seed())
    assert {claim.origin for claim in story.claims.all()} == {Origin.MACHINE}
    assert story.table.origin == Origin.MACHINE
    assert (story.original_url, story.source.home_url, story.stated_minutes) == ("", "", 81)
    assert (story.published_at, story.collected_at) == (None, None)


def test_every_leaf_of_a_full_file_comes_back() -> None:
    export = write(stored(full()), now=NOW)
    assert [(path, at(export, path)) for path, _ in leaves(full())] == list(leaves(full()))


def test_the_export_reads_as_the_same_file_and_changes_nothing() -> None:
    for data in (seed(), full()):
        file = read(bytes_of(data))
        again = read(json.dumps(write(stored(data))))
        assert again == file
        assert store(again, by="import_story", now=NOW) == Outcome.UNCHANGED


def test_freshness_is_that_of_the_moment_of_writing() -> None:
    story = stored(full())
    assert write(story, now=datetime(2026, 11, 16, 20, tzinfo=UTC))["freshness"] == {"badge": "New", "code": "fresh"}
    assert write(story, now=datetime(2026, 11, 18, 8, tzinfo=UTC))["freshness"]["badge"] == "Recent"
    assert write(story, now=datetime(2027, 1, 1, tzinfo=UTC))["freshness"]["code"] == "stale"


def test_an_editors_words_are_not_called_machine_made() -> None:
    data = full()
    data["deep_insight"]["ai_generated"] = False
    export = write(stored(data))
    assert export["deep_insight"]["ai_generated"] is False
    assert "disclosure" not in export["deep_insight"]


def test_keys_and_order_of_citations_are_made_the_same_way_again() -> None:
    data = full()
    data["articles"][0]["key"], data["articles"][1]["key"] = "wire", "desk"
    for citation in data["citations"]:
        citation["source"] = {"article-1": "wire", "note-1": "desk"}[citation["source"]]
    data["citations"].reverse()
    assert read(bytes_of(data)) == read(bytes_of(full()))


def test_evidence_points_into_the_stored_text() -> None:
    stored(full())
    for evidence in Evidence.objects.select_related("article"):
        assert evidence.article.text[evidence.start : evidence.end] == evidence.quote
        assert evidence.text_hash == evidence.article.text_hash
    assert Evidence.objects.filter(claim__kind=Claim.Kind.IMPLICATION).count() == 1

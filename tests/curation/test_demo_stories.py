"""The demo's stories are good files: they go in by the command, twice, and come out as they were."""

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command

from curation.models import Evidence, Story
from curation.storyfile import write
from tests.curation.samples import DEMO
from tests.curation.storyfile.test_round_trip import at, leaves

pytestmark = pytest.mark.django_db
FILES = sorted(DEMO.glob("*.json"))
PASSED_OVER = {"icon", "title", "transcription", "url_note", "footer"}  # ornaments; "title" is also an article's


def _import() -> list[str]:
    out = StringIO()
    call_command("import_story", *FILES, stdout=out)
    return [line.split()[0] for line in out.getvalue().splitlines()]


def test_all_are_taken_and_taken_once() -> None:
    assert len(FILES) >= 12
    assert _import() == ["created"] * len(FILES)
    assert _import() == ["unchanged"] * len(FILES)


def test_each_stands_in_the_state_its_file_names_and_comes_out_as_it_went_in() -> None:
    _import()
    for path in FILES:
        data: dict[str, Any] = json.loads(path.read_text())
        story = Story.objects.with_parts().get(slug=data["slug"])
        export = write(story)
        wanted = [(place, leaf) for place, leaf in leaves(data) if not PASSED_OVER & set(place)]
        found = [(place, at(export, place)) for place, _ in wanted]
        if story.published_at:
            wanted = [(place, leaf) for place, leaf in wanted if place[0] != "freshness"]
            found = [(place, leaf) for place, leaf in found if place[0] != "freshness"]
        assert found == wanted, path.name


def test_every_quote_stands_in_a_note_that_says_it_is_the_demos_own() -> None:
    _import()
    assert Evidence.objects.count() > 100
    for evidence in Evidence.objects.select_related("article"):
        assert evidence.article.text[evidence.start : evidence.end] == evidence.quote
        assert evidence.article.kind == "desk_note"

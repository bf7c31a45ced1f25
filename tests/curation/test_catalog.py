"""The door: what passes is public, whole, and a copy."""

import json
from typing import Any

import pytest

from curation import catalog
from curation.models import Claim, Story
from curation.models.story import PUBLIC, State
from curation.storyfile import read, store
from tests.curation.samples import bytes_of, full, seed
from tests.makers import NOW, make_story

pytestmark = pytest.mark.django_db


def copy_of(data: dict[str, Any]) -> catalog.StoryCopy:
    store(read(bytes_of(data)), by="import_story", now=NOW)
    (found,) = catalog.find([Story.objects.get(slug=data["slug"]).pk])
    return found


@pytest.mark.parametrize("state", State.values)
def test_only_public_stories_pass(state: str) -> None:
    story = make_story(state=state)
    public = state in PUBLIC
    assert bool(catalog.find([story.pk])) == public
    assert catalog.still_public([story.pk]) == ({story.pk} if public else set())
    assert bool(catalog.approved(limit=5)) == public
    assert bool(catalog.matching(story.headline)) == public


@pytest.mark.parametrize("data", [seed(), full()])
def test_a_copy_survives_json(data: dict[str, Any]) -> None:
    copy = copy_of(data)
    again = catalog.StoryCopy.from_data(json.loads(json.dumps(copy.as_data())))
    assert again == copy
    assert again.content_hash == copy.content_hash


def test_the_copy_is_whole() -> None:
    copy = copy_of(full())
    assert (copy.country_name, copy.flag, copy.machine_made) == ("France", "🇫🇷", True)
    assert copy.audiences == (("engineers", "Developers & Engineers"), ("researchers", "Researchers & Academics"))
    assert copy.why_for("researchers") == "Results can be repeated."
    assert copy.why_for("policy") == copy.why_it_matters == "Anybody can check what was claimed."
    assert copy.is_for("engineers")
    assert not copy.is_for("policy")
    assert copy.table == catalog.Table("Point", ("Laboratory", "Rival | Co"), (("Licence", ("Apache 2.0", "closed")),))
    assert copy.timeline[2] == catalog.Event("2027-03-01", "A larger one is due.", True)


def test_the_hash_follows_the_words_and_not_the_state() -> None:
    story = make_story(state=State.APPROVED)

    def now() -> str:
        (copy,) = catalog.find([story.pk])
        return copy.content_hash

    before = now()
    catalog.mark_published([story.pk], by="the sender", now=NOW)
    assert Story.objects.get().state == State.PUBLISHED
    assert now() == before
    Claim.objects.filter(story=story, kind=Claim.Kind.WHAT_CHANGED).update(text="Something else.")
    assert now() != before


def test_marking_twice_and_marking_what_is_not_approved_do_nothing() -> None:
    story, draft = make_story(), make_story(state=State.DRAFTED)
    for _ in range(2):
        catalog.mark_published([story.pk, draft.pk], by="the sender", now=NOW)
    assert story.moves.count() == 1
    draft.refresh_from_db()
    assert draft.state == State.DRAFTED


def test_stories_come_in_the_order_asked_for_and_once() -> None:
    one, two = make_story(), make_story()
    assert [copy.id for copy in catalog.find([two.pk, one.pk, two.pk, 999])] == [two.pk, one.pk]


def test_the_newest_come_first_and_the_undated_last() -> None:
    undated, dated = make_story(published_at=None), make_story()
    assert [copy.id for copy in catalog.approved(limit=5)] == [dated.pk, undated.pk]
    assert catalog.approved(limit=5, without=[dated.pk])[0].id == undated.pk


def test_a_search_wants_every_word() -> None:
    story = make_story(headline="Robots learn to fold")
    make_story(headline="Robots learn to walk")
    assert [copy.id for copy in catalog.matching("robots fold")] == [story.pk]
    assert catalog.matching("wire FOLD", limit=1)[0].id == story.pk

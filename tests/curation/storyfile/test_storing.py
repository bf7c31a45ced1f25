"""Storing a file: once, whole, with everything it changes on record."""

from typing import Any

import pytest
from django.contrib.auth.models import User

from curation.models import Article, Claim, Source, Story
from curation.models.story import State
from curation.review import changes
from curation.storyfile import Outcome, StoryFileError, read, store, store_all
from tests.curation.samples import bytes_of, changed, full, seed
from tests.makers import NOW, make_story

pytestmark = pytest.mark.django_db


def stored(data: dict[str, Any], *, overwrite: bool = False) -> Outcome:
    return store(read(bytes_of(data)), by="import_story", now=NOW, name="/tmp/a.json", overwrite=overwrite)


def story() -> Story:
    return Story.objects.get(slug=full()["slug"])


@pytest.mark.parametrize(
    ("status", "state", "moves"),
    [
        ("new", State.COLLECTED, 0),
        ("grouped", State.COLLECTED, 0),
        ("drafted", State.DRAFTED, 1),
        ("in_review", State.IN_REVIEW, 2),
        ("approved", State.APPROVED, 3),
        ("scheduled", State.APPROVED, 3),
        ("published", State.PUBLISHED, 4),
        ("corrected", State.CORRECTED, 5),
        ("withdrawn", State.WITHDRAWN, 5),
        ("spiked", State.SPIKED, 1),
    ],
)
def test_a_new_story_is_walked_to_its_status(status: str, state: str, moves: int) -> None:
    assert stored(changed(full(), "status", status)) == Outcome.CREATED
    assert story().state == state
    told = list(story().moves.values_list("actor_name", "reason"))
    public = {"corrected": "Corrected before it was imported.", "withdrawn": "Withdrawn before it was imported."}
    assert told == [("import_story", "Imported.")] * min(moves, 4) + [("import_story", public.get(status))] * (
        moves - 4
    )


def test_the_same_file_again_leaves_no_trace() -> None:
    stored(full())
    before = (story().version, story().history.count(), story().moves.count(), story().provenance.count())
    ids = list(Claim.objects.values_list("pk", flat=True))
    assert stored(full()) == Outcome.UNCHANGED
    assert (story().version, story().history.count(), story().moves.count(), story().provenance.count()) == before
    assert list(Claim.objects.values_list("pk", flat=True)) == ids
    assert Claim.history.count() == len(ids)


def test_the_status_of_a_story_that_is_there_is_the_desks() -> None:
    stored(full())
    assert stored(changed(full(), "status", "published")) == Outcome.UNCHANGED
    assert story().state == State.APPROVED


def test_a_changed_word_raises_the_version_and_says_which_field() -> None:
    stored(changed(full(), "status", "drafted"))
    before = story().provenance.count()
    data = changed(full(), "tldr.what_changed", ["The weights are public since Monday."])
    data["citations"] = data["citations"][1:]
    assert stored(data) == Outcome.UPDATED
    assert story().version == 2
    rows = list(story().provenance.order_by("pk").values_list("field", "origin", "run"))[before:]
    assert rows == [
        ("tldr.what_changed", "machine", "import_story a.json"),
        ("citations", "source", "import_story a.json"),
    ]
    assert story().state == State.DRAFTED


def test_an_approved_story_goes_back_to_review_when_its_words_change() -> None:
    stored(full())
    stored(changed(full(), "headline", "Laboratory opens its largest model"))
    last = story().moves.last()
    assert story().state == State.IN_REVIEW
    assert last is not None
    assert last.reason == "Changed after approval: headline."


def test_a_published_story_is_corrected_when_its_words_change() -> None:
    stored(changed(full(), "status", "published"))
    data = changed(full(), "hook.text", "Weights are free, the data is not")
    stored(changed(data, "tldr.why_it_matters_for.engineers", "It runs on 14 GB."))
    assert story().state == State.CORRECTED
    assert story().moves.last().reason == "Corrected: hook, why it matters."  # type: ignore[union-attr]
    assert not [row for row in story().history.all() if "a.json" in (row.history_change_reason or "")]


def test_a_new_link_to_another_story_needs_no_new_approval() -> None:
    other = make_story()
    stored(full())
    assert stored(changed(full(), "related_updates.items", [{"slug": other.slug}])) == Outcome.UPDATED
    assert story().state == State.APPROVED


@pytest.mark.parametrize("state", [State.SPIKED, State.WITHDRAWN])
def test_a_story_the_desk_dropped_changes_only_when_asked_and_keeps_its_state(state: State) -> None:
    stored(changed(full(), "status", state))
    assert stored(full()) == Outcome.UNCHANGED
    data = changed(full(), "headline", "Laboratory closes its model")
    with pytest.raises(StoryFileError, match=f"the story is {state} here; .* add --overwrite"):
        stored(data)
    assert story().headline == full()["headline"]
    assert stored(data, overwrite=True) == Outcome.UPDATED
    assert (story().state, story().headline) == (state, "Laboratory closes its model")


def test_words_an_editor_wrote_last_are_replaced_only_when_asked() -> None:
    stored(changed(full(), "status", "drafted"))
    Story.objects.update(headline="Erin's headline", hook="Erin's hook")
    editor = User.objects.create_user("erin")
    written = [changes.Change(field, Claim.Origin.EDITOR) for field in ("headline", "hook")]
    changes.record(story(), written, actor=editor, now=NOW, reason="")
    told = "^headline, hook: written last by erin at the desk; .* add --overwrite$"
    with pytest.raises(StoryFileError, match=told):
        stored(changed(full(), "tldr.what_to_do_next", "Read it."))
    assert (story().headline, story().version) == ("Erin's headline", 2)
    assert stored(full(), overwrite=True) == Outcome.UPDATED
    assert story().headline == full()["headline"]
    assert stored(changed(full(), "headline", "The file's words may follow")) == Outcome.UPDATED


def test_what_no_editor_touched_follows_its_file() -> None:
    stored(changed(full(), "status", "drafted"))
    hook = changes.Change("hook", Claim.Origin.EDITOR)
    changes.record(story(), [hook], actor=User.objects.create_user("erin"), now=NOW, reason="")
    assert stored(changed(full(), "headline", "Laboratory opens its largest model")) == Outcome.UPDATED


def test_claims_are_written_over_in_place_and_surplus_ones_go() -> None:
    stored(full())
    first, second = story().claims.filter(kind=Claim.Kind.WHAT_CHANGED)
    data = full()
    data["citations"] = []
    stored(changed(data, "tldr.what_changed", ["Only the code is public."]))
    (left,) = story().claims.filter(kind=Claim.Kind.WHAT_CHANGED)
    assert (left.pk, left.text) == (first.pk, "Only the code is public.")
    assert not Claim.objects.filter(pk=second.pk).exists()


def test_swapping_the_forms_of_two_audiences_works() -> None:
    stored(full())
    data = full()
    forms = data["tldr"]["why_it_matters_for"]
    forms["researchers"], forms["engineers"] = forms["engineers"], forms["researchers"]
    assert stored(data) == Outcome.UPDATED
    assert story().claims.get(audience="researchers").text == "It runs on one card."


def test_a_related_story_that_is_not_here_is_named_and_nothing_is_stored() -> None:
    with pytest.raises(StoryFileError, match="there is no story “nowhere” here"):
        stored(changed(full(), "related_updates.items", [{"slug": "nowhere"}]))
    assert not Story.objects.exists()
    assert not Source.objects.exists()


def test_facts_of_a_source_that_others_rest_on_are_not_overwritten() -> None:
    make_story()  # of Example Wire, FR
    with pytest.raises(StoryFileError, match="source.country: says “DE”, but other stories have Example Wire"):
        stored(changed(full(), "source.country", "DE"))
    assert stored(full()) == Outcome.CREATED  # its home page was not known, and is filled in
    assert Source.objects.get().home_url == "https://wire.example.org/"


def test_a_source_of_one_story_follows_its_file() -> None:
    stored(full())
    assert stored(changed(full(), "source.country", "DE")) == Outcome.UPDATED
    assert Source.objects.get().country == "DE"


def test_a_text_is_stored_once_for_a_source() -> None:
    stored(full())
    stored(changed(full(), "slug", "another-story"))
    assert Article.objects.count() == 2


def test_stories_of_a_batch_may_name_each_other() -> None:
    one, two = full(), changed(full(), "slug", "the-rival-answers")
    changed(one, "related_updates.items", [{"slug": "the-rival-answers"}])
    changed(two, "related_updates.items", [{"slug": "laboratory-opens-model"}])
    results = store_all({"one": bytes_of(one), "two": bytes_of(two)}, by="import_story", now=NOW)
    assert [(each.outcome, each.problems) for each in results] == [(Outcome.CREATED, [])] * 2
    assert [link.related.slug for link in story().related_links.all()] == ["the-rival-answers"]
    again = store_all({"one": bytes_of(one), "two": bytes_of(two)}, by="import_story", now=NOW)
    assert {each.outcome for each in again} == {Outcome.UNCHANGED}


def test_a_file_whose_partner_is_refused_is_refused_too() -> None:
    one = changed(full(), "related_updates.items", [{"slug": "bad"}])
    bad = changed(changed(full(), "slug", "bad"), "headline", "")
    results = store_all(
        {"one": bytes_of(one), "bad": bytes_of(bad), "seed": bytes_of(seed())}, by="import_story", now=NOW
    )
    assert [bool(each.problems) for each in results] == [True, True, False]
    assert "there is no story “bad” here, and none comes with it" in results[0].problems[0]
    assert Story.objects.count() == 1

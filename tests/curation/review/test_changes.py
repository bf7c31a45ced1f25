"""What follows when words change."""

import pytest
from django.contrib.auth.models import User

from curation.models import Story
from curation.models.claim import Origin
from curation.models.story import State
from curation.review import changes
from tests.makers import NOW, make_story

pytestmark = pytest.mark.django_db
HOOK = changes.Change("hook", Origin.EDITOR, "Written at the desk.")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (State.COLLECTED, None),
        (State.DRAFTED, None),
        (State.IN_REVIEW, None),
        (State.APPROVED, State.IN_REVIEW),
        (State.PUBLISHED, State.CORRECTED),
        (State.CORRECTED, State.CORRECTED),
        (State.SPIKED, None),
    ],
)
def test_the_approval_goes_with_the_words_it_was_given_for(before: State, after: State | None) -> None:
    story = make_story(state=before)
    assert changes.record(story, [HOOK], actor="erin", now=NOW, reason="Shorter.") == after
    kept = Story.objects.get()
    assert (kept.state, kept.version, kept.updated_at) == (after or before, 2, NOW)
    assert [move.reason for move in kept.moves.all()] == (["Shorter."] if after else [])


def test_each_field_is_kept_with_its_editor() -> None:
    editor = User.objects.create_user("erin")
    story = make_story(state=State.DRAFTED)
    title = changes.Change("headline", Origin.EDITOR)
    changes.record(story, [HOOK, title], actor=editor, now=NOW, reason="x")
    rows = list(story.provenance.values_list("field", "origin", "editor", "at"))
    assert rows == [("hook", "editor", editor.pk, NOW), ("headline", "editor", editor.pk, NOW)]


def test_links_and_sources_beside_the_words_ask_for_nothing() -> None:
    story = make_story(state=State.PUBLISHED)
    quiet = changes.Change("related_updates", Origin.EDITOR)
    assert changes.record(story, [quiet], actor="erin", now=NOW, reason="") is None
    assert Story.objects.get().version == 2

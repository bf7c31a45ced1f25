"""Which moves there are, who made them, and what happens when two people move one story."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import product

import pytest
from django.contrib.auth.models import User
from django.db import connection

from curation.models import Claim, Story
from curation.models.story import State
from curation.review import workflow
from curation.review.readiness import missing_for_approval
from tests.makers import NOW, make_story

VERBS: dict[str, tuple[set[str], str]] = {
    "draft": ({State.COLLECTED, State.SPIKED}, State.DRAFTED),
    "submit": ({State.DRAFTED}, State.IN_REVIEW),
    "approve": ({State.IN_REVIEW}, State.APPROVED),
    "send_back": ({State.IN_REVIEW}, State.DRAFTED),
    "reopen": ({State.APPROVED}, State.IN_REVIEW),
    "spike": ({State.COLLECTED, State.DRAFTED, State.IN_REVIEW, State.APPROVED}, State.SPIKED),
    "publish": ({State.APPROVED}, State.PUBLISHED),
    "correct": ({State.PUBLISHED, State.CORRECTED}, State.CORRECTED),
    "withdraw": ({State.PUBLISHED, State.CORRECTED}, State.WITHDRAWN),
}


@pytest.mark.django_db
@pytest.mark.parametrize(("verb", "before"), list(product(VERBS, State.values)))
def test_every_move_is_either_allowed_and_kept_or_refused_and_left(verb: str, before: str) -> None:
    story = make_story(state=before)
    move: Callable[..., None] = getattr(workflow, verb)
    allowed, after = VERBS[verb]
    if before in allowed:
        move(story, actor="a command", now=NOW, reason="Because.")
        row = story.moves.get()
        assert (story.state, Story.objects.get().state) == (after, after)
        assert (row.from_state, row.to_state, row.actor_name, row.reason, row.at) == (
            before, after, "a command", "Because.", NOW,
        )  # fmt: skip
    else:
        with pytest.raises(workflow.MoveRefused, match="it cannot become"):
            move(story, actor="a command", now=NOW, reason="Because.")
        assert Story.objects.get().state == before
        assert not story.moves.exists()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("verb", "before"),
    [("send_back", "in_review"), ("spike", "drafted"), ("correct", "published"), ("withdraw", "published")],
)
def test_what_others_must_understand_needs_a_reason(verb: str, before: str) -> None:
    story = make_story(state=before)
    with pytest.raises(workflow.MoveRefused, match="reason"):
        getattr(workflow, verb)(story, actor="a command", now=NOW, reason=" \n ")
    assert Story.objects.get().state == before


@pytest.mark.django_db
def test_keeps_the_person_and_their_name() -> None:
    editor = User.objects.create_user("erin")
    story = make_story(state=State.DRAFTED)
    workflow.submit(story, actor=editor, now=NOW)
    move = story.moves.get()
    assert (move.actor, move.actor_name) == (editor, "erin")


@pytest.mark.django_db
def test_the_later_of_two_people_learns_who_was_first() -> None:
    story = make_story(state=State.IN_REVIEW)
    seen_by_other = Story.objects.get(pk=story.pk)
    workflow.approve(story, actor="erin", now=NOW)
    with pytest.raises(workflow.MoveRefused, match=r"is approved since 19 November 09:00 UTC \(erin\)"):
        workflow.send_back(seen_by_other, actor="wim", now=NOW, reason="Too long.")
    assert Story.objects.get().state == State.APPROVED
    assert story.moves.count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_many_who_approve_at_once_one_succeeds() -> None:
    story = make_story(state=State.IN_REVIEW)

    def approve(name: str) -> bool:
        try:
            workflow.approve(Story.objects.get(pk=story.pk), actor=name, now=NOW)
        except workflow.MoveRefused:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(4) as people:
        assert sum(people.map(approve, ["a", "b", "c", "d"])) == 1
    assert story.moves.count() == 1


@pytest.mark.django_db
def test_approval_names_everything_that_is_missing() -> None:
    story = make_story(state=State.IN_REVIEW, hook="", audiences=())
    story.claims.all().delete()
    parts = [
        "write the hook",
        "say what changed (one to three claims)",
        "say why it matters",
        "choose who should care",
    ]
    assert missing_for_approval(story) == parts
    with pytest.raises(workflow.MoveRefused, match="; ".join(parts[:1])):
        workflow.approve(story, actor="erin", now=NOW)
    assert missing_for_approval(make_story()) == []


@pytest.mark.django_db
def test_an_audiences_form_alone_does_not_say_why_it_matters() -> None:
    story = make_story()
    story.claims.filter(kind=Claim.Kind.WHY_IT_MATTERS, audience=None).delete()
    assert missing_for_approval(story) == ["say why it matters"]

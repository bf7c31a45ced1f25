"""Stories move by buttons and list actions; who may, and what they are told."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from curation.admin.story_moves import VERBS
from curation.models import Claim, Story
from curation.models.story import State
from tests.curation.admin.forms import fields_of
from tests.makers import make_story

LIST = reverse("admin:curation_story_changelist")
FROM = {
    "take_up": State.COLLECTED,
    "take_up_again": State.SPIKED,
    "submit_for_review": State.DRAFTED,
    "approve": State.IN_REVIEW,
    "send_back": State.IN_REVIEW,
    "publish": State.APPROVED,
    "spike": State.IN_REVIEW,
    "withdraw": State.PUBLISHED,
}
FOR_WRITERS = {"take_up", "take_up_again", "submit_for_review"}


def address(name: str, story: Story) -> str:
    return reverse(f"admin:curation_story_{name}", args=[story.pk])


@pytest.mark.parametrize("name", VERBS)
def test_a_button_asks_first_and_then_moves(editor: Client, name: str) -> None:
    story = make_story(state=FROM[name])
    page = editor.get(address(name, story))
    assert VERBS[name].says in page.content.decode()
    assert Story.objects.get().state == FROM[name]  # GET changes nothing
    told = editor.post(address(name, story), {"reason": "Because it is so."}, follow=True).content.decode()
    assert f"is {VERBS[name].done}." in told
    move = story.moves.get()
    assert (Story.objects.get().state, move.actor_name, move.reason) == (VERBS[name].to, "erin", "Because it is so.")


@pytest.mark.parametrize("name", [name for name, verb in VERBS.items() if verb.reason])
def test_a_reason_is_asked_for_until_there_is_one(editor: Client, name: str) -> None:
    story = make_story(state=FROM[name])
    page = editor.post(address(name, story), {"reason": "  "})
    assert "Say why: this move is not made without a reason." in page.content.decode()
    assert not story.moves.exists()


@pytest.mark.parametrize("name", VERBS)
def test_only_reviewers_review_and_onlookers_look(writer: Client, onlooker: Client, name: str) -> None:
    story = make_story(state=FROM[name])
    assert onlooker.post(address(name, story), {"reason": "x"}).status_code == 403
    assert writer.post(address(name, story), {"reason": "x"}).status_code == (302 if name in FOR_WRITERS else 403)
    assert story.moves.exists() == (name in FOR_WRITERS)


def test_a_stranger_is_asked_to_sign_in(db: None) -> None:
    story = make_story()
    assert Client().post(address("spike", story), {"reason": "x"})["Location"].startswith("/admin/login/")
    assert not story.moves.exists()


@pytest.mark.parametrize("state", State.values)
def test_the_page_offers_only_what_the_state_allows(editor: Client, state: str) -> None:
    story = make_story(state=state)
    page = editor.get(reverse("admin:curation_story_change", args=[story.pk])).content.decode()
    offered = {name for name in VERBS if f'href="{address(name, story)}"' in page}
    expected = {
        State.COLLECTED: {"take_up", "spike"},
        State.DRAFTED: {"submit_for_review", "spike"},
        State.IN_REVIEW: {"approve", "send_back", "spike"},
        State.APPROVED: {"publish", "spike"},
        State.PUBLISHED: {"withdraw"},
        State.CORRECTED: {"withdraw"},
        State.SPIKED: {"take_up_again"},
        State.WITHDRAWN: set(),
    }
    assert offered == expected[State(state)]


def test_a_refusal_is_told_in_full(editor: Client) -> None:
    story = make_story(state=State.IN_REVIEW, hook="")
    story.claims.filter(kind=Claim.Kind.WHAT_CHANGED).delete()
    page = editor.post(address("approve", story), follow=True).content.decode()
    assert "cannot be approved yet: write the hook; say what changed" in page
    assert Story.objects.get().state == State.IN_REVIEW


def test_nobody_approves_words_that_they_have_not_seen(editor: Client) -> None:
    story = make_story(state=State.IN_REVIEW)
    form = fields_of(editor.get(address("approve", story)).content.decode())
    Story.objects.update(version=2, headline="Other words")
    told = editor.post(address("approve", story), form).content.decode()
    assert "“Other words” was changed since you looked at it." in told
    assert Story.objects.get().state == State.IN_REVIEW
    editor.post(address("approve", story), fields_of(told))
    assert Story.objects.get().state == State.APPROVED


def test_many_are_approved_at_once_and_refusals_are_named(editor: Client) -> None:
    ready, bare = make_story(state=State.IN_REVIEW), make_story(state=State.IN_REVIEW, hook="")
    also = make_story(state=State.IN_REVIEW)
    chosen = {"action": "approve_selected", "_selected_action": [ready.pk, bare.pk, also.pk]}
    page = editor.post(LIST, chosen, follow=True).content.decode()
    assert "2 stories are approved." in page
    assert "cannot be approved yet: write the hook." in page
    assert Story.objects.filter(state=State.APPROVED).count() == 2


def test_many_are_spiked_for_one_reason(editor: Client) -> None:
    stories = [make_story(state=State.IN_REVIEW) for _ in range(2)]
    chosen = {"action": "spike_selected", "_selected_action": [story.pk for story in stories]}
    asked = editor.post(LIST, chosen).content.decode()
    assert "Why will it not run?" in asked
    assert not Story.objects.filter(state=State.SPIKED).exists()
    editor.post(LIST, chosen | {"reason": "Old news."}, follow=True)
    assert Story.objects.filter(state=State.SPIKED).count() == 2


def test_writers_are_not_offered_what_reviewers_do(writer: Client) -> None:
    make_story(state=State.IN_REVIEW)
    page = writer.get(LIST).content.decode()
    assert "approve_selected" not in page
    assert "spike_selected" not in page


def test_public_stories_cannot_be_deleted(editor: Client) -> None:
    public, draft = make_story(state=State.APPROVED), make_story(state=State.DRAFTED)
    assert editor.post(reverse("admin:curation_story_delete", args=[public.pk]), {"post": "yes"}).status_code == 403
    editor.post(reverse("admin:curation_story_delete", args=[draft.pk]), {"post": "yes"})
    assert list(Story.objects.all()) == [public]
    assert "delete_selected" not in editor.get(LIST).content.decode()


def test_the_list_tells_and_filters(editor: Client) -> None:
    make_story(headline="Of researchers", audiences=("researchers",))
    make_story(headline="Of investors", audiences=("investors",), state=State.DRAFTED)
    page = editor.get(LIST).content.decode()
    for word in ("Of researchers", "Investors &amp; Analysts", "France", "Drafted", "Approved"):
        assert word in page
    for query in ("state__exact=approved", "audiences__code__exact=researchers", "country=FR&q=Of+researchers"):
        found = editor.get(f"{LIST}?{query}").content.decode()
        assert ("Of researchers" in found, "Of investors" in found) == (True, False), query


def test_the_list_asks_the_database_equally_often_for_two_and_for_twenty(editor: Client) -> None:
    def asked() -> int:
        with CaptureQueriesContext(connection) as queries:
            editor.get(LIST)
        return len(queries)

    for _ in range(2):
        make_story()
    editor.get(LIST)
    few = asked()
    for _ in range(18):
        make_story()
    assert asked() == few

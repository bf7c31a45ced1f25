"""Buttons and list actions that move stories. Each asks review/workflow.py and tells what it said."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from unfold.decorators import action
from unfold.enums import ActionVariant

from curation.models import Story
from curation.models.story import State
from curation.review import workflow


@dataclass(frozen=True)
class Verb:
    """A move as the desk offers it."""

    call: Callable[..., None]
    to: str
    title: str
    done: str
    says: str  # what will happen, on the page that asks
    reason: str = ""  # what to ask for; empty when a reason is not needed
    from_states: tuple[str, ...] = ()  # empty: wherever the table of moves allows it

    def fits(self, story: Story) -> bool:
        return self.to in workflow.MOVES[story.state] and story.state in (self.from_states or (story.state,))


VERBS: dict[str, Verb] = {
    "take_up": Verb(workflow.draft, State.DRAFTED, "Take up", "taken up", "The story becomes a draft.",
                    from_states=(State.COLLECTED,)),
    "take_up_again": Verb(workflow.draft, State.DRAFTED, "Take up again", "taken up again",
                          "The spiked story becomes a draft again.", from_states=(State.SPIKED,)),
    "submit_for_review": Verb(workflow.submit, State.IN_REVIEW, "Submit for review", "submitted for review",
                              "A reviewer will check its claims and approve it.", from_states=(State.DRAFTED,)),
    "approve": Verb(workflow.approve, State.APPROVED, "Approve", "approved",
                    "You vouch for every word. The story can then be read by everybody, and sent."),
    "send_back": Verb(workflow.send_back, State.DRAFTED, "Send back", "sent back",
                      "The story becomes a draft again.", "What should change?", from_states=(State.IN_REVIEW,)),
    "publish": Verb(workflow.publish, State.PUBLISHED, "Publish", "published",
                    "From now on every change of its words is shown as a correction."),
    "spike": Verb(workflow.spike, State.SPIKED, "Spike", "spiked",
                  "The story will not run. It can be taken up again.", "Why will it not run?"),
    "withdraw": Verb(workflow.withdraw, State.WITHDRAWN, "Withdraw", "withdrawn",
                     "Readers will see the reason where the story was. This is final.", "Why is it withdrawn?"),
}  # fmt: skip
REVIEW = "curation.review_story"


class StoryMoves:
    """The moves of StoryAdmin: what only a reviewer may do asks for the permission to review stories."""

    actions_detail = [*VERBS]
    actions = ["approve_selected", "spike_selected"]

    def has_review_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm(REVIEW)

    @action(description="Take up", icon="edit_note", permissions=["change"])
    def take_up(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._ask_and_move(request, object_id, "take_up")

    @action(description="Take up again", icon="undo", permissions=["change"])
    def take_up_again(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._ask_and_move(request, object_id, "take_up_again")

    @action(description="Submit for review", icon="rate_review", variant=ActionVariant.PRIMARY, permissions=["change"])
    def submit_for_review(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._ask_and_move(request, object_id, "submit_for_review")

    @action(description="Approve", icon="check_circle", variant=ActionVariant.SUCCESS, permissions=["review"])
    def approve(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._ask_and_move(request, object_id, "approve")

    @action(description="Send back", icon="reply", permissions=["review"])
    def send_back(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._ask_and_move(request, object_id, "send_back")

    @action(description="Publish", icon="public", variant=ActionVariant.PRIMARY, permissions=["review"])
    def publish(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._ask_and_move(request, object_id, "publish")

    @action(description="Spike", icon="block", permissions=["review"])
    def spike(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._ask_and_move(request, object_id, "spike")

    @action(description="Withdraw", icon="delete_forever", variant=ActionVariant.DANGER, permissions=["review"])
    def withdraw(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._ask_and_move(request, object_id, "withdraw")

    @action(description="Approve the selected stories", permissions=["review"])
    def approve_selected(self, request: HttpRequest, stories: QuerySet[Story]) -> None:
        _move_all(request, stories, VERBS["approve"], reason="")

    @action(description="Spike the selected stories", permissions=["review"])
    def spike_selected(self, request: HttpRequest, stories: QuerySet[Story]) -> HttpResponse | None:
        verb = VERBS["spike"]
        if reason := request.POST.get("reason", "").strip():
            _move_all(request, stories, verb, reason=reason)
            return None
        asked = "reason" in request.POST
        return self._question(request, verb, list(stories), action="spike_selected", missing=asked)

    def get_actions_detail(self, request: HttpRequest, object_id: int) -> list[Any]:
        """Only the moves that the story's state allows."""
        story = self.get_object(request, str(object_id))  # type: ignore[attr-defined]
        allowed = super().get_actions_detail(request, object_id)  # type: ignore[misc]
        names = [name for name, verb in VERBS.items() if story and verb.fits(story)]
        return [each for each in allowed if each.path in names]

    def _ask_and_move(self, request: HttpRequest, object_id: str, name: str) -> HttpResponse:
        """GET asks on a small page and changes nothing; POST moves and tells."""
        verb = VERBS[name]
        story = self.get_object(request, object_id)  # type: ignore[attr-defined]
        if story is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)  # type: ignore[attr-defined]
        if not request.user.has_perm("curation.view_story"):
            raise PermissionDenied
        reason = request.POST.get("reason", "").strip()
        if request.POST.get("version", str(story.version)) != str(story.version):
            messages.error(request, f"“{story.headline}” was changed since you looked at it. Read it again first.")
            return self._question(request, verb, [story], missing=False)
        if request.method != "POST" or (verb.reason and not reason):
            return self._question(request, verb, [story], missing=request.method == "POST")
        _move_all(request, [story], verb, reason=reason)
        return HttpResponseRedirect(reverse("admin:curation_story_change", args=[story.pk]))

    def _question(
        self, request: HttpRequest, verb: Verb, stories: list[Story], *, missing: bool, action: str = ""
    ) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),  # type: ignore[attr-defined]
            "title": verb.title,
            "opts": Story._meta,
            "verb": verb,
            "stories": stories,
            "action": action,
            "missing": missing,
            "cancel": request.path.rsplit("/", 2)[0] + "/change/" if not action else request.path,
        }
        return TemplateResponse(request, "admin/curation/story/move.html", context)


def _move_all(request: HttpRequest, stories: Any, verb: Verb, *, reason: str) -> None:
    """Move each that can be moved; every refusal is told in full."""
    moved = []
    for story in stories:
        try:
            verb.call(story, actor=request.user, now=timezone.now(), reason=reason)
            moved.append(story)
        except workflow.MoveRefused as refusal:
            messages.error(request, str(refusal))
    if len(moved) == 1:
        messages.success(request, f"“{moved[0].headline}” is {verb.done}.")
    elif moved:
        messages.success(request, f"{len(moved)} stories are {verb.done}.")

"""The buttons of the compose page that act: each is a POST, one call, one answer in words."""

import logging
from collections.abc import Callable

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from unfold.admin import ModelAdmin

from newsletter.admin import words
from newsletter.admin.pages import edition_for
from newsletter.editions import compose
from newsletter.models import Edition, Segment
from newsletter.tasks import send_proof

logger = logging.getLogger(__name__)

Verb = Callable[[HttpRequest, Edition], None]


def act(admin: ModelAdmin, request: HttpRequest, *, edition_id: int, verb: str) -> HttpResponse:
    """Do the verb and go back to where the button stood."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    permission, do = VERBS.get(verb, ("", None))
    if do is None:
        return HttpResponse(f"An edition has no verb “{verb}”.", status=404)
    edition = edition_for(request, edition_id, permission=permission)
    try:
        edition.version = int(request.POST.get("version") or edition.version)
        do(request, edition)
    except compose.ComposeRefused as refused:
        for reason in refused.reasons:
            messages.error(request, reason)
    except ValueError:
        messages.error(request, "The page was too old to act on: look at it again, then decide.")
    back = reverse("admin:newsletter_edition_change", args=[edition.pk])
    if request.POST.get("back") == "preview":
        back = reverse("admin:newsletter_edition_preview", args=[edition.pk]) + "?" + request.POST.get("query", "")
    return HttpResponseRedirect(back)


def _fill(request: HttpRequest, edition: Edition) -> None:
    added = compose.fill_up(edition, actor=request.user, now=timezone.now()).added  # type: ignore[arg-type]
    if added:
        messages.success(request, f"Added {words.count(len(added), 'story', 'stories')}.")
    else:
        messages.info(request, "Nothing to add: the edition is full, or every approved story has been in an edition.")


def _refresh(request: HttpRequest, edition: Edition) -> None:
    refreshed = compose.refresh_copies(edition)
    for headline in refreshed.renewed:
        messages.success(request, f"“{headline}” now has its newest words.")
    for headline in refreshed.gone:
        messages.warning(request, f"“{headline}” may no longer be shown: remove it, or have the desk approve it again.")
    if not refreshed.renewed and not refreshed.gone:
        messages.info(request, "Every story already has its newest words.")


def _approve(request: HttpRequest, edition: Edition) -> None:
    compose.approve(edition, actor=request.user, now=timezone.now())  # type: ignore[arg-type]
    messages.success(request, f"“{edition}” is approved. What is sent is what you see now.")


def _reopen(request: HttpRequest, edition: Edition) -> None:
    reason = request.POST.get("reason", "")[:200]
    compose.reopen(edition, actor=request.user, reason=reason, now=timezone.now())  # type: ignore[arg-type]
    messages.success(request, f"“{edition}” is a draft again. It is not sent before somebody approves it.")


def _proof(request: HttpRequest, edition: Edition) -> None:
    """To the editor's own address and nowhere else."""
    to = getattr(request.user, "email", "")
    if not to:
        messages.error(
            request, "Your account has no e-mail address: add one under Users, then ask for the proof again."
        )
        return
    slug = request.POST.get("segment", "")
    segment = Segment.objects.filter(newsletter=edition.newsletter, slug=slug).first() if slug else None
    try:
        send_proof.delay_on_commit(edition_id=edition.pk, segment_id=segment.pk if segment else None, to=to)  # type: ignore[attr-defined]
    except Exception:  # whatever the broker's client raises when nobody answers
        logger.exception("a proof could not be queued", extra={"edition": edition.pk})
        messages.error(request, "The proof was not sent: the broker does not answer. Try again in a minute.")
        return
    seen_by = f" as {segment} see it" if segment else ""
    messages.success(request, f"A proof{seen_by} is on its way to {to}.")


VERBS: dict[str, tuple[str, Verb]] = {
    "fill": ("change_edition", _fill),
    "refresh": ("change_edition", _refresh),
    "proof": ("change_edition", _proof),
    "approve": ("send_edition", _approve),
    "reopen": ("send_edition", _reopen),
}

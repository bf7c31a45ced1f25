"""The page that adds stories to an edition: what is approved, whom it concerns, where it was used."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from unfold.admin import ModelAdmin

from curation import catalog
from curation.catalog import StoryCopy
from newsletter.admin import words
from newsletter.admin.edition_item import freshness_of
from newsletter.admin.pages import edition_for, frame
from newsletter.editions import compose
from newsletter.models import Edition, EditionItem

MOST = 100


@dataclass(frozen=True)
class Choice:
    story: StoryCopy
    freshness: str
    here: bool  # in this edition already
    used_in: list[str]  # the other editions that hold it


def stories_page(admin: ModelAdmin, request: HttpRequest, *, edition_id: int) -> HttpResponse:
    edition = edition_for(request, edition_id, permission="change_edition")
    change = reverse("admin:newsletter_edition_change", args=[edition.pk])
    if refusal := compose.lock_reason(edition):
        messages.error(request, refusal)
        return HttpResponseRedirect(change)
    if request.method == "POST":
        _add(request, edition)
        return HttpResponseRedirect(change)
    search, audience = request.GET.get("q", "")[:200], request.GET.get("audience", "")
    context = frame(
        admin,
        request,
        title="Add stories",
        original=edition,
        edition=edition,
        choices=choices(edition, search=search, audience=audience),
        search=search,
        audience=audience,
        audiences=catalog.audiences(),
        most=MOST,
    )
    return TemplateResponse(request, "admin/newsletter/edition/stories.html", context)


def choices(edition: Edition, *, search: str, audience: str) -> list[Choice]:
    """The newest public stories that hold every word and concern the audience; those not yet used anywhere first."""
    stories = [story for story in catalog.matching(search, limit=MOST) if not audience or story.is_for(audience)]
    used = _used([story.id for story in stories])
    found = [
        Choice(
            story=story,
            freshness=freshness_of(edition, story),
            here=edition.pk in used[story.id],
            used_in=[name for pk, name in used[story.id].items() if pk != edition.pk],
        )
        for story in stories
    ]
    return sorted(found, key=lambda choice: (choice.here, bool(choice.used_in)))


def _used(story_ids: Iterable[int]) -> dict[int, dict[int, str]]:
    used: dict[int, dict[int, str]] = defaultdict(dict)
    for item in EditionItem.objects.filter(story_id__in=list(story_ids)).select_related("edition"):
        used[item.story_id or 0][item.edition_id] = item.edition.slug
    return used


def _add(request: HttpRequest, edition: Edition) -> None:
    ids = [int(pk) for pk in request.POST.getlist("story") if pk.isdecimal() and len(pk) < 19]
    if not ids:
        messages.warning(request, "No story was ticked, so none was added.")
        return
    try:
        result = compose.add_stories(edition, ids, actor=request.user, now=timezone.now())  # type: ignore[arg-type]
    except compose.ComposeRefused as refused:
        messages.error(request, str(refused))
        return
    if result.added:
        messages.success(request, f"Added {words.count(len(result.added), 'story', 'stories')} at the end.")
    for headline in result.already:
        messages.info(request, f"“{headline}” was in the edition already.")
    if result.not_public:
        gone = words.count(len(result.not_public), "story is", "stories are")
        messages.warning(request, f"{gone} no longer approved and could not be added.")

"""The archive: every edition that has gone out, as a general reader got it, and nothing that names a reader."""

from django.conf import settings
from django.core.paginator import Paginator
from django.db.models import F
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from curation import catalog
from newsletter.models import Edition, Newsletter
from newsletter.models.edition import EditionQuerySet
from newsletter.rendering.links import Site
from newsletter.rendering.variant import context_of
from newsletter.sending.publication import issue_of, publication_of, sight_of

PER_PAGE = 26  # half a year of weeks
_FROM_THE_MAIL = ("subject", "preheader", "intro", "items", "minutes", "date", "machine_made")


@require_safe
def archive(request: HttpRequest) -> HttpResponse:
    """Every sent edition, newest first."""
    page = Paginator(sent_editions(), PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "pages/archive.html", {"page": page, "several": Newsletter.objects.count() > 1})


@require_safe
def latest(request: HttpRequest) -> HttpResponse:
    """The fixed address of the newest sent edition; the archive while there is none."""
    newest = sent_editions().first()
    return redirect(newest.get_absolute_url() if newest else "archive")


@require_safe
def edition(request: HttpRequest, newsletter: str, edition: str) -> HttpResponse:
    """One sent edition; 404 for any that has not left."""
    sent = get_object_or_404(sent_editions(), newsletter__slug=newsletter, slug=edition)
    context = {"edition": sent, "newsletter": sent.newsletter, "taken_back": taken_back(sent), **as_mailed(sent)}
    return render(request, "pages/edition.html", context)


def taken_back(edition: Edition) -> set[str]:
    """The addresses of its stories that may no longer be shown; the mail is gone, but here it can be said."""
    paths = dict(edition.items.exclude(story=None).values_list("story_id", "copy__path"))
    public = catalog.still_public(paths)
    return {Site(settings.SITE_URL).page(path) for pk, path in paths.items() if pk not in public}


def sent_editions() -> EditionQuerySet:
    """What the archive shows, newest first; one that is just leaving and bears no moment yet comes last."""
    return Edition.objects.sent().select_related("newsletter").order_by(F("sent_at").desc(nulls_last=True), "-id")


def as_mailed(edition: Edition) -> dict[str, object]:
    """The edition's frozen copies exactly as the mail tells them, to readers of no segment, when it was sent."""
    values = context_of(
        publication_of(edition.newsletter),
        issue_of(edition, now=edition.sent_at or timezone.now()),
        sight_of(edition, None),
        Site(settings.SITE_URL),
    )
    return {name: values[name] for name in _FROM_THE_MAIL}

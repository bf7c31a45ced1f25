"""What the pages around an edition or a campaign share: the row, the permission, the frame of the admin."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import Http404, HttpRequest
from unfold.admin import ModelAdmin

from newsletter.models import Edition


def edition_for(request: HttpRequest, edition_id: int, *, permission: str) -> Edition:
    """The edition, for one who has the permission (such as "change_edition"). Raises Http404 or PermissionDenied."""
    demand(request, permission)
    edition = Edition.objects.select_related("newsletter").filter(pk=edition_id).first()
    if edition is None:
        raise Http404(f"There is no edition {edition_id}.")
    return edition


def demand(request: HttpRequest, permission: str) -> None:
    if not request.user.has_perm(f"newsletter.{permission}"):
        raise PermissionDenied


def frame(admin: ModelAdmin, request: HttpRequest, *, title: str, original: Model, **more: Any) -> dict[str, Any]:
    """The context of a page that belongs to a row of the admin."""
    return {
        **admin.admin_site.each_context(request),
        "opts": admin.opts,
        "title": title,
        "original": original,
        "media": admin.media,
        **more,
    }

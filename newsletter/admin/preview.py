"""The mail as one segment gets it, before anybody does: in a frame that can run nothing and send nothing.

All that is shown is in the address, so that a view can be shared:
?segment=SLUG&view=html|text|source&width=375|800&scheme=light|dark
"""

import re
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.clickjacking import xframe_options_sameorigin
from unfold.admin import ModelAdmin

from newsletter.admin.edition_status import status_of
from newsletter.admin.matrix import segments_of
from newsletter.admin.pages import edition_for, frame
from newsletter.models import Edition, Segment
from newsletter.rendering.message import ByteTemplate
from newsletter.rendering.slots import SAMPLE, fill_html, fill_text
from newsletter.sending.publication import render_edition

VIEWS = {"html": "Mail", "text": "Text", "source": "Source"}
WIDTHS = {"375": "Phone", "800": "Desktop"}
SCHEMES = {"light": "Light", "dark": "Dark"}
# Styles stand in the mail itself; nothing else is loaded, and links open in a new tab.
POLICY = (
    "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:"
)
_SCHEME = re.compile(r"\(\s*prefers-color-scheme\s*:\s*(dark|light)\s*\)")


@dataclass(frozen=True)
class View:
    """One state of the preview, as its address tells it; anything unknown becomes the first choice."""

    segment: str
    view: str
    width: str
    scheme: str

    @property
    def query(self) -> str:
        return urlencode({"segment": self.segment, "view": self.view, "width": self.width, "scheme": self.scheme})


@dataclass(frozen=True)
class Switch:
    """A group of links, one of them current."""

    name: str
    links: list[tuple[str, str, bool]]  # label, query, current


def preview_page(admin: ModelAdmin, request: HttpRequest, *, edition_id: int) -> HttpResponse:
    edition = edition_for(request, edition_id, permission="view_edition")
    segments = segments_of(edition)
    view = _view(request, segments)
    context = frame(admin, request, title="Preview", original=edition, edition=edition, view=view)
    context["status"] = status_of(edition, now=timezone.now())
    context["switches"] = _switches(view, segments)
    context["may_change"] = request.user.has_perm("newsletter.change_edition")
    context["frame_url"] = f"{reverse('admin:newsletter_edition_preview_frame', args=[edition.pk])}?{view.query}"
    try:
        context.update(_shown(edition, view, segments))
    except ValueError as error:  # text that no mail may hold: the error says which and where
        context["failure"] = str(error)
    return TemplateResponse(request, "admin/newsletter/edition/preview.html", context)


@xframe_options_sameorigin
def preview_frame(admin: ModelAdmin, request: HttpRequest, *, edition_id: int) -> HttpResponse:
    """The HTML part alone, under a policy that lets it be looked at and no more."""
    edition = edition_for(request, edition_id, permission="view_edition")
    segments = segments_of(edition)
    view = _view(request, segments)
    try:
        rendered = render_edition(edition, _segment(view, segments), now=timezone.now())
        response = HttpResponse(in_scheme(fill_html(rendered.html), view.scheme))
    except ValueError as error:
        response = HttpResponse(f"This variant cannot be rendered. {error}", content_type="text/plain; charset=utf-8")
    response["Content-Security-Policy"] = POLICY
    response["Cache-Control"] = "no-store"
    return response


def in_scheme(html: str, scheme: str) -> str:
    """A copy that shows the scheme whatever the machine prefers: each question for a scheme is answered beforehand."""
    return _SCHEME.sub(lambda asked: "all" if asked[1] == scheme else "not all", html)


def _view(request: HttpRequest, segments: list[Segment]) -> View:
    def chosen(name: str, allowed: list[str]) -> str:
        value = request.GET.get(name, allowed[0])
        return value if value in allowed else allowed[0]

    return View(
        segment=chosen("segment", [*(segment.slug for segment in segments), ""]),
        view=chosen("view", list(VIEWS)),
        width=chosen("width", list(reversed(WIDTHS))),
        scheme=chosen("scheme", list(SCHEMES)),
    )


def _segment(view: View, segments: list[Segment]) -> Segment | None:
    return next((segment for segment in segments if segment.slug == view.segment), None)


def _shown(edition: Edition, view: View, segments: list[Segment]) -> dict[str, object]:
    rendered = render_edition(edition, _segment(view, segments), now=timezone.now())
    shown: dict[str, object] = {"rendered": rendered, "kilobytes": len(rendered.html.encode()) / 1024}
    if view.view == "text":
        shown["plain"] = fill_text(rendered.text)
    elif view.view == "source":
        shown["plain"] = ByteTemplate.from_bytes(rendered.template).merge(SAMPLE).decode("utf-8", "replace")
    return shown


def _switches(view: View, segments: list[Segment]) -> list[Switch]:
    readers = [*((segment.slug, segment.name) for segment in segments), ("", "Everyone else")]
    switches = [_switch("Segment", view, "segment", readers), _switch("Show", view, "view", list(VIEWS.items()))]
    if view.view == "html":
        switches.append(_switch("Width", view, "width", list(reversed(WIDTHS.items()))))
        switches.append(_switch("Scheme", view, "scheme", list(SCHEMES.items())))
    return switches


def _switch(name: str, view: View, field: str, options: list[tuple[str, str]]) -> Switch:
    links = [(label, replace(view, **{field: value}).query, getattr(view, field) == value) for value, label in options]
    return Switch(name, links)

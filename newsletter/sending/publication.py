"""From rows to what rendering receives: plain values, every query done. For preview, proof, freeze and archive."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import cast

from django.conf import settings
from django.urls import reverse

from curation.catalog import StoryCopy, Thresholds
from newsletter.editions.variants import Entry, Form, arrange
from newsletter.models import Edition, Newsletter, Segment
from newsletter.rendering.context import Issue, Publication, Sight
from newsletter.rendering.variant import Rendered, render

EVERYONE_ELSE = "Everyone else"  # the name of the variant for readers in no segment


def publication_of(newsletter: Newsletter) -> Publication:
    return Publication(
        name=newsletter.name,
        language=newsletter.language,
        from_name=newsletter.from_name,
        from_email=newsletter.from_email,
        reply_to=newsletter.reply_to,
        domain=newsletter.domain,
        list_id=f"{newsletter.slug}.{newsletter.domain}",
        postal_address=newsletter.postal_address,
        zone=newsletter.zone,
        thresholds=Thresholds(timedelta(hours=newsletter.fresh_hours), timedelta(hours=newsletter.recent_hours)),
    )


def issue_of(edition: Edition, *, now: datetime) -> Issue:
    return Issue(
        subject=edition.subject,
        preheader=edition.preheader,
        intro=edition.intro,
        web_url=settings.SITE_URL + reverse("edition", args=[edition.newsletter.slug, edition.slug]),
        now=now,
    )


def sight_of(edition: Edition, segment: Segment | None) -> Sight:
    """The edition's frozen copies as one segment reads them; no segment: as everyone else does."""
    entries = [Entry(StoryCopy.from_data(item.copy), cast(Form, item.form)) for item in edition.items.all()]
    audience = segment.audience if segment else ""
    return Sight(segment=segment.name if segment else "", audience=audience, placed=arrange(entries, audience=audience))


def sights_of(edition: Edition) -> list[tuple[Segment | None, Sight]]:
    """Every sight of the edition: one a segment in the order in which they win a reader, then everyone else's."""
    segments: list[Segment | None] = [*edition.newsletter.segments.order_by("position", "id"), None]
    return [(segment, sight_of(edition, segment)) for segment in segments]


def render_edition(edition: Edition, segment: Segment | None, *, now: datetime, mark: str = "") -> Rendered:
    """The edition as the segment gets it, with places left for the reader; `mark` is put before the subject."""
    issue = issue_of(edition, now=now)
    if mark:
        issue = replace(issue, subject=f"{mark} {issue.subject}")
    return render_sight(edition, sight_of(edition, segment), issue)


def render_sight(edition: Edition, sight: Sight, issue: Issue) -> Rendered:
    return render(publication_of(edition.newsletter), issue, sight, site_url=settings.SITE_URL)

"""One edition as one segment reads it: from values to subject, HTML, text and byte template (pure)."""

import hashlib
import json
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from newsletter.rendering.context import Issue, Publication, Sight
from newsletter.rendering.headers import feedback_id, standing_headers
from newsletter.rendering.items import Eyes, items_of, minutes
from newsletter.rendering.links import Site
from newsletter.rendering.message import ByteTemplate
from newsletter.rendering.plaintext import cells, render_text
from newsletter.rendering.slots import MARKS, SAMPLE, Slots, fill_html, fill_text
from newsletter.rendering.transactional import render_html, render_subject
from newsletter.rendering.writing import clean, lines, paragraphs, writing_of

_FOLDER = "email/weekly_recap"


@dataclass(frozen=True)
class Rendered:
    """A variant, the same for all its readers; in `html` and `text` marks hold the places of a reader's values."""

    subject: str
    preheader: str
    html: str
    text: str
    template: bytes
    content_hash: str

    def sample(self, slots: Slots = SAMPLE) -> tuple[str, str]:
        """HTML and text as this reader would see them."""
        return fill_html(self.html, slots), fill_text(self.text, slots)


def render(publication: Publication, issue: Issue, sight: Sight, *, site_url: str) -> Rendered:
    """The whole mail of one segment; the same values always give the same bytes.

    Raises UnfitStory, ReservedText, BadLink, MarkupError or BadHeader, each saying what to mend.
    """
    site = Site(site_url)
    values = context_of(publication, issue, sight, site)
    subject = values["subject"] = render_subject(f"{_FOLDER}/subject.txt", values)
    html = render_html(f"{_FOLDER}/body.mjml", values, title=subject, writing=values["writing"])
    text = render_text(f"{_FOLDER}/body.txt", values)
    headers = standing_headers(publication, subject=subject, site=site)
    content_hash = _hash(headers, values["preheader"], html, text)
    headers += feedback_id(publication, segment=sight.segment, content_hash=content_hash)
    template = ByteTemplate.compile(headers, html=html, text=text, content_hash=content_hash)
    return Rendered(subject, values["preheader"], html, text, template.to_bytes(), content_hash)


def context_of(publication: Publication, issue: Issue, sight: Sight, site: Site) -> dict[str, Any]:
    """What the three templates of the recap receive; all text in it is clean and all addresses are absolute."""
    zone = ZoneInfo(publication.zone)
    items = items_of(list(sight.placed), Eyes(sight.audience, issue.now, zone, publication.thresholds, site))
    intro = paragraphs(issue.intro)
    local = issue.now.astimezone(zone)
    return {
        "newsletter_name": clean(publication.name),
        "from_name": clean(publication.from_name),
        "from_email": clean(publication.from_email),
        "postal_lines": lines(publication.postal_address),
        "writing": writing_of(publication.language),
        "site": site,
        "subject": clean(issue.subject),
        "preheader": clean(issue.preheader),
        "intro": intro,
        "web_url": site.page(issue.web_url),
        "date": f"{local.day} {local:%B %Y}",
        "segment": clean(sight.segment),
        "items": items,
        "minutes": minutes(intro, items),
        "rule": "-" * min(72, cells(clean(issue.subject))),
        "machine_made": any(placed.story.machine_made for placed in sight.placed),
        "slots": MARKS,
    }


def _hash(headers: object, *parts: str) -> str:
    return hashlib.sha256(json.dumps([headers, *parts], ensure_ascii=False).encode()).hexdigest()

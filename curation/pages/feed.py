"""The stories as an Atom feed (RFC 4287), each in full. The ids stay when headlines, slugs or addresses change."""

import hashlib
import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db.models import Max
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.feedgenerator import Atom1Feed
from django.utils.html import escape
from django.utils.xmlutils import SimplerXMLGenerator

from curation import wording
from curation.models import Story
from curation.pages import reading
from curation.pages.story import story_page

ENTRIES = 30
FORM = 1  # raise it when what an entry shows changes, so that readers fetch it anew
_UNWRITABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")  # signs that XML 1.0 cannot hold
_BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)  # of a feed with no story in it


class FullTextFeed(Atom1Feed):
    """Django's Atom feed with the whole text as content, and no moment but those of its stories."""

    def add_item_elements(self, handler: SimplerXMLGenerator, item: dict[str, Any]) -> None:
        super().add_item_elements(handler, item)
        handler.addQuickElement("content", item["content"], {"type": "html"})

    def latest_post_date(self) -> datetime:
        return max((item["updateddate"] for item in self.items), default=_BEGINNING)


def write(*, audience: str, label: str, now: datetime) -> str:
    """The feed of the newest public stories, of one audience when its code and label are given."""
    query = f"?audience={audience}" if audience else ""
    address = f"{settings.SITE_URL}{reverse('story-feed')}{query}"
    name = str(settings.UNFOLD["SITE_TITLE"])
    feed = FullTextFeed(
        title=f"{name}: stories for {label}" if label else f"{name}: all stories",
        link=f"{settings.SITE_URL}{reverse('stories')}{query}",
        description="",
        subtitle="AI news, enriched and approved by editors.",
        language="en",
        author_name=name,
        feed_url=address,
        feed_guid=address,
        feed_copyright=wording.RIGHTS,
    )
    for story in reading.entries(audience=audience, limit=ENTRIES):
        _add(feed, story, now=now)
    return feed.writeString("utf-8")


def etag(*, audience: str) -> str:
    """Changes with every story that enters, leaves or changes, and with the form of the entries."""
    rows = reading.listed(audience=audience).values_list("pk", "updated_at", "source__name")[:ENTRIES]
    stamp = json.dumps([FORM, settings.SITE_URL, *map(list, rows)], default=str)
    return f'"{hashlib.sha256(stamp.encode()).hexdigest()[:32]}"'


def last_modified() -> datetime | None:
    """When any story was last touched: one that was taken back changes the feed too."""
    return Story.objects.aggregate(latest=Max("updated_at"))["latest"]


def story_id(story: Story) -> str:
    """A tag URI (RFC 4151): it names the story by its number and the day on which it came to be."""
    return f"tag:{urlsplit(settings.SITE_URL).hostname},{story.created_at:%Y-%m-%d}:story-{story.pk}"


def _add(feed: FullTextFeed, story: Story, *, now: datetime) -> None:
    page = story_page(story, related=(), now=now)
    labels: Sequence[str] = [label for _, label in page.audiences]
    feed.add_item(
        title=_writable(page.headline),
        link=f"{settings.SITE_URL}{page.path}",
        description=_writable(escape(page.hook)),  # readers take a summary for HTML
        content=_writable(render_to_string("pages/feed_entry.html", {"page": page, "headings": wording.HEADINGS})),
        unique_id=story_id(story),
        pubdate=None if story.published_estimated else story.published_at,
        updateddate=story.updated_at,
        categories=labels,
    )


def _writable(text: str) -> str:
    """One bad sign in one story must not take the feed down."""
    return _UNWRITABLE.sub("", text)

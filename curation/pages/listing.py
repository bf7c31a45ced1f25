"""The list of stories: what a reader asked for, cleaned, and a story as one entry of it (pure)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from curation import wording
from curation.freshness import Freshness, freshness
from curation.models import Story
from curation.pages.moments import Moment, moment

MOST_CHARACTERS = 100
MOST_WORDS = 8  # each is a condition; a reader never needs more


@dataclass(frozen=True)
class Line:
    """A story in a list."""

    path: str
    headline: str
    hook: str
    source: str
    country: str
    flag: str
    freshness: Freshness
    badge: str
    published: Moment | None
    audiences: tuple[tuple[str, str], ...]  # (code, label)


@dataclass(frozen=True)
class Wish:
    """An audience's code and the words looked for; empty for all."""

    audience: str = ""
    words: str = ""

    def query(self, **changes: object) -> str:
        """The wish as the query part of an address, with changes; empty values are left out."""
        values = {"q": self.words, "audience": self.audience, **changes}
        filled = {key: value for key, value in values.items() if value}
        return f"?{urlencode(filled)}" if filled else ""


def read_wish(asked: Mapping[str, str]) -> Wish:
    """The wish in a request's parameters, where anything can stand: no control characters, no endless search."""
    printable = "".join(sign if sign.isprintable() else " " for sign in asked.get("q", "")[:MOST_CHARACTERS])
    return Wish(audience=asked.get("audience", "")[:40], words=" ".join(printable.split()[:MOST_WORDS]))


def line(story: Story, *, now: datetime) -> Line:
    """The story as the list shows it at `now`."""
    fresh = freshness(story.published_at, now=now)
    return Line(
        path=story.get_absolute_url(),
        headline=story.headline,
        hook=story.hook,
        source=story.source.name,
        country=story.source.country_name,
        flag=story.source.flag,
        freshness=fresh,
        badge=wording.FRESHNESS_BADGES[fresh],
        published=moment(story.published_at, now=now, estimated=story.published_estimated),
        audiences=tuple((link.audience_id, link.audience.label) for link in story.audience_links.all()),
    )

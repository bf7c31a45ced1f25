"""THE DOOR: stories as frozen values, for everyone who is not the desk.

The newsletter imports this module and nothing else of curation. What passes is a copy: it does not change when the
desk edits on, it survives JSON (`as_data`, `from_data`), and `content_hash` tells whether the story has changed since.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count

from curation.freshness import Freshness, Thresholds, freshness
from curation.models import Audience, Claim, Story
from curation.review import workflow

__all__ = [
    "Freshness",
    "StoryCopy",
    "Thresholds",
    "approved",
    "audiences",
    "find",
    "freshness",
    "mark_published",
    "matching",
    "still_public",
    "waiting",
]


@dataclass(frozen=True)
class Point:
    """A term and its explanation, or a prediction and its rationale."""

    lead: str
    text: str


@dataclass(frozen=True)
class Table:
    corner: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[str, ...]], ...]  # (feature, cells)


@dataclass(frozen=True)
class Event:
    date: str
    text: str
    planned: bool


@dataclass(frozen=True)
class StoryCopy:
    """A story as it stood when it was taken. Moments are aware UTC; `path` is the page's address on this site."""

    id: int
    slug: str
    path: str
    state: str
    headline: str
    hook: str
    source: str
    country: str  # ISO 3166, empty when unknown
    country_name: str
    flag: str
    original_url: str  # empty when unknown: show the source as text, never a made-up link
    published_at: datetime | None
    collected_at: datetime | None
    audiences: tuple[tuple[str, str], ...]  # (code, label), in the editor's order
    what_changed: tuple[str, ...]
    why_it_matters: str
    why_by_audience: tuple[tuple[str, str], ...]  # (code, that audience's own form)
    what_to_do_next: str
    takeaways: tuple[str, ...]
    table: Table | None
    technical: tuple[Point, ...]
    implications: tuple[Point, ...]
    timeline: tuple[Event, ...]
    machine_made: bool  # some of the insight was drafted by a machine: the disclosure must be shown

    def why_for(self, audience: str) -> str:
        """Why it matters, in that audience's own form where one was written."""
        return dict(self.why_by_audience).get(audience) or self.why_it_matters

    def is_for(self, audience: str) -> bool:
        return any(code == audience for code, _ in self.audiences)

    @property
    def content_hash(self) -> str:
        """SHA-256 over everything a reader could see; the state is not part of it."""
        seen = {key: value for key, value in self.as_data().items() if key != "state"}
        return hashlib.sha256(json.dumps(seen, sort_keys=True, ensure_ascii=False).encode()).hexdigest()

    def as_data(self) -> dict[str, Any]:
        """The copy as plain JSON values; `from_data` gives an equal copy back."""
        return json.loads(json.dumps(asdict(self), default=_moment))

    @classmethod
    def from_data(cls, data: dict[str, Any]) -> "StoryCopy":
        table = data["table"]
        return cls(
            **{
                **data,
                "published_at": _read_moment(data["published_at"]),
                "collected_at": _read_moment(data["collected_at"]),
                "audiences": _pairs(data["audiences"]),
                "what_changed": tuple(data["what_changed"]),
                "why_by_audience": _pairs(data["why_by_audience"]),
                "takeaways": tuple(data["takeaways"]),
                "table": table and Table(table["corner"], tuple(table["columns"]), _rows(table["rows"])),
                "technical": tuple(Point(**point) for point in data["technical"]),
                "implications": tuple(Point(**point) for point in data["implications"]),
                "timeline": tuple(Event(**event) for event in data["timeline"]),
            }
        )


def find(story_ids: Iterable[int]) -> list[StoryCopy]:
    """The public stories among these ids, in the order of the ids."""
    stories = Story.objects.public().with_parts().in_bulk(list(story_ids))
    return [_copy(stories[pk]) for pk in dict.fromkeys(story_ids) if pk in stories]


def still_public(story_ids: Iterable[int]) -> set[int]:
    """Those of the ids whose story may be shown now."""
    return set(Story.objects.public().filter(pk__in=list(story_ids)).values_list("pk", flat=True))


def approved(*, limit: int, without: Sequence[int] = ()) -> list[StoryCopy]:
    """The newest public stories, except those whose ids are given."""
    return [_copy(story) for story in Story.objects.public().exclude(pk__in=without).newest().with_parts()[:limit]]


def matching(words: str, *, limit: int = 20) -> list[StoryCopy]:
    """Public stories whose headline, hook or source holds every word, newest first."""
    return [_copy(story) for story in Story.objects.public().matching(words).newest().with_parts()[:limit]]


def audiences() -> list[tuple[str, str]]:
    """Every audience as (code, label), in the house's order."""
    return list(Audience.objects.values_list("code", "label"))


def waiting() -> list[tuple[str, str, int]]:
    """How many stories wait at each step of the desk, as (state, its name, number), in the order of the work."""
    steps = (Story.State.COLLECTED, Story.State.DRAFTED, Story.State.IN_REVIEW, Story.State.APPROVED)
    counts = dict(Story.objects.filter(state__in=steps).values_list("state").annotate(number=Count("pk")).order_by())
    return [(step.value, str(step.label), counts.get(step.value, 0)) for step in steps]


def mark_published(story_ids: Iterable[int], *, by: str, now: datetime) -> None:
    """Tell the desk that these stories have gone out; those already published stay as they are."""
    for story in Story.objects.filter(pk__in=list(story_ids), state=Story.State.APPROVED):
        try:
            workflow.publish(story, actor=by, now=now)
        except workflow.MoveRefused:
            continue  # an editor moved it in the same moment; the move and its author are on the story


def _copy(story: Story) -> StoryCopy:
    claims = list(story.claims.all())
    why = [claim for claim in claims if claim.kind == Claim.Kind.WHY_IT_MATTERS]
    events = list(story.events.all())
    table = getattr(story, "table", None)
    parts = [*claims, *events, *([table] if table else [])]
    return StoryCopy(
        id=story.pk,
        slug=story.slug,
        path=story.get_absolute_url(),
        state=story.state,
        headline=story.headline,
        hook=story.hook,
        source=story.source.name,
        country=str(story.source.country),
        country_name=story.source.country_name,
        flag=story.source.flag,
        original_url=story.original_url,
        published_at=story.published_at,
        collected_at=story.collected_at,
        audiences=tuple((link.audience_id, link.audience.label) for link in story.audience_links.all()),
        what_changed=_texts(claims, Claim.Kind.WHAT_CHANGED),
        why_it_matters=next((claim.text for claim in why if claim.audience_id is None), ""),
        why_by_audience=tuple((claim.audience_id, claim.text) for claim in why if claim.audience_id is not None),
        what_to_do_next=story.what_to_do_next,
        takeaways=_texts(claims, Claim.Kind.TAKEAWAY),
        table=Table(table.corner, tuple(table.columns), _rows((row["feature"], row["cells"]) for row in table.rows))
        if table
        else None,
        technical=_points(claims, Claim.Kind.TECHNICAL),
        implications=_points(claims, Claim.Kind.IMPLICATION),
        timeline=tuple(Event(event.date, event.text, event.planned) for event in events),
        machine_made=any(part.origin == Claim.Origin.MACHINE for part in parts),
    )


def _texts(claims: list[Claim], kind: str) -> tuple[str, ...]:
    return tuple(claim.text for claim in claims if claim.kind == kind)


def _points(claims: list[Claim], kind: str) -> tuple[Point, ...]:
    return tuple(Point(claim.lead, claim.text) for claim in claims if claim.kind == kind)


def _rows(rows: Iterable[Iterable[Any]]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    return tuple((feature, tuple(cells)) for feature, cells in rows)


def _pairs(pairs: Iterable[Iterable[str]]) -> tuple[tuple[str, str], ...]:
    return tuple((code, text) for code, text in pairs)


def _moment(value: datetime) -> str:
    return value.isoformat()


def _read_moment(value: str | None) -> datetime | None:
    return datetime.fromisoformat(value) if value else None

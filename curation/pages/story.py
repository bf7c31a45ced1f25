"""A story as its page shows it: finished plain values, in the order of the page (pure)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from curation import wording
from curation.freshness import Freshness, freshness
from curation.models import Claim, ComparisonTable, Story
from curation.pages.making import Making, insight_is_machine_made, making
from curation.pages.moments import Moment, moment
from curation.pages.quotes import Cite, Quoted, Quotes


@dataclass(frozen=True)
class Point:
    """A claim with the numbers of its quotes; `lead` is its term, its prediction or the audience it is meant for."""

    lead: str
    text: str
    cites: tuple[Cite, ...]


@dataclass(frozen=True)
class Table:
    corner: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[str, ...]], ...]  # (feature, cells)


@dataclass(frozen=True)
class Event:
    date: str  # as precise as is known, and valid in <time datetime> at each precision
    text: str
    planned: bool


@dataclass(frozen=True)
class Related:
    headline: str
    path: str
    published: Moment | None


@dataclass(frozen=True)
class StoryPage:
    """Everything on the page. Unknown things are empty: no address, date or delay is ever made up."""

    path: str
    is_public: bool
    state: str
    headline: str
    hook: str
    source: str
    source_url: str
    country: str
    flag: str
    freshness: Freshness
    badge: str
    collected: str
    published: Moment | None
    updated: Moment | None
    what_changed: tuple[Point, ...]
    why_it_matters: Point | None
    why_by_audience: tuple[Point, ...]
    what_to_do_next: str
    audiences: tuple[tuple[str, str], ...]  # (code, label)
    insight_disclosure: str
    takeaways: tuple[Point, ...]
    table: Table | None
    technical: tuple[Point, ...]
    implications: tuple[Point, ...]
    implications_disclosure: str
    timeline: tuple[Event, ...]
    related: tuple[Related, ...]
    quoted: tuple[Quoted, ...]
    making: Making
    original: str
    original_url: str
    original_headline: str
    rights: str

    @property
    def has_insight(self) -> bool:
        return bool(self.takeaways or self.table or self.technical or self.implications or self.timeline)


def story_page(story: Story, *, related: Sequence[Story], now: datetime) -> StoryPage:
    """The page as it stands at `now`. Asks nothing of the database when the story came from `reading.whole_story`."""
    quotes = Quotes()
    claims = {kind: _points(story, kind, quotes) for kind in Claim.Kind}  # the kinds stand in the page's order
    fresh = freshness(story.published_at, now=now)
    minutes = story.collected_minutes
    why = [point for point in claims[Claim.Kind.WHY_IT_MATTERS] if not point.lead]
    return StoryPage(
        path=story.get_absolute_url(),
        is_public=story.is_public,
        state=Story.State(story.state).label,
        headline=story.headline,
        hook=story.hook,
        source=story.source.name,
        source_url=story.source.home_url,
        country=story.source.country_name,
        flag=story.source.flag,
        freshness=fresh,
        badge=wording.FRESHNESS_BADGES[fresh],
        collected="" if minutes is None else wording.collected_in(minutes),
        published=moment(story.published_at, now=now, estimated=story.published_estimated),
        updated=moment(story.updated_at, now=now),
        what_changed=claims[Claim.Kind.WHAT_CHANGED],
        why_it_matters=why[0] if why else None,
        why_by_audience=tuple(point for point in claims[Claim.Kind.WHY_IT_MATTERS] if point.lead),
        what_to_do_next=story.what_to_do_next,
        audiences=tuple((link.audience_id, link.audience.label) for link in story.audience_links.all()),
        insight_disclosure=wording.INSIGHT_DISCLOSURE if insight_is_machine_made(story) else "",
        takeaways=claims[Claim.Kind.TAKEAWAY],
        table=_table(getattr(story, "table", None)),
        technical=claims[Claim.Kind.TECHNICAL],
        implications=claims[Claim.Kind.IMPLICATION],
        implications_disclosure=wording.IMPLICATIONS_DISCLOSURE,
        timeline=tuple(Event(event.date, event.text, event.planned) for event in story.events.all()),
        related=tuple(_related(each, now=now) for each in related),
        quoted=quotes.texts(),
        making=making(story, now=now),
        original=wording.original_source(story.source.name),
        original_url=story.original_url,
        original_headline=story.original_headline,
        rights=wording.RIGHTS,
    )


def _points(story: Story, kind: str, quotes: Quotes) -> tuple[Point, ...]:
    return tuple(_point(claim, quotes) for claim in _general_first(story.claims.all()) if claim.kind == kind)


def _general_first(claims: Iterable[Claim]) -> list[Claim]:
    return sorted(claims, key=lambda claim: claim.audience_id is not None)


def _point(claim: Claim, quotes: Quotes) -> Point:
    lead = claim.audience.label if claim.audience else claim.lead
    return Point(lead, claim.text, quotes.cite(claim))


def _table(table: ComparisonTable | None) -> Table | None:
    if table is None:
        return None
    rows = tuple((row["feature"], tuple(row["cells"])) for row in table.rows)
    return Table(table.corner, tuple(table.columns), rows)


def _related(story: Story, *, now: datetime) -> Related:
    published = moment(story.published_at, now=now, estimated=story.published_estimated)
    return Related(story.headline, story.get_absolute_url(), published)

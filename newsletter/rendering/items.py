"""A placed story as the mail shows it: every line of it decided here, so that HTML and text say the same (pure)."""

from dataclasses import dataclass
from datetime import datetime, tzinfo

from curation.catalog import Freshness, StoryCopy, Thresholds, freshness
from newsletter.editions.variants import Form, Placed
from newsletter.rendering.links import Site, web_address
from newsletter.rendering.writing import ReservedText, clean, without_brackets

_TECHNICAL_READERS = {"engineers", "researchers"}
_WORDS_A_MINUTE = 240


class UnfitStory(ValueError):
    """A story that cannot stand in a mail; the message names it and what to mend."""


@dataclass(frozen=True)
class Line:
    label: str
    text: str


@dataclass(frozen=True)
class Item:
    """`source_url` is empty when the original's address is unknown; `opens_rest` marks the first story for others."""

    number: int
    form: Form
    opens_rest: bool
    headline: str
    url: str
    hook: str
    flag: str
    country: str
    source: str
    source_url: str
    source_label: str
    date: str
    badge: str
    freshness: Freshness
    lines: tuple[Line, ...]
    extras: tuple[Line, ...]

    @property
    def words(self) -> int:
        """As many as the mail shows of it, its labels and its source among them."""
        meta = [self.country, self.source, self.date, self.badge]
        lines = [f"{line.label} {line.text}" for line in (*self.lines, *self.extras)]
        return sum(len(text.split()) for text in (self.headline, *meta, self.hook, *lines))


@dataclass(frozen=True)
class Eyes:
    """Who looks, when and from where."""

    audience: str
    now: datetime
    zone: tzinfo
    thresholds: Thresholds
    site: Site


def items_of(placed: list[Placed], eyes: Eyes) -> list[Item]:
    """The stories in reading order, numbered from 1. Raises UnfitStory."""
    first_of_rest = next((index for index, each in enumerate(placed) if not each.ours), None)
    return [_item(each, index + 1, index == first_of_rest, eyes) for index, each in enumerate(placed)]


def minutes(intro: list[str], items: list[Item]) -> int:
    """How long reading the introduction and the stories takes, at least one minute."""
    words = sum(len(paragraph.split()) for paragraph in intro) + sum(item.words for item in items)
    return max(1, round(words / _WORDS_A_MINUTE))


def _item(placed: Placed, number: int, opens_rest: bool, eyes: Eyes) -> Item:
    story = placed.story
    try:
        fresh = freshness(story.published_at, now=eyes.now, thresholds=eyes.thresholds)
        return Item(
            number=number,
            form=placed.form,
            opens_rest=opens_rest,
            headline=clean(story.headline),
            url=eyes.site.page(story.path),
            hook=clean(story.hook),
            flag=clean(story.flag),
            country=without_brackets(clean(story.country_name)),
            source=clean(story.source),
            source_url=web_address(story.original_url),
            source_label=without_brackets(clean(f"{story.source}, original of: {story.headline}")),
            date=_date(story.published_at, eyes.zone),
            badge=_badge(story.published_at, fresh, eyes),
            freshness=fresh,
            lines=_lines(placed),
            extras=_extras(story, eyes.audience) if placed.form == "lead" else (),
        )
    except ReservedText as error:
        raise UnfitStory(f"Story “{story.slug}”: {error}") from error


def _lines(placed: Placed) -> tuple[Line, ...]:
    story = placed.story
    lines = [Line("Why it matters", clean(placed.why))]
    if placed.form != "brief":
        lines = [
            Line("What changed", clean(next(iter(story.what_changed), ""))),
            *lines,
            Line("What to do next", clean(story.what_to_do_next)),
            Line("Who should care", clean(", ".join(label for _, label in story.audiences))),
        ]
    return tuple(line for line in lines if line.text)


def _extras(story: StoryCopy, audience: str) -> tuple[Line, ...]:
    """One takeaway, and one technical point for those who build; predictions stay on the story's page."""
    extras = [Line("Key takeaway", clean(text)) for text in story.takeaways[:1]]
    if audience in _TECHNICAL_READERS:
        extras += [Line(f"Under the hood, {clean(point.lead)}", clean(point.text)) for point in story.technical[:1]]
    return tuple(extras)


def _date(moment: datetime | None, zone: tzinfo) -> str:
    if moment is None:
        return ""
    local = moment.astimezone(zone)
    return f"{local.day} {local:%b %Y}"


def _badge(published_at: datetime | None, fresh: Freshness, eyes: Eyes) -> str:
    if published_at is None:
        return "Undated"
    if fresh == "stale":
        return "Stale"
    if fresh == "fresh":
        same_day = published_at.astimezone(eyes.zone).date() == eyes.now.astimezone(eyes.zone).date()
        return "New today" if same_day else "New"
    days = max(1, (eyes.now - published_at).days)
    return "1 day old" if days == 1 else f"{days} days old"

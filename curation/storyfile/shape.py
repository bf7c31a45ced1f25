"""The shape of a story file, story/1: one pydantic model for each of its parts.

Only content is kept. What belongs to templates (icons, titles, fixed lines) or is computed when shown (freshness, flag,
labels) is named in ORNAMENTS: a file may hold it, and it is left behind. Whatever a model does not name is refused.
"""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from curation.models.claim import AUDIENCE_FORM_LIMIT, LEAD_LIMITS, LIMITS, MOST, Kind
from curation.models.insight import CELL, COLUMNS, ROWS
from curation.storyfile.words import Address, Country, EventDate, Moment, line, text

Slug = Annotated[str, line(80), StringConstraints(pattern=r"^[a-z0-9-]+$")]
Status = Literal[
    "new", "grouped", "drafted", "in_review", "approved", "scheduled", "published", "corrected", "withdrawn", "spiked"
]
Cell = Annotated[str, line(CELL)]


def _at_most(kind: str) -> Any:
    return Field(default=[], max_length=MOST[kind])


class Part(BaseModel):
    """A part of the file: unknown fields are refused, ornaments dropped, values never bent into another type."""

    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)
    ORNAMENTS: ClassVar[frozenset[str]] = frozenset()

    @model_validator(mode="before")
    @classmethod
    def _leave_ornaments(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        return {key: value for key, value in data.items() if key not in cls.ORNAMENTS}

    @classmethod
    def known(cls) -> list[str]:
        """The names this part may hold, its own first."""
        return [field.alias or name for name, field in cls.model_fields.items()] + sorted(cls.ORNAMENTS)


class SourcePart(Part):
    ORNAMENTS = frozenset({"flag", "url_note"})
    name: Annotated[str, line(80)]
    country: Country | None = None
    url: Address | None = None


class Collected(Part):
    ORNAMENTS = frozenset({"label"})
    minutes: Annotated[int, Field(ge=0, le=5_256_000)]  # ten years


class Hook(Part):
    ORNAMENTS = frozenset({"icon"})
    text: Annotated[str, line(120)]


class Care(Part):
    ORNAMENTS = frozenset({"label"})
    code: Annotated[str, line(40)]


class Tldr(Part):
    ORNAMENTS = frozenset({"icon", "title"})
    what_changed: Annotated[
        list[Annotated[str, line(LIMITS[Kind.WHAT_CHANGED])]], Field(min_length=1, max_length=MOST[Kind.WHAT_CHANGED])
    ]
    why_it_matters: Annotated[str, line(LIMITS[Kind.WHY_IT_MATTERS])]
    why_it_matters_for: dict[str, Annotated[str, line(AUDIENCE_FORM_LIMIT)]] = {}
    what_to_do_next: Annotated[str, line(140)] | None = None
    who_should_care: Annotated[list[Care], Field(min_length=1, max_length=3)]


class Takeaways(Part):
    ORNAMENTS = frozenset({"icon", "title", "disclosure"})
    items: list[Annotated[str, line(LIMITS[Kind.TAKEAWAY])]] = _at_most(Kind.TAKEAWAY)


class Row(Part):
    feature: Cell
    cells: list[Cell]


class Comparison(Part):
    ORNAMENTS = frozenset({"icon", "title", "toggle", "collapsed"})
    corner: Annotated[str, line(20)] = "Feature"
    columns: Annotated[list[Cell], Field(min_length=COLUMNS[0], max_length=COLUMNS[1])]
    rows: Annotated[list[Row], Field(min_length=ROWS[0], max_length=ROWS[1])]


class Technical(Part):
    term: Annotated[str, line(LEAD_LIMITS[Kind.TECHNICAL])]
    explanation: Annotated[str, line(LIMITS[Kind.TECHNICAL])]


class DeepDive(Part):
    ORNAMENTS = frozenset({"icon", "title", "disclosure"})
    items: list[Technical] = _at_most(Kind.TECHNICAL)


class Implication(Part):
    prediction: Annotated[str, line(LEAD_LIMITS[Kind.IMPLICATION])]
    rationale: Annotated[str, line(LIMITS[Kind.IMPLICATION])]


class Implications(Part):
    ORNAMENTS = frozenset({"icon", "title", "disclosure"})
    items: list[Implication] = _at_most(Kind.IMPLICATION)


class Happening(Part):
    date: EventDate
    text: Annotated[str, line(140)]
    planned: bool = False


class Timeline(Part):
    ORNAMENTS = frozenset({"icon", "title", "disclosure"})
    items: list[Happening] = Field(default=[], max_length=8)


class DeepInsight(Part):
    ORNAMENTS = frozenset({"icon", "title", "disclosure"})
    ai_generated: bool = False
    key_takeaways: Takeaways = Takeaways()
    competitor_analysis: Comparison | None = None
    technical_deep_dive: DeepDive = DeepDive()
    future_implications: Implications = Implications()
    timeline: Timeline = Timeline()


class Citation(Part):
    claim: Annotated[str, line(80)]
    source: Annotated[str, line(80)]
    quote: Annotated[str, text(400)]
    start: Annotated[int, Field(ge=0)]
    end: Annotated[int, Field(ge=1)]
    text_hash: Annotated[str, line(80)]


class RelatedItem(Part):
    ORNAMENTS = frozenset({"headline"})  # the other story's own
    slug: Slug


class Related(Part):
    ORNAMENTS = frozenset({"icon", "title", "disclosure"})
    items: list[RelatedItem] = Field(default=[], max_length=5)


class ArticlePart(Part):
    key: Annotated[str, line(80)]
    kind: Literal["published", "desk_note"] = "published"
    title: Annotated[str, line(300)] | None = None
    language: Annotated[str, line(12), StringConstraints(pattern=r"^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$")] = "en"
    text: Annotated[str, text(900_000)]
    url: Address | None = None


class StoryFile(Part):
    """A whole story as read; equal files are equal values."""

    ORNAMENTS = frozenset({"freshness", "recap_promo", "footer", "provenance", "transcription"})
    form: Annotated[Literal["story/1"], Field(alias="schema")]
    slug: Slug
    status: Status = "new"
    source: SourcePart
    original_url: Address | None = None
    original_headline: Annotated[str, line(300)] | None = None
    published_at: Moment | None = None
    published_estimated: bool = False
    collected_at: Moment | None = None
    collected: Collected | None = None
    headline: Annotated[str, line(90)]
    hook: Hook
    tldr: Tldr
    deep_insight: DeepInsight = DeepInsight()
    citations: list[Citation] = Field(default=[], max_length=200)
    related_updates: Related = Related()
    articles: list[ArticlePart] = Field(default=[], max_length=20)

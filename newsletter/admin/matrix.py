"""Who sees what: an edition's stories against the newsletter's segments."""

from dataclasses import dataclass

from curation.catalog import StoryCopy
from newsletter.editions.variants import Entry, Placed, arrange
from newsletter.models import Edition, Segment


@dataclass(frozen=True)
class Cell:
    place: int  # in that segment's reading order, from 1
    form: str
    ours: bool


@dataclass(frozen=True)
class Column:
    name: str
    slug: str
    own: int
    other: int


@dataclass(frozen=True)
class Row:
    headline: str
    cells: list[Cell]


@dataclass(frozen=True)
class Matrix:
    columns: list[Column]
    rows: list[Row]


def matrix(edition: Edition) -> Matrix:
    """A column for each segment, a row for each story in the editors' order."""
    items = list(edition.items.all())
    entries = [Entry(StoryCopy.from_data(item.copy), item.form) for item in items]  # type: ignore[arg-type]
    sights = [(segment, arrange(entries, audience=segment.audience)) for segment in segments_of(edition)]
    columns = [_column(segment, placed) for segment, placed in sights]
    places = [_cells(placed) for _, placed in sights]
    rows = [Row(entry.story.headline, [cells[entry.story.id] for cells in places]) for entry in entries]
    return Matrix(columns, rows)


def segments_of(edition: Edition) -> list[Segment]:
    return list(edition.newsletter.segments.all())


def _column(segment: Segment, placed: list[Placed]) -> Column:
    own = sum(each.ours for each in placed)
    return Column(segment.name, segment.slug, own, len(placed) - own)


def _cells(placed: list[Placed]) -> dict[int, Cell]:
    return {each.story.id: Cell(place, each.form, each.ours) for place, each in enumerate(placed, start=1)}

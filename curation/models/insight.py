"""The parts of a story's deep insight that are not claims: the comparison and the timeline."""

from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from simple_history.models import HistoricalRecords

from curation.models.claim import Origin
from curation.models.story import Story
from curation.models.text import one_line

COLUMNS = (2, 4)
ROWS = (1, 6)
CELL = 60


class ComparisonTable(models.Model):
    """The subject against its competitors: `columns` is a list of names, `rows` of {"feature", "cells"}."""

    story = models.OneToOneField(Story, on_delete=models.CASCADE, related_name="table")
    corner = models.CharField(max_length=20, default="Feature", validators=[one_line])
    columns = models.JSONField()
    rows = models.JSONField()
    origin = models.CharField(max_length=10, choices=Origin, default=Origin.EDITOR, editable=False)

    history = HistoricalRecords()

    def __str__(self) -> str:
        return " / ".join(self.columns)

    def clean(self) -> None:
        problems = table_problems(self.columns, self.rows)
        if problems:
            raise ValidationError(problems)


def table_problems(columns: Any, rows: Any) -> list[str]:
    """What is wrong with a table, in words an editor can act on; an empty list when it is sound."""
    if not isinstance(columns, list) or not COLUMNS[0] <= len(columns) <= COLUMNS[1]:
        return [f"A comparison has {COLUMNS[0]} to {COLUMNS[1]} columns, the subject first."]
    if not isinstance(rows, list) or not ROWS[0] <= len(rows) <= ROWS[1]:
        return [f"A comparison has {ROWS[0]} to {ROWS[1]} rows."]
    problems = [*_cell_problems("Heading", columns)]
    for number, row in enumerate(rows, start=1):
        if not isinstance(row, dict) or set(row) != {"feature", "cells"} or not isinstance(row["cells"], list):
            problems.append(f"Row {number} must have a feature and a list of cells.")
            continue
        if len(row["cells"]) != len(columns):
            problems.append(f"Row {number} has {len(row['cells'])} cells; there are {len(columns)} columns.")
        problems += _cell_problems(f"Row {number}", [row["feature"], *row["cells"]])
    return problems


def _cell_problems(where: str, cells: list[Any]) -> list[str]:
    problems = []
    for cell in cells:
        if not isinstance(cell, str) or not cell.strip():
            problems.append(f"{where} has an empty cell; write “–” where nothing is known.")
        elif len(cell) > CELL:
            problems.append(f"{where}: “{cell[:20]}…” has {len(cell)} characters; a cell holds {CELL}.")
        elif not cell.isprintable():
            problems.append(f"{where}: a cell holds a line break or a control character.")
    return problems


class TimelineEvent(models.Model):
    """What happened when; the date is as precise as is known: year, month or day."""

    story = models.ForeignKey(Story, on_delete=models.CASCADE, related_name="events")
    date = models.CharField(
        max_length=10,
        validators=[
            RegexValidator(
                r"\A\d{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?)?\Z",
                "Write the date as YYYY, YYYY-MM or YYYY-MM-DD.",
            )
        ],
        help_text="YYYY, YYYY-MM or YYYY-MM-DD, as far as it is known.",
    )
    text = models.CharField(max_length=140, validators=[one_line])
    planned = models.BooleanField(default=False, help_text="It has not happened yet.")
    position = models.PositiveSmallIntegerField(default=0)
    origin = models.CharField(max_length=10, choices=Origin, default=Origin.EDITOR, editable=False)

    history = HistoricalRecords()

    class Meta:
        ordering = ["position", "id"]

    def __str__(self) -> str:
        return f"{self.date}: {self.text}"


def order_problems(events: Iterable[tuple[int, str, bool]], *, until: date) -> Iterator[tuple[int, str]]:
    """What is wrong with the order of (number, date, planned): (number, reason) for each event out of place.

    Dates of unlike precision are compared as far as both go: 2024 may stand before or after 2024-03. What lies after
    `until` is refused unless it is marked as planned. Dates that are no dates are passed over.
    """
    latest = ""
    for number, written, planned in events:
        first = _first_day(written)
        if first is None:
            continue
        both = min(len(written), len(latest))
        if written[:both] < latest[:both]:
            yield number, f"{written} stands after {latest}; put the events in the order of time"
        else:
            latest = written
        if first > until and not planned:
            yield number, f"{written} lies after {until.isoformat()}; mark it as planned if it has not happened yet"


def _first_day(written: str) -> date | None:
    try:
        return date.fromisoformat(written + "-01-01"[len(written) - 4 :] if len(written) in (4, 7) else written)
    except ValueError:
        return None

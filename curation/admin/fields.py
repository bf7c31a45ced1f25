"""Form fields of the desk: text with a counter, and the comparison as a grid."""

import re
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from unfold.widgets import UnfoldAdminTextareaWidget

from curation.models import ComparisonTable
from curation.models.insight import table_problems

_BAR = re.compile(r"(?<!\\)\|")  # a bar in a cell is written \|
MOST_CHARACTERS = 20_000


def count_characters(field: forms.Field, limit: int) -> forms.Field:
    """Let the page count towards the limit. The browser's own maxlength goes: it cuts pasted text without a word."""
    field.widget.attrs.pop("maxlength", None)
    field.widget.attrs["data-limit"] = str(limit)
    return field


def small_text(rows: int = 2) -> forms.Widget:
    """A line of text that may be longer than the screen is wide."""
    return UnfoldAdminTextareaWidget(attrs={"rows": rows, "data-one-line": ""})


class GridField(forms.CharField):
    """A comparison as text: a line a row, cells parted by " | ", the first line the corner and the columns.

    Cleans to {"corner", "columns", "rows"}, or None when empty. What cannot be read is shown again as it was typed.
    """

    def __init__(self, **kwargs: Any) -> None:
        widget = UnfoldAdminTextareaWidget(attrs={"rows": 8, "data-grid": "", "wrap": "off", "spellcheck": "false"})
        super().__init__(required=False, widget=widget, **kwargs)

    def clean(self, value: Any) -> dict[str, Any] | None:
        text = super().clean(value)
        if len(text) > MOST_CHARACTERS:
            raise ValidationError(f"This has {len(text):,} characters; a comparison has {MOST_CHARACTERS:,} at most.")
        lines = [[_cell(cell) for cell in _BAR.split(line)] for line in text.splitlines() if line.strip(" |")]
        if not lines:
            return None
        head, *body = lines
        table = {
            "corner": head[0],
            "columns": head[1:],
            "rows": [{"feature": row[0], "cells": row[1:]} for row in body],
        }
        problems = table_problems(table["columns"], table["rows"])
        if not 1 <= len(head[0]) <= 20:
            problems.insert(0, f"The corner has {len(head[0])} characters; it has 1 to 20.")
        if problems:
            raise ValidationError(problems)
        return table


def _cell(text: str) -> str:
    return text.strip().replace("\\|", "|")


def grid_text(table: ComparisonTable | None) -> str:
    """The comparison as GridField reads it."""
    if table is None:
        return ""
    lines = [[table.corner, *table.columns], *([row["feature"], *row["cells"]] for row in table.rows)]
    return "\n".join(" | ".join(cell.replace("|", "\\|") for cell in line) for line in lines)

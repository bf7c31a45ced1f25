"""A campaign's deliveries as CSV (RFC 4180), for spreadsheets and scripts, in memory that does not grow with them."""

import csv
import io
from collections.abc import Iterator
from datetime import datetime

from newsletter.models import Campaign, Delivery

ALL = "all"
STATES = (ALL, *Delivery.State.values)
BATCH = 2_000
HEADINGS = (
    "number",
    "email",
    "segment",
    "state",
    "attempts",
    "doubts",
    "words",
    "settled_at",
    "next_attempt_at",
    "doubted_at",
    "bounced_at",
    "complained_at",
    "clicked_at",
    "left_at",
    "message_id",
)
_FIELDS = (
    "number",
    "subscriber__email",
    "variant__name",
    "state",
    "attempts",
    "doubts",
    "reply",
    *HEADINGS[7:14],
    "message_id",
)
_FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠", "\t", "\r", "\n")  # the wide ones are read alike in East Asia


def csv_parts(campaign: Campaign, state: str = ALL) -> Iterator[str]:
    """The headings, then some thousand lines at a time; moments in UTC (ISO 8601). `state` is one of STATES.

    Read batch by batch along the deliveries' numbers: no transaction and no cursor stays open while a slow reader
    downloads a million of them in the middle of a sending. Each delivery comes once, as it stands at its moment.
    """
    rows = Delivery.objects.filter(campaign=campaign).order_by("number")
    if state != ALL:
        rows = rows.filter(state=state)
    yield _lines([HEADINGS])
    last = -1
    while batch := list(rows.filter(number__gt=last).values_list(*_FIELDS)[:BATCH]):
        yield _lines(batch)
        last = batch[-1][0]


def _lines(rows: "list[tuple[object, ...]]") -> str:
    text = io.StringIO()
    csv.writer(text).writerows([_cell(value) for value in row] for row in rows)
    return text.getvalue()


def _cell(value: object) -> object:
    """A server's words, or an address, that a spreadsheet would run as a formula are made plain text (OWASP)."""
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return "" if value is None else value

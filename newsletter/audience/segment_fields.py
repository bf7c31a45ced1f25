"""What a segment's rule may ask of a reader: each field with its comparisons, what they accept, find and read as.

To add a field, add one `Field` to FIELDS: nothing else knows them by name.
"""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.db.models import Exists, OuterRef, Q

from newsletter.models import Interest, Subscriber, Subscription

MOST_VALUES = 50
MOST_DAYS = 36_500
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_EARLIEST, _LATEST = date(2000, 1, 1), date(2100, 1, 1)

Wrong = str  # completes a complaint after the value's place: " must be ...", "[2] must be ..."; empty: all is well


@dataclass(frozen=True)
class Field:
    """`find` gives the condition over Subscription rows; `words` completes the sentence "readers who ..."."""

    accept: Mapping[str, Callable[[Any], Wrong]]  # comparison -> the check of its value
    find: Callable[[str, Any, datetime], Q]
    words: Callable[[str, Any, Mapping[str, str]], str]  # the mapping: audience code -> label
    choices: Collection[str] = ()


def _is_word(value: Any) -> Wrong:
    if not isinstance(value, str) or not value or len(value) > 40 or not value.isprintable():
        return " must be a text of 1 to 40 characters on one line"
    return ""


def _is_words(value: Any) -> Wrong:
    if not isinstance(value, list) or not 1 <= len(value) <= MOST_VALUES:
        return f" must be a list of 1 to {MOST_VALUES} texts"
    return next((f"[{place}]{wrong}" for place, each in enumerate(value) if (wrong := _is_word(each))), "")


def _is_depth(value: Any) -> Wrong:
    if value not in Subscription.Depth.values:
        return f" must be one of {', '.join(Subscription.Depth.values)}"
    return ""


def _is_depths(value: Any) -> Wrong:
    return _is_words(value) or next((f"[{n}]{wrong}" for n, each in enumerate(value) if (wrong := _is_depth(each))), "")


def _is_day(value: Any) -> Wrong:
    wrong = " must be a day from 2000 to 2099, written as 2026-11-19"
    if not isinstance(value, str) or not _DAY.fullmatch(value):
        return wrong
    try:
        return "" if _EARLIEST <= date.fromisoformat(value) < _LATEST else wrong
    except ValueError:
        return wrong


def _is_days(value: Any) -> Wrong:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MOST_DAYS:
        return f" must be a whole number of days from 1 to {MOST_DAYS}"
    return ""


def _is_yes_or_no(value: Any) -> Wrong:
    return "" if isinstance(value, bool) else " must be true or false"


def _find_audience(_op: str, value: list[str], _now: datetime) -> Q:
    return Q(Exists(Interest.objects.filter(subscription=OuterRef("pk"), audience__in=value)))


def _find_language(op: str, value: Any, _now: datetime) -> Q:
    return _of_subscriber(Q(language__in=_listed(op, value)))


def _find_named(_op: str, value: bool, _now: datetime) -> Q:
    return _of_subscriber(~Q(name="") if value else Q(name=""))


def _find_joined(op: str, value: Any, now: datetime) -> Q:
    if op == "within_days":
        return Q(confirmed_at__gte=now - timedelta(days=value))
    midnight = datetime.combine(date.fromisoformat(value), time(), tzinfo=UTC)
    return Q(confirmed_at__lt=midnight) if op == "before" else Q(confirmed_at__gte=midnight + timedelta(days=1))


def _of_subscriber(condition: Q) -> Q:
    """A subquery and not a join, so that the same condition serves SELECT, UPDATE and INSERT ... SELECT."""
    return Q(Exists(Subscriber.objects.filter(condition, pk=OuterRef("subscriber_id"))))


def _column(name: str) -> Callable[[str, Any, datetime], Q]:
    return lambda op, value, _now: Q(**{f"{name}__in": _listed(op, value)})


def _listed(op: str, value: Any) -> list[str]:
    return value if op == "in" else [value]


def _or(op: str, value: Any, labels: Mapping[str, str]) -> str:
    return " or ".join(str(labels.get(each, each)) for each in _listed(op, value))


def _joined_in_words(op: str, value: Any, _labels: Mapping[str, str]) -> str:
    if op == "within_days":
        return "joined in the last day" if value == 1 else f"joined in the last {value} days"
    day = date.fromisoformat(value)
    return f"joined {op} {day.day} {day:%B %Y}"


FIELDS: Mapping[str, Field] = {
    "audience": Field(
        accept={"in": _is_words},
        find=_find_audience,
        words=lambda op, value, labels: f"asked for {_or(op, value, labels)}",
    ),
    "language": Field(
        accept={"is": _is_word, "in": _is_words},
        find=_find_language,
        words=lambda op, value, _: f"read in {_or(op, value, {})}",
    ),
    "joined": Field(
        accept={"before": _is_day, "after": _is_day, "within_days": _is_days},
        find=_find_joined,
        words=_joined_in_words,
    ),
    "origin": Field(
        accept={"is": _is_word, "in": _is_words},
        find=_column("origin"),
        words=lambda op, value, _: f"came by {_or(op, value, {})}",
    ),
    "depth": Field(
        accept={"is": _is_depth, "in": _is_depths},
        find=_column("depth"),
        words=lambda op, value, _: f"chose the depth {_or(op, value, dict(Subscription.Depth.choices))}",
    ),
    "named": Field(
        accept={"is": _is_yes_or_no},
        find=_find_named,
        words=lambda _op, value, _: "gave a name" if value else "gave no name",
    ),
}

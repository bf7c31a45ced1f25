"""The kinds of value in a story file, each refusing what the desk would refuse (pure)."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Annotated

from django.core.exceptions import ValidationError
from django.core.validators import URLValidator
from django_countries import countries
from pydantic import AfterValidator, BeforeValidator, PlainSerializer

from curation.models.text import one_line, plain_text

_http = URLValidator(schemes=["http", "https"])
_DATE = re.compile(r"\A\d{4}(-\d{2}(-\d{2})?)?\Z")


def line(limit: int) -> AfterValidator:
    """One line of plain text of at most so many characters; white space around it is dropped."""

    def check(value: str) -> str:
        value = value.strip(" ")
        reasons = [] if value else ["is empty"]
        if len(value) > limit:
            reasons.append(f"has {len(value)} characters; {limit} at most")
        if control := _control(value, _on_one_line):
            reasons.append(f"holds {control}; keep it on one line, without control characters")
        return _or_refuse(value, reasons)

    return AfterValidator(check)


def text(limit: int) -> AfterValidator:
    """Plain text that may run over several lines; kept to the letter, since quotes count its characters."""

    def check(value: str) -> str:
        reasons = [] if value.strip() else ["is empty"]
        if len(value) > limit:
            reasons.append(f"has {len(value):,} characters; {limit:,} at most")
        if control := _control(value, _plain):
            reasons.append(f"holds {control}; control characters are not allowed")
        return _or_refuse(value, reasons)

    return AfterValidator(check)


def _on_one_line(sign: str) -> bool:
    return bool(re.match(one_line.regex, sign))


def _plain(sign: str) -> bool:
    return bool(re.match(plain_text.regex, sign))


def _or_refuse(value: str, reasons: list[str]) -> str:
    if reasons:
        raise ValueError("; ".join(reasons))
    return value


def _control(value: str, allowed: Callable[[str], bool]) -> str:
    if allowed(value):
        return ""
    return next(f"U+{ord(sign):04X} at {at}" for at, sign in enumerate(value) if not allowed(sign))


def _address(value: str) -> str:
    value = value.strip()
    if len(value) > 500:
        raise ValueError(f"has {len(value)} characters; 500 at most")
    try:
        _http(value)
    except ValidationError:
        raise ValueError(f"“{value[:60]}” is not an http or https address") from None
    return value


def _country(value: str) -> str:
    if value not in countries:
        raise ValueError(f"“{value[:20]}” is not a country of ISO 3166; write two capital letters such as FR")
    return value


def _event_date(value: str) -> str:
    if not _DATE.match(value):
        raise ValueError(f"“{value[:20]}” is not a date; write YYYY, YYYY-MM or YYYY-MM-DD")
    try:
        first_day(value)
    except ValueError:
        raise ValueError(f"“{value}” is not in the calendar") from None
    return value


def first_day(value: str) -> date:
    """The first day that a date of year, month or day precision covers."""
    return date.fromisoformat(value + "-01-01"[len(value) - 4 :])


def _read_moment(value: object) -> datetime:
    try:
        moment = datetime.fromisoformat(str(value)) if isinstance(value, str) else None
    except ValueError:
        moment = None
    if moment is None:
        raise ValueError(f"“{str(value)[:30]}” is not a moment; write for example 2026-11-19T09:00:00Z")
    if moment.tzinfo is None:
        raise ValueError(f"“{value}” has no offset from UTC; write for example {moment:%Y-%m-%d}T09:00:00Z")
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError(f"“{value}” lies outside the calendar") from None


def write_moment(moment: datetime) -> str:
    """A moment as story files write it, in UTC."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


Address = Annotated[str, AfterValidator(_address)]
Country = Annotated[str, AfterValidator(_country)]
EventDate = Annotated[str, AfterValidator(_event_date)]
Moment = Annotated[datetime, BeforeValidator(_read_moment), PlainSerializer(write_moment)]

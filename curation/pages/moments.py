"""Moments as a reader reads them: the day in words, and how long ago that is (pure)."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

_STEPS = (  # (up to this age, length of the unit, its name)
    (timedelta(days=1), timedelta(hours=1), "hour"),
    (timedelta(days=60), timedelta(days=1), "day"),
    (timedelta(days=730), timedelta(days=30.44), "month"),
    (timedelta.max, timedelta(days=365.25), "year"),
)


@dataclass(frozen=True)
class Moment:
    """`machine` is for <time datetime>, `words` the day in UTC, `ago` the age when shown (empty for the future)."""

    machine: str
    words: str
    ago: str
    estimated: bool = False


def moment(at: datetime | None, *, now: datetime, estimated: bool = False) -> Moment | None:
    """The moment as shown at `now`; an estimated one is only a day, to the machine as to the reader."""
    if at is None:
        return None
    at = at.astimezone(UTC)
    machine = at.date().isoformat() if estimated else at.strftime("%Y-%m-%dT%H:%M:%SZ")
    return Moment(machine, day(at), ago(now - at), estimated)


def day(at: datetime) -> str:
    return f"{at.day} {at:%B %Y}"


def ago(age: timedelta) -> str:
    """The age in its largest full unit: “3 hours ago”; empty for what has not happened yet."""
    if age < timedelta(0):
        return ""
    if age < timedelta(hours=1):
        return "less than an hour ago"
    unit, name = next((unit, name) for limit, unit, name in _STEPS if age < limit)
    count = int(age / unit)
    return f"{count} {name}{'' if count == 1 else 's'} ago"

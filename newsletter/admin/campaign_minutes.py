"""The last half hour of a campaign, minute by minute: bars to look at, and the same numbers as a table."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from newsletter.sending.progress import MINUTE, MOST_MINUTES, Minute

HEIGHT = 100  # of the highest bar
LEAST = 2  # what is there is seen


@dataclass(frozen=True)
class Bar:
    """Of one minute: where it stands, and how high its parts reach, failures at the foot."""

    x: int
    failed: int
    sent: int

    @property
    def failed_y(self) -> int:
        return HEIGHT - self.failed

    @property
    def sent_y(self) -> int:
        return HEIGHT - self.failed - self.sent


@dataclass(frozen=True)
class Row:
    """A minute on the newsletter's clocks, its numbers as they are shown."""

    clock: str
    sent: str
    refused: str
    deferred: str
    doubtful: str
    other: str


@dataclass(frozen=True)
class Chart:
    label: str
    bars: list[Bar]
    rows: list[Row]  # the newest first


def chart_of(minutes: list[Minute], *, zone: str, now: datetime) -> Chart | None:
    """None while there is less than two minutes to tell of."""
    if len(minutes) < 2:
        return None
    first = now.replace(second=0, microsecond=0) - (MOST_MINUTES - 1) * MINUTE
    most = max(each.sent + _failed(each) for each in minutes) or 1
    best = max(minutes, key=lambda each: each.sent)
    return Chart(
        label=f"Sent in each of the last {MOST_MINUTES} minutes; at most {best.sent:,}, at {_clock(best.at, zone)}.",
        bars=[_bar(each, first, most) for each in minutes if each.at >= first],
        rows=[_row(each, zone) for each in reversed(minutes)],
    )


def _bar(minute: Minute, first: datetime, most: int) -> Bar:
    failed = _height(_failed(minute), most)
    return Bar(x=(minute.at - first) // MINUTE, failed=failed, sent=min(_height(minute.sent, most), HEIGHT - failed))


def _row(minute: Minute, zone: str) -> Row:
    numbers = (minute.sent, minute.refused, minute.deferred, minute.doubtful, minute.other)
    return Row(_clock(minute.at, zone), *(f"{number:,}" for number in numbers))


def _failed(minute: Minute) -> int:
    return minute.refused + minute.deferred + minute.doubtful


def _height(number: int, most: int) -> int:
    return max(LEAST, round(HEIGHT * number / most)) if number else 0


def _clock(moment: datetime, zone: str) -> str:
    return f"{moment.astimezone(ZoneInfo(zone)):%H:%M}"

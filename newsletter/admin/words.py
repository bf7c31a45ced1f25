"""Moments and numbers as people say them."""

from datetime import datetime
from itertools import islice
from zoneinfo import ZoneInfo

from newsletter.models import Newsletter
from newsletter.sending import warmup

DAYS_SHOWN, MOST_DAYS = 14, 366
MINUTE, HOUR, DAY = 60, 3600, 86400


def until(moment: datetime, *, now: datetime) -> str:
    """How far off: "in 2 days", "in 19 h", "5 min ago"."""
    seconds = int((moment - now).total_seconds())
    distance = _distance(abs(seconds))
    if distance == "now":
        return "now"
    return f"in {distance}" if seconds > 0 else f"{distance} ago"


def at(moment: datetime, *, zone: str) -> str:
    """The moment on the zone's clocks: "Thursday 26 November 09:00 Europe/Brussels"."""
    local = moment.astimezone(ZoneInfo(zone))
    return f"{local:%A} {local.day} {local:%B %H:%M} {zone}"


def slot(moment: datetime, *, zone: str, now: datetime) -> str:
    """Both: "Thursday 26 November 09:00 Europe/Brussels (in 2 days)"."""
    return f"{at(moment, zone=zone)} ({until(moment, now=now)})"


def count(number: int, one: str, many: str = "") -> str:
    """ "1 reader", "4,812 readers"."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def warm_up(newsletter: Newsletter, readers: int) -> list[str]:
    """The warm-up plan, a line a day, and when a campaign to all readers ends that begins with it."""
    lines: list[str] = []
    sent, ends = 0, None
    for day, limit in islice(warmup.plan(newsletter, readers=readers), MOST_DAYS):
        if len(lines) < DAYS_SHOWN:
            lines.append(f"{day:%A} {day.day} {day:%B}: {count(limit, 'message')}")
        sent += limit
        ends = ends or (day if sent >= readers else None)
    if ends is None:
        return [*lines, f"A campaign to {count(readers, 'reader')} would take more than {MOST_DAYS} days."]
    days = (ends - newsletter.warm_up_from).days + 1 if newsletter.warm_up_from else 1
    taken = f"would take {count(days, 'day')} and end on {ends.day} {ends:%B}"
    return [*lines, f"A campaign to {count(readers, 'reader')} that begins on the first day {taken}."]


def _distance(seconds: int) -> str:
    if seconds < MINUTE:
        return "now"
    if seconds < HOUR:
        return f"{seconds // MINUTE} min"
    if seconds < 2 * DAY:
        return f"{round(seconds / HOUR)} h"
    return f"{round(seconds / DAY)} days"

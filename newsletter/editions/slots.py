"""When a weekly slot falls (pure)."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo


def next_slot(*, weekday: int, wall_time: time, zone: str, after: datetime) -> datetime:
    """The first slot later than `after`, in UTC. `weekday` counts from Monday = 0; `zone` is an IANA name.

    There is exactly one slot in every week: where the clock skips the wall time, the first moment after the gap; where
    it shows it twice, the first of the two.
    """
    place = ZoneInfo(zone)
    day = after.astimezone(place).date() - timedelta(days=1)  # a slot moved by a gap may belong to yesterday
    day += timedelta(days=(weekday - day.weekday()) % 7)
    while (slot := moment(day, wall_time, place)) <= after:
        day += timedelta(days=7)
    return slot


def moment(day: date, wall_time: time, place: ZoneInfo) -> datetime:
    """The moment in UTC at which clocks in the place show the wall time on that day, by the rule of `next_slot`."""
    shown = datetime.combine(day, wall_time.replace(tzinfo=None, fold=0), tzinfo=place)
    exact = shown.astimezone(UTC)
    if exact.astimezone(place).replace(tzinfo=None) == shown.replace(tzinfo=None):
        return exact
    return _end_of_gap(before=shown.replace(fold=1).astimezone(UTC), beyond=exact, place=place)


def _end_of_gap(*, before: datetime, beyond: datetime, place: ZoneInfo) -> datetime:
    """The instant between the two at which the offset changes; changes fall on whole seconds."""
    offset = before.astimezone(place).utcoffset()
    early, late = int(before.timestamp()), int(beyond.timestamp())
    while late - early > 1:
        middle = (early + late) // 2
        if datetime.fromtimestamp(middle, place).utcoffset() == offset:
            early = middle
        else:
            late = middle
    return datetime.fromtimestamp(late, UTC)

from datetime import UTC, datetime, time, timedelta
from itertools import product
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newsletter.editions.plan import next_slot

ZONES = sorted(available_timezones() - {"localtime", "Factory"})
WEEK = timedelta(days=7)

plans = st.fixed_dictionaries(
    {
        "weekday": st.integers(0, 6),
        "wall_time": st.builds(time, st.integers(0, 23), st.sampled_from([0, 1, 15, 30, 59])),
        "zone": st.sampled_from(ZONES),
    }
)
moments = st.datetimes(datetime(2020, 1, 1), datetime(2035, 12, 31)).map(lambda moment: moment.replace(tzinfo=UTC))


def shows(slot: datetime, zone: str) -> datetime:
    return slot.astimezone(ZoneInfo(zone)).replace(tzinfo=None)


def exists(wall: datetime, zone: str) -> bool:
    return shows(wall.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC), zone) == wall


@settings(max_examples=400, deadline=None)
@given(plans, moments)
def test_slots_are_weekly_whatever_the_clocks_do(plan, after):
    slot = next_slot(**plan, after=after)
    following = next_slot(**plan, after=slot)

    assert after < slot <= after + WEEK + timedelta(hours=25)
    assert next_slot(**plan, after=slot - timedelta(seconds=1)) == slot
    days_apart = following.astimezone(ZoneInfo(plan["zone"])).date() - slot.astimezone(ZoneInfo(plan["zone"])).date()
    assert timedelta(days=6) <= days_apart <= timedelta(days=8)
    assert abs(following - slot - WEEK) <= timedelta(hours=4)


@settings(max_examples=400, deadline=None)
@given(plans, moments)
def test_the_wall_time_is_right_whenever_it_exists(plan, after):
    slot = next_slot(**plan, after=after)
    shown = shows(slot, plan["zone"])
    wall = datetime.combine(shown.date(), plan["wall_time"])

    if shown != wall:
        assert not exists(wall, plan["zone"]) or wall.date() != shown.date()
        just_before = shows(slot - timedelta(seconds=1), plan["zone"])
        assert just_before < wall < shown or just_before.date() < shown.date()
    else:
        assert shown.weekday() == plan["weekday"]
        earlier = slot - timedelta(hours=3)
        assert all(shows(earlier + timedelta(minutes=15 * step), plan["zone"]) != wall for step in range(12)), (
            "of a wall time shown twice, the first is the slot"
        )


def _changes() -> dict[tuple[datetime, timedelta, timedelta], str]:
    """Every change of clocks in 2026 on earth, each with one of the zones that have it."""
    found = {}
    for zone in ZONES:
        place = ZoneInfo(zone)
        days = [datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=number) for number in range(366)]
        offsets = [day.astimezone(place).utcoffset() for day in days]
        for day, before, after in zip(days[1:], offsets, offsets[1:], strict=False):
            if before != after:
                found[day, before, after] = zone
    return found


def test_every_change_of_clocks_on_earth_keeps_one_slot_in_each_week():
    for (change, _, _), zone in _changes().items():
        for hour, days in product(range(24), (0, 1)):
            weekday = (change - timedelta(days=days)).astimezone(ZoneInfo(zone)).weekday()
            slots = [change - timedelta(days=15)]
            for _ in range(5):
                slots.append(next_slot(weekday=weekday, wall_time=time(hour, 30), zone=zone, after=slots[-1]))
            gaps = {later - sooner for sooner, later in zip(slots[1:], slots[2:], strict=False)}
            assert all(abs(gap - WEEK) <= timedelta(hours=2) for gap in gaps), (zone, change, hour)


@pytest.mark.parametrize(
    ("wall_time", "after", "slot"),
    [
        (time(2, 30), datetime(2026, 3, 27, tzinfo=UTC), datetime(2026, 3, 29, 1, 0, tzinfo=UTC)),
        (time(2, 30), datetime(2026, 10, 24, tzinfo=UTC), datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
        (time(9, 0), datetime(2026, 3, 22, 8, 0, tzinfo=UTC), datetime(2026, 3, 29, 7, 0, tzinfo=UTC)),
    ],
    ids=["a time that does not exist becomes the end of the gap", "a repeated time is its first", "strictly later"],
)
def test_brussels_sundays(wall_time, after, slot):
    assert next_slot(weekday=6, wall_time=wall_time, zone="Europe/Brussels", after=after) == slot


def test_a_gap_that_reaches_the_next_day_still_gives_one_slot():
    """Greenland skipped 22:00 to 23:00 on a Saturday evening; Beirut and Cairo skip midnight itself."""
    slot = next_slot(weekday=4, wall_time=time(0, 0), zone="Africa/Cairo", after=datetime(2026, 4, 20, tzinfo=UTC))
    assert shows(slot, "Africa/Cairo") == datetime(2026, 4, 24, 1, 0)

"""Moments in words."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from curation.pages.moments import ago, moment

NOW = datetime(2026, 11, 19, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("age", "words"),
    [
        (timedelta(seconds=-1), ""),
        (timedelta(0), "less than an hour ago"),
        (timedelta(minutes=60), "1 hour ago"),
        (timedelta(hours=23, minutes=59), "23 hours ago"),
        (timedelta(hours=24), "1 day ago"),
        (timedelta(days=59), "59 days ago"),
        (timedelta(days=60), "1 month ago"),
        (timedelta(days=729), "23 months ago"),
        (timedelta(days=731), "2 years ago"),
    ],
)
def test_tells_an_age_in_its_largest_full_unit(age: timedelta, words: str) -> None:
    assert ago(age) == words


def test_tells_the_day_in_utc_whatever_zone_the_moment_came_in() -> None:
    tokyo = datetime(2026, 3, 1, 8, 0, tzinfo=timezone(timedelta(hours=9)))
    told = moment(tokyo, now=NOW)
    assert told is not None
    assert (told.machine, told.words) == ("2026-02-28T23:00:00Z", "28 February 2026")


def test_tells_an_estimated_moment_as_a_day_only() -> None:
    told = moment(NOW, now=NOW, estimated=True)
    assert told is not None
    assert (told.machine, told.estimated) == ("2026-11-19", True)


def test_tells_nothing_of_the_unknown() -> None:
    assert moment(None, now=NOW) is None

"""Fresh, recent or stale: by age, at the moment of asking."""

from datetime import timedelta

import pytest

from curation.freshness import Thresholds, freshness
from tests.makers import NOW


@pytest.mark.parametrize(
    ("age", "word"),
    [
        (timedelta(0), "fresh"),
        (timedelta(hours=24), "fresh"),
        (timedelta(hours=24, seconds=1), "recent"),
        (timedelta(days=3), "recent"),
        (timedelta(days=3, seconds=1), "stale"),
        (timedelta(days=-1), "fresh"),
    ],
)
def test_changes_at_the_thresholds(age: timedelta, word: str) -> None:
    assert freshness(NOW - age, now=NOW) == word


def test_news_of_unknown_age_is_stale() -> None:
    assert freshness(None, now=NOW) == "stale"


def test_a_section_may_have_thresholds_of_its_own() -> None:
    weekly = Thresholds(fresh=timedelta(days=7), recent=timedelta(days=30))
    assert freshness(NOW - timedelta(days=6), now=NOW, thresholds=weekly) == "fresh"
    assert freshness(NOW - timedelta(days=8), now=NOW, thresholds=weekly) == "recent"

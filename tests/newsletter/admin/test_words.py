from datetime import timedelta

import pytest

from newsletter.admin import words
from tests.makers import NOW


@pytest.mark.parametrize(
    ("distance", "said"),
    [
        (timedelta(seconds=20), "now"),
        (timedelta(minutes=5), "in 5 min"),
        (timedelta(hours=19, minutes=10), "in 19 h"),
        (timedelta(days=2, hours=3), "in 2 days"),
        (timedelta(hours=-3), "3 h ago"),
    ],
)
def test_how_far_off(distance, said):
    assert words.until(NOW + distance, now=NOW) == said


def test_a_slot_on_the_newsletters_clocks():
    said = words.slot(NOW + timedelta(days=7), zone="Europe/Brussels", now=NOW)
    assert said == "Thursday 26 November 10:00 Europe/Brussels (in 7 days)"


def test_numbers():
    assert words.count(1, "reader") == "1 reader"
    assert words.count(4812, "reader") == "4,812 readers"
    assert words.count(2, "story", "stories") == "2 stories"

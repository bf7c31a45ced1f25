"""A ceiling a day that grows, shared by all lanes."""

from datetime import UTC, date, datetime, timedelta
from itertools import islice

import pytest

from newsletter.models import Newsletter, WarmUpDay
from newsletter.sending import warmup
from tests.makers import make_newsletter
from tests.newsletter.sending.test_races import at_once

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
TODAY = NOON.date()


def planned(**fields) -> Newsletter:
    return make_newsletter(**{"warm_up_from": TODAY, "warm_up_first": 500, "warm_up_growth": 50, **fields})


def unsaved(**fields) -> Newsletter:
    return Newsletter(**{"warm_up_from": TODAY, "warm_up_first": 500, "warm_up_growth": 50, **fields})


def test_the_ceiling_grows_day_by_day():
    days = [TODAY + timedelta(days=each) for each in range(5)]
    assert [warmup.ceiling(unsaved(), day) for day in days] == [500, 750, 1125, 1687, 2531]
    assert [warmup.ceiling(unsaved(warm_up_growth=0), day) for day in days] == [500] * 5


def test_before_the_plan_and_without_one_there_is_no_ceiling():
    assert warmup.ceiling(unsaved(), TODAY - timedelta(days=1)) is None
    assert warmup.ceiling(unsaved(warm_up_from=None), TODAY) is None


@pytest.mark.parametrize("growth", [1, 50, 32767])
def test_after_years_the_ceiling_is_one_that_nobody_reaches(growth):
    assert warmup.ceiling(unsaved(warm_up_growth=growth), date(2080, 1, 1)) == warmup.MOST


def test_the_plan_ends_on_the_day_that_holds_all():
    limits = [limit for _, limit in warmup.plan(unsaved(), readers=1500)]
    assert limits == [500, 750, 1125, 1687]
    assert len(list(islice(warmup.plan(unsaved(warm_up_growth=0), readers=501), 400))) == 400
    assert list(warmup.plan(unsaved(warm_up_from=None), readers=10)) == []


@pytest.mark.django_db
def test_without_a_plan_all_may_be_opened():
    assert warmup.reserve(make_newsletter().pk, 50, now=NOON) == 50
    assert warmup.reserve(planned(warm_up_from=TODAY + timedelta(days=1)).pk, 50, now=NOON) == 50
    assert not WarmUpDay.objects.exists()


@pytest.mark.django_db
def test_a_day_is_used_up_and_the_next_has_its_own():
    newsletter = planned(warm_up_first=70)
    assert [warmup.reserve(newsletter.pk, 50, now=NOON) for _ in range(3)] == [50, 20, 0]
    tomorrow = warmup.opens_again(NOON)
    assert tomorrow == datetime(2026, 11, 24, tzinfo=UTC)
    assert [warmup.reserve(newsletter.pk, 50, now=tomorrow) for _ in range(4)] == [50, 50, 5, 0]


@pytest.mark.django_db
def test_what_was_not_opened_is_given_back():
    newsletter = planned(warm_up_first=70)
    warmup.reserve(newsletter.pk, 50, now=NOON)
    warmup.give_back(newsletter.pk, 30, now=NOON)
    assert warmup.reserve(newsletter.pk, 70, now=NOON) == 50
    warmup.give_back(newsletter.pk, 30, now=warmup.opens_again(NOON))
    assert warmup.reserve(newsletter.pk, 1, now=NOON) == 0


@pytest.mark.django_db
def test_a_plan_that_is_lowered_during_the_day_opens_no_more():
    newsletter = planned()
    warmup.reserve(newsletter.pk, 400, now=NOON)
    Newsletter.objects.update(warm_up_first=100)
    assert warmup.reserve(newsletter.pk, 1, now=NOON) == 0


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_lanes_at_once_stay_under_the_ceiling_and_reach_it():
    newsletter = planned(warm_up_first=203)
    found = at_once(4, lambda: sum(warmup.reserve(newsletter.pk, 7, now=NOON) for _ in range(10)))
    assert sum(found) == 203, found
    assert WarmUpDay.objects.get().opened == 203

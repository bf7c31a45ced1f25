from datetime import timedelta

import pytest

from newsletter.models import Delivery
from newsletter.sending import clock, ledger

pytestmark = pytest.mark.django_db


@pytest.fixture
def now():
    return clock.database_now()


def put(number: int, state: str, **fields) -> None:
    Delivery.objects.filter(number=number).update(state=state, **fields)


def test_only_doubts_whose_time_has_come_are_ended(campaign, now):
    put(0, "in_doubt", doubts=1, next_attempt_at=now - timedelta(seconds=1))
    put(1, "in_doubt", doubts=1, next_attempt_at=now + timedelta(seconds=1))
    put(2, "in_doubt", doubts=3, next_attempt_at=now)
    assert ledger.resolve_doubts(campaign, now=now) == 2
    rows = Delivery.objects.order_by("number").values_list("state", flat=True)
    assert list(rows) == ["queued", "in_doubt", "unknown"]


def test_the_next_one_due_is_the_earliest_of_all_that_are_open(campaign, now):
    rows = Delivery.objects.filter(campaign=campaign)
    assert ledger.next_due(rows, now=now) == now
    put(0, "deferred", next_attempt_at=now + timedelta(minutes=5))
    put(1, "in_doubt", next_attempt_at=now + timedelta(minutes=3))
    put(2, "suppressed")
    assert ledger.next_due(rows, now=now) == now + timedelta(minutes=3)
    put(1, "unknown")
    assert ledger.next_due(rows, now=now) == now + timedelta(minutes=5)
    put(0, "gave_up")
    assert ledger.next_due(rows, now=now) is None

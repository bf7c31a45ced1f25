"""A large campaign is counted chunk by chunk, and comes to the same as when it is counted as a whole."""

import random
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.db.models import Count, F

from newsletter.models import Campaign, Chunk, Delivery
from newsletter.sending import clock, counting

pytestmark = pytest.mark.django_db


@pytest.fixture
def large(settings, make_frozen, monkeypatch) -> Campaign:
    """Seven readers in chunks of two, counted as if they were a million."""
    settings.SEND_CHUNK = 2
    monkeypatch.setattr(counting, "BY_CHUNK_ABOVE", 0)
    monkeypatch.setattr(counting, "MOST_SECONDS", 0)  # however slow this machine is, nothing is shown twice
    cache.clear()
    return make_frozen(7)


def states(campaign: Campaign) -> dict[str, int]:
    return {state: number for state, number in counting.count(campaign).states.items() if number}


def settle(campaign: Campaign, numbers: list[int], *, chunk: int | None, **values: object) -> None:
    """As a holder of the chunk does: nobody else writes between the raised epoch and the end of the hold."""
    if chunk is not None:
        Chunk.objects.filter(campaign=campaign, number=chunk).update(epoch=F("epoch") + 1)
    Delivery.objects.filter(campaign=campaign, number__in=numbers).update(**values)


def test_what_nobody_has_held_is_queued(large):
    assert states(large) == {"queued": 7}


def test_a_chunk_is_counted_again_when_its_epoch_moved_and_only_then(large):
    states(large)
    settle(large, [0, 1], chunk=0, state="sent", reply="250 ok")
    assert states(large) == {"queued": 5, "sent": 2}
    settle(large, [2], chunk=None, state="sent", reply="250 ok")  # nobody does that; it shows what is not read again
    assert states(large) == {"queued": 5, "sent": 2}


def test_a_chunk_that_is_held_is_always_counted_again(large):
    Chunk.objects.filter(campaign=large, number=1).update(epoch=1, owner="here/1")
    assert states(large) == {"queued": 7}
    settle(large, [2], chunk=None, state="rejected", reply="550 no")
    assert states(large) == {"queued": 6, "rejected": 1}
    Chunk.objects.filter(campaign=large, number=1).update(owner="")
    settle(large, [3], chunk=None, state="sent", reply="250 ok")
    assert states(large) == {"queued": 5, "rejected": 1, "sent": 1}


def test_what_is_in_doubt_is_always_counted_again(large):
    now = clock.database_now()
    settle(large, [4, 5], chunk=2, state="in_doubt", doubted_at=now, doubts=1)
    assert states(large) == {"queued": 5, "in_doubt": 2}
    settle(large, [4], chunk=None, state="sent")
    assert states(large) == {"queued": 5, "in_doubt": 1, "sent": 1}


def test_chunk_by_chunk_comes_to_the_same_as_the_whole(large):
    dice = random.Random(7)
    for _ in range(25):
        number = dice.randrange(7)
        state = dice.choice(["sent", "rejected", "deferred", "suppressed", "in_doubt", "queued"])
        mine = Delivery.objects.filter(campaign=large, number=number, state__in=["queued", "deferred", "in_doubt"])
        changes = {"doubted_at": clock.database_now(), "doubts": 1} if state == "in_doubt" else {}
        Chunk.objects.filter(campaign=large, number=number // 2).update(epoch=F("epoch") + 1)
        mine.update(state=state, reply="250 ok", attempts=2, next_attempt_at=clock.database_now(), **changes)
        whole = large.deliveries.order_by().values_list("state").annotate(n=Count("pk"))
        assert states(large) == dict(whole)


def test_a_count_that_took_long_is_shown_for_ten_times_as_long_until_all_is_over(large, monkeypatch):
    monkeypatch.setattr(counting, "MOST_SECONDS", 10)
    moments = iter(range(100))  # each look at the clock is a second later
    monkeypatch.setattr(counting.time, "monotonic", lambda: next(moments))
    states(large)
    settle(large, [0, 1], chunk=0, state="sent", reply="250 ok")
    assert states(large) == {"queued": 7}
    large.state = Campaign.State.CANCELLED
    assert states(large) == {"queued": 5, "sent": 2}


@pytest.mark.parametrize("above", [0, 1_000], ids=["by chunk", "as a whole"])
def test_failures_are_told_by_the_newest_words_and_when_they_were_said(large, monkeypatch, above):
    monkeypatch.setattr(counting, "BY_CHUNK_ABOVE", above)
    now = clock.database_now().replace(microsecond=0)
    settle(large, [0], chunk=0, state="rejected", reply="550 5.1.1 old", settled_at=now - timedelta(hours=9))
    settle(large, [3], chunk=1, state="rejected", reply="550 5.1.1 new", settled_at=now - timedelta(minutes=5))
    # Deferred once, so tried again five minutes after: the server said it three minutes ago.
    soon = now + timedelta(minutes=2)
    settle(large, [5], chunk=2, state="deferred", reply="451 4.7.1 grey", attempts=1, next_attempt_at=soon)
    found = {each.state: (each.count, each.words, each.at) for each in counting.count(large).failures}
    assert found == {
        "rejected": (2, "550 5.1.1 new", now - timedelta(minutes=5)),
        "deferred": (1, "451 4.7.1 grey", now - timedelta(minutes=3)),
    }


def test_who_waits_for_a_place_has_failed_nowhere(large):
    settle(large, [0], chunk=0, state="deferred", paced=True, attempts=0, next_attempt_at=clock.database_now())
    counted = counting.count(large)
    assert (counted.waiting, counted.failures) == (1, [])

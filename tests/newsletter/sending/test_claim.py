"""Turns in a chunk: what is opened, the window that stands on its row, and who is no longer mailed. On both vendors."""

from datetime import timedelta

import pytest
from django.db import connection

from newsletter.models import Campaign, Chunk, Delivery, Subscriber, Subscription, Suppression, WarmUpDay
from newsletter.sending import claim, clock
from newsletter.sending.claim import Capped, Hold
from newsletter.sending.outcomes import Accepted, Later, PutOff, settlement
from newsletter.sending.turn import MAILABLE
from tests.makers import make_newsletter, make_subscriber

pytestmark = pytest.mark.django_db


def claimed(campaign: Campaign) -> Hold:
    hold = claim.claim(campaign.pk, owner="a/journal", now=clock.database_now())
    assert hold is not None
    return hold


def take_turn(hold: Hold, found=(), *, size: int = 50, **where) -> claim.Opened:
    return claim.take_turn(hold, found, size=size, now=clock.database_now(), **where)


def settled(letters, outcome):
    now = clock.database_now()
    return [settlement(letter, outcome, now=now, evidence=timedelta(0)) for letter in letters]


def window() -> tuple[int | None, int | None]:
    return Chunk.objects.values_list("window_from", "window_to").get()


def test_a_turn_opens_the_next_rows_and_settles_the_last_ones(make_frozen):
    hold = claimed(make_frozen(7))
    first = take_turn(hold, size=3)
    assert ([letter.number for letter in first.letters], first.last, first.is_all) == ([0, 1, 2], 2, False)
    assert window() == (0, 2)

    answered = settled(first.letters[1:], Accepted(250, "2.0.0 taken"))
    second = take_turn(hold, answered, size=3, after=2, oldest=0)
    assert ([letter.number for letter in second.letters], second.settled) == ([3, 4, 5], 2)
    assert window() == (0, 5), "from the oldest without an answer to the last that was opened"

    third = take_turn(hold, settled([first.letters[0]], Accepted(250, "ok")), size=3, after=5, oldest=3)
    assert ([letter.number for letter in third.letters], third.is_all) == ([6], True)
    assert window() == (3, 6)
    rows = Delivery.objects.filter(state="sent").values_list("number", "reply", "attempts")
    assert sorted(rows) == [(0, "250 ok", 1), (1, "250 2.0.0 taken", 1), (2, "250 2.0.0 taken", 1)]
    assert not Delivery.objects.filter(state="sent", settled_at=None).exists()


def test_a_turn_stretches_the_lease(campaign, settings):
    hold = claimed(campaign)
    Chunk.objects.update(lease_until=clock.database_now())
    take_turn(hold, size=0)
    left = Chunk.objects.get().lease_until - clock.database_now()
    assert timedelta(seconds=settings.SEND_LEASE_SECONDS - 5) < left


def test_what_is_deferred_is_opened_when_its_time_has_come(campaign):
    hold = claimed(campaign)
    letters = take_turn(hold).letters
    now = clock.database_now()
    found = settled(letters[:1], Later(451, "later")) + settled(letters[1:], PutOff(now - timedelta(seconds=1)))
    Delivery.objects.filter(number=1).update(reply="451 as before")
    take_turn(hold, found, size=0, after=2)
    rows = Delivery.objects.order_by("number").values_list("state", "attempts", "paced", "reply")
    assert list(rows) == [
        ("deferred", 1, False, "451 later"),
        ("deferred", 0, True, "451 as before"),
        ("deferred", 0, True, ""),
    ]
    again = take_turn(hold).letters
    assert [(letter.number, letter.paced) for letter in again] == [(1, True), (2, True)]
    take_turn(hold, settled(again, Accepted(250, "ok")), size=0, after=2)
    assert not Delivery.objects.filter(paced=True).exists()


def test_who_cannot_be_mailed_now_is_settled_as_such(make_frozen):
    campaign = make_frozen(4)
    hold = claimed(campaign)
    Subscription.objects.filter(subscriber__email="r0@example.org").update(state="left")
    Suppression.objects.create(address="r2@example.org", reason="complaint")
    Suppression.objects.create(address="r3@example.org", newsletter=make_newsletter(), reason="asked")
    opened = take_turn(hold)
    assert [letter.number for letter in opened.letters] == [1, 3]
    assert opened.gone == 2
    assert sorted(Delivery.objects.filter(state="suppressed").values_list("number", flat=True)) == [0, 2]
    assert not Delivery.objects.filter(state="suppressed", settled_at=None).exists()


def test_a_window_of_people_who_left_is_passed_over(make_frozen):
    hold = claimed(make_frozen(5))
    Subscription.objects.exclude(subscriber__email="r4@example.org").update(state="left")
    first = take_turn(hold, size=3)
    assert (first.letters, first.last, first.is_all) == ([], 2, False)
    assert [letter.number for letter in take_turn(hold, size=3, after=first.last).letters] == [4]


def test_the_statement_means_by_mailable_what_the_query_set_means():
    """Each state of a subscription, with each kind of suppression."""
    newsletter, other = make_newsletter(), make_newsletter()
    for number, state in enumerate(["active", "pending", "left"] * 5):
        reader = make_subscriber(newsletter, state=state)
        make_subscriber(other, state="active")
        kind = number // 3
        if kind in (1, 3):
            Suppression.objects.create(address=reader.address, newsletter=None if kind == 1 else newsletter)
        if kind == 2:
            Suppression.objects.create(address=reader.address, newsletter=other)
        if kind == 4:
            Suppression.objects.create(address=f"x{reader.address}")
            Subscription.objects.create(subscriber=reader, newsletter=other, state="left")
    rows = "SELECT s.id FROM newsletter_subscriber s JOIN (SELECT id AS subscriber_id FROM newsletter_subscriber) d"
    with connection.cursor() as cursor:
        cursor.execute(f"{rows} ON d.subscriber_id = s.id WHERE {MAILABLE}", {"newsletter": newsletter.pk})
        found = {row[0] for row in cursor.fetchall()}
    assert found == set(Subscription.objects.mailable(newsletter).values_list("subscriber", flat=True))
    assert 0 < len(found) < Subscriber.objects.count()


def test_a_chunk_let_go_is_due_when_its_next_delivery_is(make_frozen):
    hold = claimed(make_frozen(3))
    letters = take_turn(hold).letters
    now = clock.database_now()
    claim.let_go(hold, settled(letters[:2], Accepted(250, "ok")) + settled(letters[2:], Later(451, "later")), now=now)
    chunk = Chunk.objects.get()
    assert (chunk.owner, chunk.closed, chunk.window_from, chunk.lease_until) == ("", False, None, None)
    assert chunk.due_at == Delivery.objects.get(number=2).next_attempt_at


def test_a_warming_newsletter_opens_no_more_than_todays_ceiling(make_frozen):
    now = clock.database_now()
    hold = claimed(make_frozen(5, warm_up_from=now.date(), warm_up_first=3))
    opened = take_turn(hold, size=2)
    assert (len(opened.letters), WarmUpDay.objects.get().opened) == (2, 2)
    assert len(take_turn(hold, size=2, after=1).letters) == 1
    with pytest.raises(Capped):
        take_turn(hold, size=2, after=2)
    claim.let_go(hold, settled(opened.letters, Accepted(250, "ok")), now=now, withheld=1)
    assert WarmUpDay.objects.get().opened == 2


def test_what_was_reserved_and_not_opened_is_given_back(make_frozen):
    hold = claimed(make_frozen(4, warm_up_from=clock.database_now().date(), warm_up_first=100))
    Subscription.objects.filter(subscriber__email="r0@example.org").update(state="left")
    letters = take_turn(hold).letters
    assert WarmUpDay.objects.get().opened == len(letters) == 3
    take_turn(hold, settled(letters[:1], PutOff(clock.database_now())), size=0, after=3, oldest=2)
    assert WarmUpDay.objects.get().opened == 2


def updates() -> tuple[int, int]:
    """Of deliveries in this transaction: all, and those that changed the row alone."""
    table = "'newsletter_delivery'::regclass"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT pg_stat_get_xact_tuples_updated({table}), pg_stat_get_xact_tuples_hot_updated({table})")
        return cursor.fetchone()


@pytest.mark.skipif("connection.vendor != 'postgresql'")
def test_settling_touches_no_index(make_frozen):
    hold = claimed(make_frozen(50))
    letters = take_turn(hold).letters
    before = updates()
    take_turn(hold, settled(letters, Accepted(250, "2.0.0 taken")), size=0, after=49)
    updated, hot = (now - then for now, then in zip(updates(), before, strict=True))
    assert updated == 50
    assert hot >= 45

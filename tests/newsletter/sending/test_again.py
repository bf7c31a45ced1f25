"""One more mail to one reader, because a person asked: once, honestly counted, and never to somebody who has left."""

import pytest

from newsletter import tasks
from newsletter.models import Delivery, Suppression
from newsletter.sending import again, campaigns, clock, doubts
from newsletter.sending.doubts import TooLate
from tests.parts import wait_until
from tests.postbox import Quirk

pytestmark = pytest.mark.django_db


@pytest.fixture
def unknown(campaign, postbox) -> Delivery:
    """r0's message ended as unknown; the relay's truth says that it had taken it."""
    now = clock.database_now()
    delivery = campaign.deliveries.order_by("number").first()
    Delivery.objects.filter(pk=delivery.pk).update(
        state="unknown", reply="Lost at the dot.", attempts=1, doubts=1, doubted_at=now, settled_at=now
    )
    delivery.refresh_from_db()
    return delivery


def ask(delivery: Delivery, **more) -> None:
    again.ask(delivery.pk, actor="the test", now=clock.database_now(), **more)


def mail(delivery: Delivery) -> bool:
    taken = again.mail(delivery.pk, now=clock.database_now())
    delivery.refresh_from_db()
    return taken


def test_it_is_mailed_under_its_old_message_id_and_becomes_sent_with_the_servers_words(unknown, postbox):
    ask(unknown, attempts=1)
    assert again.asked() == [unknown.pk]
    assert mail(unknown)
    assert (unknown.state, unknown.attempts, unknown.doubts) == ("sent", 2, 1)
    assert unknown.reply.startswith("250 ")
    assert f"Message-ID: <{unknown.message_id}>".encode() in postbox.message_to("r0@example.org")
    assert postbox.senders[-1].startswith("bounce+")
    assert again.asked() == []


def test_nobody_is_mailed_who_was_not_asked_for(unknown, postbox):
    assert not mail(unknown)
    assert postbox.truth == []


def test_asked_once_it_is_mailed_once_however_often_the_task_runs(unknown, postbox):
    ask(unknown)
    assert mail(unknown)
    assert not mail(unknown)
    assert postbox.copies() == {"r0@example.org": 1}


def test_two_editors_or_a_double_click_ask_once(unknown):
    ask(unknown, attempts=1)
    with pytest.raises(TooLate):
        ask(unknown, attempts=1)


def test_who_saw_the_page_before_the_last_try_must_look_again(unknown, postbox):
    postbox.quirks["r0@example.org"] = [Quirk("after")]
    ask(unknown, attempts=1)
    mail(unknown)
    with pytest.raises(TooLate):
        ask(unknown, attempts=1)
    ask(unknown, attempts=2)


def test_another_doubt_leaves_it_unknown_with_one_doubt_more(unknown, postbox):
    postbox.quirks["r0@example.org"] = [Quirk("after")]
    ask(unknown)
    assert not mail(unknown)
    assert (unknown.state, unknown.attempts, unknown.doubts) == ("unknown", 2, 2)


@pytest.mark.parametrize(
    ("quirk", "words"),
    [(Quirk("rcpt", "550 5.1.1 nobody"), "550 5.1.1 nobody"), (Quirk("rcpt", "451 later"), "451 later")],
)
def test_what_was_surely_not_taken_is_no_doubt_and_is_told(unknown, postbox, quirk, words):
    postbox.quirks["r0@example.org"] = [quirk]
    ask(unknown)
    assert not mail(unknown)
    assert (unknown.state, unknown.attempts, unknown.doubts) == ("unknown", 2, 1)
    assert unknown.reply == f"Not mailed again: {words}"
    assert again.asked() == []  # one press is one try


def test_a_relay_that_is_away_is_told_and_counts_no_doubt(unknown, postbox):
    postbox.close()
    ask(unknown)
    assert not mail(unknown)
    assert (unknown.state, unknown.doubts) == ("unknown", 1)
    assert unknown.reply.startswith("Not mailed again: ")


def test_who_has_left_since_is_not_mailed(unknown, postbox):
    ask(unknown)
    Suppression.objects.create(address="r0@example.org")
    assert not mail(unknown)
    assert postbox.truth == []
    assert unknown.reply == "Not mailed again: the reader has left or is suppressed."
    assert again.asked() == []


def test_evidence_takes_the_wish_back(unknown, postbox):
    ask(unknown)
    doubts.arrived(unknown.pk, now=clock.database_now(), how="a click")
    assert not mail(unknown)
    assert postbox.truth == []


def test_a_wait_for_evidence_that_is_over_is_no_wish(unknown, postbox):
    Delivery.objects.filter(pk=unknown.pk).update(next_attempt_at=unknown.settled_at)
    assert again.asked() == []
    assert not mail(unknown)


def test_a_cancelled_campaign_mails_nobody(unknown):
    campaigns.cancel(unknown.campaign, actor="the test", now=clock.database_now())
    with pytest.raises(TooLate, match="its campaign cancelled"):
        ask(unknown)


@pytest.mark.redis
@pytest.mark.django_db(transaction=True)
def test_a_wish_that_the_queue_has_lost_is_found_by_the_tick(unknown, celery_worker, inbox):
    ask(unknown)  # and no task was queued
    tasks.tick()
    wait_until(lambda: Delivery.objects.get(pk=unknown.pk).state == "sent", what="the mail")
    assert [mail["Message-ID"] for mail in inbox.messages()].count(f"<{unknown.message_id}>") == 1

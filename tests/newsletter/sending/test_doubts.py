"""Evidence first, then the policy, then a person: and each only where nothing else was quicker."""

from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry

from newsletter import tokens
from newsletter.models import Campaign, Chunk, Delivery
from newsletter.sending import campaigns, clock, doubts
from newsletter.sending.doubts import TooLate
from newsletter.tokens import Purpose, ReaderRef

pytestmark = pytest.mark.django_db


@pytest.fixture
def doubted(campaign) -> Delivery:
    """r0's message: the connection broke after the dot, and evidence is waited for."""
    now = clock.database_now()
    delivery = campaign.deliveries.order_by("number").first()
    Delivery.objects.filter(pk=delivery.pk).update(
        state="in_doubt",
        reply="Lost at the dot.",
        attempts=1,
        doubts=1,
        doubted_at=now,
        next_attempt_at=now + HALF_HOUR,
    )
    Chunk.objects.filter(campaign=campaign).update(due_at=now + HALF_HOUR)
    delivery.refresh_from_db()
    return delivery


HALF_HOUR = timedelta(minutes=30)


def unknown(delivery: Delivery) -> Delivery:
    doubts.let_be(delivery.pk, actor="the test", now=clock.database_now())
    delivery.refresh_from_db()
    return delivery


@pytest.mark.parametrize("ended", [False, True], ids=["in doubt", "unknown"])
def test_evidence_ends_a_doubt_as_sent_and_keeps_what_was_known(doubted, ended):
    if ended:
        unknown(doubted)
    assert doubts.arrived(doubted.pk, now=clock.database_now(), how="a bounce")
    doubted.refresh_from_db()
    assert (doubted.state, doubted.doubts, doubted.next_attempt_at) == ("sent", 0, None)
    assert doubted.reply == "Lost at the dot. It arrived: proved by a bounce."
    assert doubted.doubted_at is not None
    assert not doubts.arrived(doubted.pk, now=clock.database_now(), how="a click")


def test_the_proof_fits_beside_the_longest_words(doubted):
    Delivery.objects.filter(pk=doubted.pk).update(reply="x" * 200)
    doubts.arrived(doubted.pk, now=clock.database_now(), how="a click")
    doubted.refresh_from_db()
    assert doubted.reply.endswith("x It arrived: proved by a click.")
    assert len(doubted.reply) == 200


@pytest.mark.parametrize("state", ["queued", "sent", "rejected", "suppressed"])
def test_evidence_about_what_is_in_no_doubt_changes_nothing(campaign, state):
    delivery = campaign.deliveries.first()
    Delivery.objects.filter(pk=delivery.pk).update(state=state, reply="250 ok")
    assert not doubts.arrived(delivery.pk, now=clock.database_now(), how="a bounce")
    delivery.refresh_from_db()
    assert (delivery.state, delivery.reply) == (state, "250 ok")


def test_evidence_for_nobody_is_no_evidence():
    assert not doubts.arrived(999, now=clock.database_now(), how="a bounce")


def test_evidence_about_an_unknown_one_counts_when_all_is_over(doubted):
    unknown(doubted)
    campaign = doubted.campaign
    campaign.deliveries.filter(state="queued").update(state="sent", reply="250 ok")
    campaigns.finish(campaign, now=clock.database_now())
    assert doubts.arrived(doubted.pk, now=clock.database_now(), how="a click")
    doubted.refresh_from_db()
    assert doubted.state == "sent"


def test_a_person_sends_again_and_a_sender_looks_at_once(doubted, editor):
    now = clock.database_now()
    doubts.send_again(doubted.pk, actor=editor, now=now, attempts=1)
    doubted.refresh_from_db()
    assert (doubted.state, doubted.next_attempt_at, doubted.doubts) == ("queued", None, 1)
    assert Chunk.objects.get(campaign=doubted.campaign).due_at == now
    assert doubts.decisions([doubted.pk])[doubted.pk] == doubts.Decision("vera", now, "Send again now")


def test_a_person_lets_it_be(doubted, editor):
    doubts.let_be(doubted.pk, actor=editor, now=clock.database_now(), attempts=1)
    doubted.refresh_from_db()
    assert (doubted.state, doubted.reply, doubted.next_attempt_at) == ("unknown", "Lost at the dot.", None)
    assert doubted.settled_at is not None


@pytest.mark.parametrize("decide", [doubts.send_again, doubts.let_be])
def test_the_second_of_two_decisions_is_told_who_was_first(doubted, editor, decide):
    doubts.let_be(doubted.pk, actor=editor, now=clock.database_now())
    with pytest.raises(TooLate, match=r"came too late for r0@example.org: the delivery is unknown .*vera: Let it be"):
        decide(doubted.pk, actor=editor, now=clock.database_now())
    assert LogEntry.objects.count() == 1


def test_a_decision_about_an_earlier_doubt_is_not_taken_for_one_about_this(doubted, editor):
    Delivery.objects.filter(pk=doubted.pk).update(attempts=2, doubts=2)  # sent again meanwhile, and in doubt again
    with pytest.raises(TooLate):
        doubts.send_again(doubted.pk, actor=editor, now=clock.database_now(), attempts=1)
    doubted.refresh_from_db()
    assert doubted.state == "in_doubt"


def test_what_came_too_late_wakes_nobody(doubted, editor):
    unknown(doubted)
    due_at = Chunk.objects.get().due_at
    with pytest.raises(TooLate):
        doubts.send_again(doubted.pk, actor=editor, now=clock.database_now() + HALF_HOUR)
    assert Chunk.objects.get().due_at == due_at


def test_a_cancelled_campaign_sends_nothing_again_and_can_be_let_be(doubted, editor):
    campaigns.cancel(doubted.campaign, actor=editor, now=clock.database_now())
    with pytest.raises(TooLate, match="its campaign cancelled"):
        doubts.send_again(doubted.pk, actor=editor, now=clock.database_now())
    doubts.let_be(doubted.pk, actor=editor, now=clock.database_now())
    doubted.refresh_from_db()
    assert doubted.state == "unknown"
    assert Campaign.objects.get().state == "cancelled"


@pytest.mark.parametrize(
    ("purpose", "path", "form"),
    [
        (Purpose.LEAVE, "/one-click/{}/", {"List-Unsubscribe": "One-Click"}),
        (Purpose.LEAVE, "/leave/{}/", {}),
        (Purpose.SETTINGS, "/settings/{}/", {"depth": "short", "language": "en"}),
    ],
)
def test_a_reader_who_acts_by_a_link_of_the_mail_proves_that_it_arrived(client, doubted, purpose, path, form):
    campaign = doubted.campaign
    token = tokens.for_reader(purpose, ReaderRef(doubted.subscriber.key, campaign.newsletter_id, campaign.key))
    client.get(path.format(token))
    doubted.refresh_from_db()
    assert doubted.state == "in_doubt", "a program may have looked, and looking changes nothing"
    client.post(path.format(token), form)
    doubted.refresh_from_db()
    assert (doubted.state, doubted.doubts) == ("sent", 0)
    assert "a link of it that was used" in doubted.reply

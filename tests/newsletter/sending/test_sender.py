"""The lane against a real SMTP server that answers as it likes: the state of each delivery is what the server knows."""

import time
from collections import Counter
from datetime import timedelta

import pytest
from django.db.models import Sum

from newsletter import tokens
from newsletter.models import (
    Campaign,
    Chunk,
    Delivery,
    DomainPace,
    Instance,
    Subscriber,
    Subscription,
    Suppression,
)
from newsletter.sending import claim, clock, sender, warmup
from newsletter.sending.lane import CEILING
from newsletter.sending.sender import End
from tests.postbox import Quirk


def states(campaign: Campaign) -> dict[str, str]:
    rows = Delivery.objects.filter(campaign=campaign).values_list("subscriber__email", "state")
    return {email.partition("@")[0]: state for email, state in rows}


def test_sends_to_everyone_once_and_closes_the_books(campaign, postbox):
    result = sender.run(campaign.pk)

    assert postbox.copies() == {"r0@example.org": 1, "r1@example.org": 1, "r2@example.org": 1}
    assert set(states(campaign).values()) == {"sent"}
    campaign.refresh_from_db()
    assert (result.end, campaign.state) == (End.NOTHING_DUE, "done")
    chunk = Chunk.objects.get(campaign=campaign)
    assert (chunk.closed, chunk.owner, chunk.window_from, chunk.lease_until) == (True, "", None, None)
    reply = Delivery.objects.filter(campaign=campaign).first().reply
    assert reply.startswith("250 2.0.0 taken")


def test_a_refusal_of_the_reader_is_final_and_costs_nobody_else_the_mail(campaign, postbox, one_connection):
    postbox.quirks["r1@example.org"] = [Quirk("rcpt", "550 5.1.1 no such user")]

    sender.run(campaign.pk)

    assert states(campaign) == {"r0": "sent", "r1": "rejected", "r2": "sent"}
    assert Delivery.objects.get(subscriber__email="r1@example.org").reply == "550 5.1.1 no such user"
    assert postbox.connections == 1  # and on with the next


def test_a_refusal_after_the_dot_is_final(campaign, postbox):
    postbox.quirks["r0@example.org"] = [Quirk("dot", "554 5.6.0 not like this")]
    sender.run(campaign.pk)
    assert states(campaign) == {"r0": "rejected", "r1": "sent", "r2": "sent"}


def test_greylisting_puts_off_for_five_minutes_and_then_sends(campaign, postbox, moving_clock):
    postbox.quirks["r1@example.org"] = [Quirk("rcpt", "451 4.7.1 come back later")]

    sender.run(campaign.pk, clock=moving_clock)
    assert states(campaign)["r1"] == "deferred"
    sender.run(campaign.pk, clock=moving_clock)
    assert states(campaign)["r1"] == "deferred", "not before its time"

    moving_clock.move(minutes=5, seconds=1)
    sender.run(campaign.pk, clock=moving_clock)
    assert states(campaign)["r1"] == "sent"
    campaign.refresh_from_db()
    assert campaign.state == "done"
    assert postbox.copies()["r1@example.org"] == 1


def test_gives_up_after_a_day_of_deferrals(make_frozen, postbox, moving_clock):
    campaign = make_frozen(1)
    postbox.always = Quirk("rcpt", "452 4.2.2 mailbox full")
    waits = []
    for _ in range(20):
        sender.run(campaign.pk, clock=moving_clock)
        delivery = Delivery.objects.get(campaign=campaign)
        if delivery.state != "deferred":
            break
        waits.append(round((delivery.next_attempt_at - moving_clock()).total_seconds() / 60))
        moving_clock.move(minutes=waits[-1], seconds=1)
    assert waits == [5, 15, 30, 60, *[120] * 11]
    assert (delivery.state, delivery.reply) == ("gave_up", "452 4.2.2 mailbox full")
    campaign.refresh_from_db()
    assert campaign.state == "done"


def test_421_opens_a_new_connection_and_is_not_counted_against_the_reader(campaign, postbox, one_connection):
    postbox.quirks["r1@example.org"] = [Quirk("rcpt", "421 4.3.2 restarting")]
    sender.run(campaign.pk)
    assert set(states(campaign).values()) == {"sent"}
    assert Delivery.objects.get(subscriber__email="r1@example.org").attempts == 1
    assert postbox.connections == 2


def test_421_instead_of_an_answer_to_the_dot_sends_again_without_doubt(campaign, postbox):
    postbox.quirks["r1@example.org"] = [Quirk("dot", "421 4.3.2 restarting")]
    sender.run(campaign.pk)
    assert set(states(campaign).values()) == {"sent"}
    assert not Delivery.objects.doubtful().exists()
    assert postbox.copies()["r1@example.org"] == 1


def test_a_line_dropped_before_the_dot_leaves_no_doubt(campaign, postbox):
    for number, step in enumerate(("rcpt", "data", "data")):
        postbox.quirks[f"r{number}@example.org"] = [Quirk(step)]
    assert sender.run(campaign.pk).end is End.NOTHING_DUE
    assert set(states(campaign).values()) == {"sent"}
    assert not Delivery.objects.doubtful().exists()
    assert set(postbox.copies().values()) == {1}


def test_a_relay_that_breaks_every_line_ends_the_lane_until_the_next_tick(campaign, postbox, one_connection):
    postbox.always = Quirk("rcpt")
    assert sender.run(campaign.pk).end is End.TROUBLE
    campaign.refresh_from_db()
    assert campaign.state == "sending"
    assert "breaks connections off" in campaign.trouble
    assert set(states(campaign).values()) <= {"queued", "deferred"}


def test_a_line_dropped_in_the_content_costs_nobody_the_mail(campaign, postbox, no_evidence):
    """Whether the drop is seen before our dot has left is a race that nobody can win; the reader gets one copy."""
    postbox.quirks["r1@example.org"] = [Quirk("body")]
    sender.run(campaign.pk)
    assert set(states(campaign).values()) == {"sent"}
    assert set(postbox.copies().values()) == {1}


def test_a_letter_over_which_lines_break_is_put_off_and_keeps_nobody_waiting(make_frozen, postbox):
    campaign = make_frozen(5)
    postbox.quirks["r0@example.org"] = [Quirk("rcpt")] * 9
    for _ in range(3):
        sender.run(campaign.pk)
    assert states(campaign) == {"r0": "deferred", "r1": "sent", "r2": "sent", "r3": "sent", "r4": "sent"}


def test_resends_what_was_dropped_after_the_dot_with_the_same_message_id_and_names_it(campaign, postbox, no_evidence):
    postbox.quirks["r1@example.org"] = [Quirk("after")]

    sender.run(campaign.pk)

    assert postbox.copies() == {"r0@example.org": 1, "r1@example.org": 2, "r2@example.org": 1}
    doubtful = Delivery.objects.doubtful().get()
    assert (doubtful.subscriber.email, doubtful.state, doubtful.doubts) == ("r1@example.org", "sent", 1)
    both = [message for address, message in postbox.truth if address == "r1@example.org"]
    assert [both[0].count(doubtful.message_id.encode()), both[1].count(doubtful.message_id.encode())] == [1, 1]


def test_a_doubt_waits_half_an_hour_for_proof_that_the_message_arrived(campaign, postbox, moving_clock):
    postbox.quirks["r1@example.org"] = [Quirk("after")]
    sender.run(campaign.pk, clock=moving_clock)
    assert states(campaign)["r1"] == "in_doubt"
    doubtful = Delivery.objects.doubtful().get()
    assert Chunk.objects.get().due_at == doubtful.next_attempt_at
    assert abs(doubtful.next_attempt_at - doubtful.doubted_at) == timedelta(minutes=30)

    moving_clock.move(minutes=29)
    assert sender.run(campaign.pk, clock=moving_clock).chunks == 0
    moving_clock.move(minutes=1, seconds=1)
    sender.run(campaign.pk, clock=moving_clock)
    assert states(campaign)["r1"] == "sent"
    assert postbox.copies()["r1@example.org"] == 2


def test_the_policy_skip_never_sends_twice_and_shows_the_reader_as_unknown(make_frozen, postbox, no_evidence):
    campaign = make_frozen(3, doubt_policy="skip")
    postbox.quirks["r1@example.org"] = [Quirk("after")]
    sender.run(campaign.pk)
    assert states(campaign) == {"r0": "sent", "r1": "unknown", "r2": "sent"}
    assert set(postbox.copies().values()) == {1}


def test_three_doubts_are_the_most_that_a_reader_is_given(make_frozen, postbox, no_evidence):
    campaign = make_frozen(1)
    postbox.always = Quirk("after")
    sender.run(campaign.pk)
    assert states(campaign) == {"r0": "unknown"}
    assert postbox.copies()["r0@example.org"] == 3


def test_silence_after_the_dot_is_a_doubt(make_frozen, postbox, no_evidence):
    campaign = make_frozen(2, doubt_policy="skip")
    postbox.quirks["r0@example.org"] = [Quirk("after", "250 too late", wait=3)]
    sender.run(campaign.pk, answer_seconds=1)
    assert states(campaign) == {"r0": "unknown", "r1": "sent"}


def test_an_answer_that_makes_no_sense_is_a_doubt(make_frozen, postbox, no_evidence):
    campaign = make_frozen(2, doubt_policy="skip")
    postbox.quirks["r0@example.org"] = [Quirk("after", "999 what")] * 5
    postbox.quirks["r1@example.org"] = [Quirk("after", "hello")] * 5
    sender.run(campaign.pk)
    assert states(campaign) == {"r0": "unknown", "r1": "unknown"}


def test_waits_through_a_slow_answer_and_keeps_its_lease(campaign, postbox, settings):
    settings.SEND_LEASE_SECONDS = 2
    postbox.quirks["r1@example.org"] = [Quirk("after", "250 2.0.0 at last", wait=3.5)]
    rivals = []

    def stop() -> bool:
        if Chunk.objects.exclude(lease_until=None).exists():  # ours, from the first claim on
            rivals.append(claim.claim(campaign.pk, owner="a/rival", now=clock.database_now()))
        return False

    sender.run(campaign.pk, stop=stop)
    assert len(rivals) > 5
    assert set(rivals) == {None}
    assert states(campaign) == {"r0": "sent", "r1": "sent", "r2": "sent"}
    assert not Delivery.objects.doubtful().exists()
    assert Chunk.objects.get(campaign=campaign).epoch == 1


def test_a_relay_that_is_down_is_named_on_the_campaign_and_costs_nobody_the_mail(campaign, postbox):
    postbox.close()
    assert sender.run(campaign.pk).end is End.TROUBLE
    campaign.refresh_from_db()
    assert campaign.state == "sending"
    assert campaign.trouble.startswith(f"relay 127.0.0.1:{postbox.port} does not answer:")
    assert set(states(campaign).values()) == {"queued"}
    assert Chunk.objects.get(campaign=campaign).epoch == 0


def test_trouble_is_forgotten_at_the_first_success(make_frozen, postbox, moving_clock):
    campaign = make_frozen(2)
    Campaign.objects.update(trouble="relay 127.0.0.1:25 does not answer: refused")
    postbox.quirks["r1@example.org"] = [Quirk("rcpt", "451 later")]
    sender.run(campaign.pk)
    campaign.refresh_from_db()
    assert (campaign.state, campaign.trouble) == ("sending", "")


def test_twenty_equal_refusals_of_ours_pause_the_campaign_with_the_reason(make_frozen, postbox):
    campaign = make_frozen(30)
    postbox.always = Quirk("rcpt", "550 5.7.1 we do not like your sender")
    sender.run(campaign.pk)
    campaign.refresh_from_db()
    assert campaign.state == "paused"
    assert "5.7.1 we do not like your sender" in campaign.trouble
    found = Counter(states(campaign).values())
    assert 20 <= found["rejected"] < 30  # and those that were on their way
    assert found["queued"] == 30 - found["rejected"]


def test_other_refusals_do_not_pause(make_frozen, postbox):
    campaign = make_frozen(25)
    postbox.always = Quirk("rcpt", "550 5.1.1 no such user")
    sender.run(campaign.pk)
    assert set(states(campaign).values()) == {"rejected"}
    campaign.refresh_from_db()
    assert campaign.state == "done"


def test_a_relay_that_refuses_our_sender_pauses_before_anybody_is_rejected(campaign, postbox):
    postbox.always = Quirk("mail", "550 5.7.1 sender not allowed")
    sender.run(campaign.pk)
    campaign.refresh_from_db()
    assert (campaign.state, set(states(campaign).values())) == ("paused", {"queued"})
    assert campaign.trouble.startswith("The relay refuses our sender address: 550")


def test_an_address_that_fits_in_no_message_is_given_up_alone(campaign, postbox):
    Subscriber.objects.filter(email="r1@example.org").update(email="r1@example.org\r\nBcc: all@example.org")
    sender.run(campaign.pk)
    found = sorted(Delivery.objects.filter(campaign=campaign).values_list("state", flat=True))
    assert found == ["gave_up", "sent", "sent"]
    assert not any(b"Bcc" in message for _, message in postbox.truth)


def test_the_return_path_names_the_delivery(campaign, postbox):
    sender.run(campaign.pk)
    named = {tokens.read_return_path(address) for address in postbox.senders}
    assert named == set(Delivery.objects.filter(campaign=campaign).values_list("pk", flat=True))


def test_who_leaves_while_it_is_sent_is_not_mailed(make_frozen, postbox, settings):
    settings.SEND_WINDOW = 1
    campaign = make_frozen(4)
    left_after_first = []

    def stop() -> bool:
        if len(postbox.truth) == 1 and not left_after_first:
            left_after_first.append(1)
            Subscription.objects.filter(subscriber__email="r2@example.org").update(state="left")
            Suppression.objects.create(address="r3@example.org", reason="complaint")
        return False

    sender.run(campaign.pk, stop=stop)
    assert states(campaign) == {"r0": "sent", "r1": "sent", "r2": "suppressed", "r3": "suppressed"}
    assert sorted(postbox.copies()) == ["r0@example.org", "r1@example.org"]
    campaign.refresh_from_db()
    assert campaign.state == "done"


def test_stops_between_messages_when_asked(make_frozen, postbox, one_connection):
    campaign = make_frozen(20)
    postbox.slow = 0.02
    assert sender.run(campaign.pk, stop=lambda: len(postbox.truth) >= 2).end is End.STOPPED
    assert 2 <= len(postbox.truth) < 20
    assert Counter(states(campaign).values()) == {"sent": len(postbox.truth), "queued": 20 - len(postbox.truth)}
    assert Chunk.objects.get(campaign=campaign).owner == ""

    postbox.slow = 0
    sender.run(campaign.pk)
    assert set(postbox.copies().values()) == {1}
    assert len(postbox.copies()) == 20


def test_a_lane_whose_time_is_over_sends_what_it_has_opened_and_leaves_the_rest(make_frozen, postbox, settings):
    settings.SEND_WINDOW = 4
    campaign = make_frozen(30)
    assert sender.run(campaign.pk, rest=lambda: bool(postbox.truth)).end is End.RESTED
    assert Counter(states(campaign).values()) == {"sent": len(postbox.truth), "queued": 30 - len(postbox.truth)}
    assert 0 < len(postbox.truth) < 30
    assert sender.run(campaign.pk).end is End.NOTHING_DUE
    assert set(postbox.copies().values()) == {1}
    assert len(postbox.copies()) == 30


def test_one_slow_answer_holds_up_no_other_chunk(make_frozen, postbox, settings):
    settings.SEND_CHUNK = 4
    campaign = make_frozen(40)
    postbox.quirks["r1@example.org"] = [Quirk("after", "250 2.0.0 at last", wait=2)]
    began = time.monotonic()
    seen = []
    sender.run(campaign.pk, stop=lambda: seen.append((time.monotonic() - began, len(postbox.truth))))
    others = min(when for when, sent in seen if sent >= 39)
    assert others < 1.5
    assert set(states(campaign).values()) == {"sent"}
    assert set(postbox.copies().values()) == {1}
    assert not Chunk.objects.exclude(owner="", closed=True, window_from=None, epoch=1).exists()


@pytest.mark.parametrize("window", [1, 4, 10])
def test_a_lane_never_has_more_than_one_window_open(make_frozen, postbox, settings, window):
    """All that is open is in doubt when the machine is lost together with its journals."""
    settings.SEND_CHUNK, settings.SEND_WINDOW = 12, window
    campaign = make_frozen(60)
    postbox.quirks["r3@example.org"] = [Quirk("after", "250 2.0.0 at last", wait=1)]  # its chunk drains beside others
    seen = []
    sender.run(campaign.pk, stop=lambda: seen.append(_open_in(campaign)))
    assert 0 < max(seen) <= window
    assert set(postbox.copies().values()) == {1}
    assert len(postbox.copies()) == 60


def _open_in(campaign) -> int:
    windows = campaign.chunks.exclude(window_from=None).values_list("window_from", "window_to")
    return sum(campaign.deliveries.open().filter(number__range=window).count() for window in windows)


def test_does_not_wait_for_a_hanging_relay_when_asked_to_stop_before_the_dot(make_frozen, postbox):
    campaign = make_frozen(2)
    postbox.quirks["r0@example.org"] = [Quirk("rcpt", "250 ok", wait=30)]
    ends = time.monotonic() + 1
    began = time.monotonic()
    assert sender.run(campaign.pk, stop=lambda: time.monotonic() > ends).end is End.STOPPED
    assert time.monotonic() - began < 5
    assert states(campaign)["r0"] == "queued"


def test_the_journal_is_gone_when_all_is_settled(campaign, postbox, own_journal):
    sender.run(campaign.pk)
    assert list(own_journal.glob("*.journal")) == []


def test_a_journal_that_cannot_be_written_stops_the_lane_and_says_so(campaign, postbox, own_journal):
    own_journal.write_text("a file stands where the folder should be")

    assert sender.run(campaign.pk).end is End.TROUBLE
    campaign.refresh_from_db()
    assert campaign.trouble.startswith("The journal cannot be written:")
    assert postbox.truth == []


def test_the_minutes_of_a_campaign_add_up_to_what_became_of_it(make_frozen, postbox, no_evidence):
    campaign = make_frozen(6, doubt_policy="skip")
    postbox.quirks["r0@example.org"] = [Quirk("rcpt", "550 5.1.1 no such user")]
    postbox.quirks["r1@example.org"] = [Quirk("rcpt", "550 5.2.1 closed")]
    postbox.quirks["r2@example.org"] = [Quirk("rcpt", "451 4.7.1 later")]
    postbox.quirks["r3@example.org"] = [Quirk("after")] * 3
    Subscription.objects.filter(subscriber__email="r4@example.org").update(state="left")
    sender.run(campaign.pk)
    columns = ("sent", "rejected", "hard", "deferred", "doubtful", "other")
    assert campaign.minutes.aggregate(**{each: Sum(each) for each in columns}) == {
        "sent": 1,
        "rejected": 2,
        "hard": 1,
        "deferred": 1,
        "doubtful": 1,
        "other": 1,
    }
    campaign.refresh_from_db()
    assert campaign.progress_at > campaign.started_at


def test_a_campaign_that_does_harm_is_paused_by_its_lane(make_frozen, postbox):
    campaign = make_frozen(130)
    postbox.always = Quirk("rcpt", "550 5.1.1 no such user")
    sender.run(campaign.pk)
    campaign.refresh_from_db()
    assert campaign.state == "paused"
    assert "do not exist" in campaign.trouble


def test_a_warm_up_plan_ends_the_day_and_says_so(make_frozen, postbox, moving_clock, settings):
    settings.SEND_CHUNK = 2
    today = moving_clock().date()
    campaign = make_frozen(7, warm_up_from=today, warm_up_first=3, warm_up_growth=100)
    assert sender.run(campaign.pk, clock=moving_clock).end is End.NOTHING_DUE
    assert len(postbox.truth) == 3
    campaign.refresh_from_db()
    assert (campaign.state, campaign.trouble) == ("sending", CEILING)
    midnight = warmup.opens_again(moving_clock())
    assert set(Chunk.objects.filter(closed=False).values_list("due_at", flat=True)) == {midnight}
    assert sender.run(campaign.pk, clock=moving_clock).chunks == 0

    moving_clock.ahead += midnight - moving_clock()
    sender.run(campaign.pk, clock=moving_clock)
    assert set(postbox.copies().values()) == {1}
    assert len(postbox.copies()) == 7
    campaign.refresh_from_db()
    assert (campaign.state, campaign.trouble) == ("done", "")


def test_a_domain_with_a_pace_is_sent_to_in_its_time(make_frozen, postbox, moving_clock):
    DomainPace.objects.create(domain="example.org", per_minute=12)
    campaign = make_frozen(4)
    sender.run(campaign.pk, clock=moving_clock)
    waiting = Delivery.objects.filter(state="deferred")
    assert len(postbox.truth) + waiting.count() == 4
    assert set(waiting.values_list("paced", "attempts")) == {(True, 0)}
    assert waiting.count() >= 2
    moving_clock.move(minutes=1)
    sender.run(campaign.pk, clock=moving_clock)
    assert set(states(campaign).values()) == {"sent"}
    assert set(postbox.copies().values()) == {1}
    assert not Delivery.objects.filter(paced=True).exists()


def test_nothing_leaves_over_a_database_that_was_restored(campaign, postbox):
    Instance.objects.create(pk=1, mark="12345678 another place", ticked_at=clock.database_now())
    assert sender.run(campaign.pk).end is End.STOPPED
    assert postbox.truth == []
    assert set(states(campaign).values()) == {"queued"}


def test_a_relay_that_cannot_be_read_is_named_on_the_campaign(campaign, settings):
    settings.EMAIL_URL = "smtp://127.0.0.1:25?speed=7"
    assert sender.run(campaign.pk).end is End.TROUBLE
    campaign.refresh_from_db()
    assert campaign.trouble.startswith("EMAIL_URL has the option 'speed'")

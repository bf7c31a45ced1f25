"""A sender that died, at every place around the dot; its successor has only the rows and the journal."""

from datetime import timedelta

import pytest
from django.utils import timezone

from newsletter.models import Campaign, Chunk, Delivery, Subscription
from newsletter.sending import claim, clock, due, journal, ledger, sender
from newsletter.sending.claim import Fenced
from newsletter.sending.health import Health
from newsletter.sending.journal import SIZE, Journal, Sealed
from newsletter.sending.messages import Press
from newsletter.sending.outbox import Outbox, Place
from newsletter.sending.outcomes import Accepted, Doubt, Letter, Outcome, Settlement
from newsletter.sending.outcomes import settlement as settlement_of
from newsletter.sending.post import Envelope, Halt
from newsletter.sending.shift import Shift
from newsletter.sending.tally import Tally
from newsletter.sending.throttle import Throttle
from tests.postbox import Quirk


class DeadSender:
    """A sender that opened a window of all letters and died; `got_to` says how far it came with each."""

    def __init__(self, campaign: Campaign) -> None:
        self.journal = Journal.create()
        hold = claim.claim(campaign.pk, owner=self.journal.owner, now=clock.database_now())
        assert hold is not None
        self.hold = hold
        self.letters = claim.take_turn(hold, size=50, now=clock.database_now()).letters

    def got_to(self, number: int, *, code: int | None = None) -> None:
        letter = self.letters[number]
        about = {"delivery": letter.delivery, "epoch": self.hold.epoch, "attempt": letter.attempts}
        self.journal.at_dot(**about)
        if code is not None:
            self.journal.answer(**about, code=code)


def settlement(letter: Letter, outcome: Outcome) -> Settlement:
    found = settlement_of(letter, outcome, now=clock.database_now(), evidence=timedelta(minutes=30))
    assert found is not None
    return found


def settle(hold: claim.Hold, *settlements: Settlement, epoch: int | None = None) -> int:
    epoch = hold.epoch if epoch is None else epoch
    return ledger.settle(settlements, chunk_id=hold.chunk.pk, epoch=epoch, now=clock.database_now())


def lease_runs_out(ago: timedelta = timedelta(seconds=1)) -> None:
    Chunk.objects.exclude(lease_until=None).update(lease_until=timezone.now() - ago)


def state_of(number: int) -> str:
    return Delivery.objects.get(number=number).state


def take_over(campaign: Campaign):
    return claim.claim(campaign.pk, owner=Journal.create().owner, now=clock.database_now())


@pytest.fixture
def dead(campaign) -> DeadSender:
    return DeadSender(campaign)


def test_nobody_can_claim_a_chunk_whose_lease_runs(campaign, dead):
    assert take_over(campaign) is None


def test_each_delivery_is_settled_as_far_as_its_sender_came(make_frozen):
    campaign = make_frozen(7, doubt_policy="skip")
    dead = DeadSender(campaign)
    for number, code in enumerate((250, 450, 550, None, 421, 777)):
        dead.got_to(number, code=code)
    lease_runs_out()

    assert take_over(campaign).epoch == 2
    found = list(Delivery.objects.order_by("number").values_list("state", flat=True))
    assert found == ["sent", "deferred", "rejected", "in_doubt", "queued", "in_doubt", "queued"]
    assert Delivery.objects.filter(doubted_at=None).count() == 5
    chunk = Chunk.objects.get()
    assert (chunk.window_from, chunk.window_to) == (None, None)
    assert Delivery.objects.get(number=0).reply.startswith("250 ")


def test_the_successor_sends_to_the_rest_and_to_nobody_twice_but_the_one_in_doubt(make_frozen, postbox, no_evidence):
    campaign = make_frozen(4)
    dead = DeadSender(campaign)
    dead.got_to(0, code=250)
    dead.got_to(1)
    lease_runs_out()

    sender.run(campaign.pk)

    assert sorted(postbox.copies()) == ["r1@example.org", "r2@example.org", "r3@example.org"]
    assert Delivery.objects.doubtful().get().subscriber.email == "r1@example.org"
    assert set(Delivery.objects.values_list("state", flat=True)) == {"sent"}
    campaign.refresh_from_db()
    assert campaign.state == "done"


def test_a_torn_record_at_the_end_is_passed_over(campaign, dead):
    dead.got_to(0, code=250)
    dead.got_to(1)
    with dead.journal.path.open("r+b") as file:
        file.truncate(3 * SIZE - 5)  # the death came in the middle of a write: that dot was never sent
    lease_runs_out()
    take_over(campaign)
    assert [state_of(0), state_of(1), state_of(2)] == ["sent", "queued", "queued"]


def test_a_torn_answer_is_a_doubt(make_frozen):
    campaign = make_frozen(2, doubt_policy="skip")
    dead = DeadSender(campaign)
    dead.got_to(0, code=250)
    with dead.journal.path.open("r+b") as file:
        file.truncate(2 * SIZE - 1)
    lease_runs_out()
    take_over(campaign)
    assert [state_of(0), state_of(1)] == ["in_doubt", "queued"]


def test_without_its_journal_the_whole_window_is_in_doubt(campaign, dead):
    dead.journal.path.unlink()
    lease_runs_out()
    take_over(campaign)
    assert [state_of(0), state_of(1), state_of(2)] == ["in_doubt"] * 3


def test_a_journal_from_before_the_machine_fell_may_lack_its_end(campaign, dead, monkeypatch):
    dead.got_to(0, code=250)
    monkeypatch.setattr(journal, "_boot", lambda: "another1")
    lease_runs_out()
    take_over(campaign)
    assert [state_of(0), state_of(1), state_of(2)] == ["sent", "in_doubt", "in_doubt"]


def test_another_machine_waits_two_minutes_for_the_one_that_can_read_the_journal(campaign, dead):
    Chunk.objects.update(owner="elsewhere-12345678/boot-1-2")
    lease_runs_out(timedelta(seconds=100))
    assert take_over(campaign) is None
    lease_runs_out(timedelta(seconds=121))
    assert take_over(campaign) is not None
    assert state_of(0) == "in_doubt"


def test_only_the_record_of_the_present_attempt_counts(campaign, dead):
    """A letter in doubt was queued again in the same hold; its second attempt did not reach the dot."""
    dead.got_to(0)
    Delivery.objects.filter(number=0).update(attempts=1, doubts=1, doubted_at=timezone.now())
    lease_runs_out()
    take_over(campaign)
    assert (state_of(0), Delivery.objects.get(number=0).doubts) == ("queued", 1)


def test_a_fenced_sender_can_write_nothing(campaign, dead, postbox):
    lease_runs_out()
    fresh = take_over(campaign)
    Subscription.objects.filter(subscriber__email="r1@example.org").update(state="left")
    found = settlement(dead.letters[0], Accepted(250, "ok"))

    with pytest.raises(Fenced):
        claim.take_turn(dead.hold, [found], size=50, now=clock.database_now())
    with pytest.raises(Fenced):
        claim.let_go(dead.hold, [found], now=clock.database_now())
    assert settle(dead.hold, found) == 0
    assert [state_of(0), state_of(1)] == ["queued", "queued"]
    assert Chunk.objects.get().owner != ""
    assert settle(dead.hold, found, epoch=fresh.epoch) == 1


def test_a_sender_that_was_frozen_withholds_the_dot_when_it_wakes(campaign, dead):
    lease_runs_out()
    take_over(campaign)
    with pytest.raises((Sealed, FileNotFoundError)):
        dead.got_to(0)


def test_the_dot_is_withheld_once_the_lease_has_run_out(campaign, dead, relay, settings):
    """Nobody took the chunk, but we slept: meanwhile a reader may have left."""
    settings.SEND_LEASE_SECONDS = 0
    slept = Shift(dead.hold, dead.journal, Tally(), now=clock.database_now())
    throttle = Throttle(clock=clock.database_now)
    outbox = Outbox(press=Press(campaign), throttle=throttle, health=Health(connections=1))
    with pytest.raises(Halt):
        outbox.at_dot(Envelope("", "", b"", about=Place(slept, dead.letters[0])))
    assert dead.journal.path.stat().st_size == 0
    outbox.put(slept, dead.letters)
    assert outbox.next_envelope(relay) is None


def test_a_frozen_sender_sends_nothing_more(make_frozen, postbox, no_evidence):
    """Frozen while the first answers are awaited, for longer than its lease, while another finishes its work."""
    campaign = make_frozen(4)

    postbox.quirks["r0@example.org"] = [Quirk("after", "250 2.0.0 taken", wait=1)]
    slept = []

    def stop() -> bool:
        if "r0@example.org" in postbox.copies() and not slept:
            slept.append(True)
            lease_runs_out()  # we sleep ...
            sender.run(campaign.pk)  # ... and another lane does it all
        return False

    assert sender.run(campaign.pk, stop=stop).end is sender.End.FENCED
    doubtful = dict(Delivery.objects.doubtful().values_list("subscriber__email", "doubts"))
    assert postbox.copies() == {f"r{n}@example.org": 1 + doubtful.get(f"r{n}@example.org", 0) for n in range(4)}
    assert doubtful["r0@example.org"] == 1
    assert set(Delivery.objects.values_list("state", flat=True)) == {"sent"}


def test_the_dead_ones_journal_is_removed_after_it_was_settled(campaign, dead, django_capture_on_commit_callbacks):
    lease_runs_out()
    with django_capture_on_commit_callbacks(execute=True):
        take_over(campaign)
    assert not dead.journal.path.exists()


def test_windows_of_dead_senders_are_settled_in_a_cancelled_campaign_too(campaign, dead):
    dead.got_to(0, code=250)
    dead.got_to(1)
    Campaign.objects.update(state="cancelled")
    lease_runs_out()
    due.tick(now=clock.database_now())
    assert [state_of(0), state_of(1), state_of(2)] == ["sent", "in_doubt", "queued"]


def test_a_lane_that_is_torn_down_leaves_its_journal_to_the_next(make_frozen, postbox, no_evidence):
    campaign = make_frozen(4)

    def stop() -> bool:
        if len(postbox.truth) >= 3:
            raise SystemExit
        return False

    with pytest.raises(SystemExit):
        sender.run(campaign.pk, stop=stop)
    lease_runs_out()
    sender.run(campaign.pk)
    doubtful = dict(Delivery.objects.doubtful().values_list("subscriber__email", "doubts"))
    assert len(postbox.copies()) == 4
    assert all(copies <= 1 + doubtful.get(reader, 0) for reader, copies in postbox.copies().items())
    assert set(Delivery.objects.values_list("state", flat=True)) == {"sent"}


def test_a_window_settled_twice_is_settled_once(campaign, dead):
    """The commit came through but its answer was lost: the sender tries again."""
    found = [settlement(letter, Accepted(250, "ok")) for letter in dead.letters]
    assert claim.take_turn(dead.hold, found, size=50, now=clock.database_now()).settled == 3
    assert claim.take_turn(dead.hold, found, size=50, now=clock.database_now()).settled == 0
    claim.let_go(dead.hold, found, now=clock.database_now())
    assert set(Delivery.objects.values_list("state", "attempts")) == {("sent", 1)}
    assert Chunk.objects.get().closed


@pytest.mark.parametrize("state", ["paused", "cancelled"])
def test_a_campaign_that_was_stopped_is_settled_and_opens_no_window(campaign, dead, state):
    Campaign.objects.update(state=state)
    now = clock.database_now()
    found = [settlement(dead.letters[0], Accepted(250, "ok")), settlement(dead.letters[1], Doubt("lost"))]
    opened = claim.take_turn(dead.hold, found, size=50, now=now, after=1, oldest=None)
    assert (opened.letters, opened.sending, opened.settled) == ([], False, 2)
    assert [state_of(0), state_of(1), state_of(2)] == ["sent", "in_doubt", "queued"]
    claim.let_go(dead.hold, now=now)
    chunk = Chunk.objects.get()
    assert (chunk.owner, chunk.closed, chunk.window_from) == ("", False, None)


def test_what_has_ended_takes_no_other_end(campaign, dead):
    found = settlement(dead.letters[0], Accepted(250, "ok"))
    Delivery.objects.filter(number=0).update(state="suppressed")
    assert settle(dead.hold, found) == 0
    assert claim.take_turn(dead.hold, [found], size=0, now=clock.database_now()).settled == 0
    assert state_of(0) == "suppressed"


def test_old_journals_that_no_chunk_names_are_swept(campaign, dead, own_journal):
    stray = Journal.create()
    assert journal.sweep(named=[dead.journal.owner], before=timezone.now().timestamp() + 1) == 1
    assert dead.journal.path.exists()
    assert not stray.path.exists()

"""Several at once, in real threads with their own connections to the database."""

import threading
from collections.abc import Callable

import pytest
from django.db import connection

from newsletter.models import Campaign, Chunk, Delivery
from newsletter.sending import campaigns, claim, clock, due, sender
from newsletter.sending.campaigns import AlreadyStarted, FreezeRefused, NotMoved
from newsletter.sending.journal import Journal
from tests.makers import make_newsletter, make_subscriber
from tests.newsletter.sending.conftest import approved_edition

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)


def at_once(number: int, act: Callable[[], object]) -> list[object]:
    """What `act` gave, or raised, in each of so many threads that start together."""
    gate = threading.Barrier(number)
    found: list[object] = []

    def one() -> None:
        try:
            gate.wait()
            found.append(act())
        except Exception as error:
            found.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=one) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def test_five_who_start_at_once_make_one_campaign():
    edition = approved_edition(make_newsletter())
    slot = clock.database_now()
    found = at_once(5, lambda: campaigns.start(edition, slot=slot, actor="vera", now=slot))
    assert sorted(type(each).__name__ for each in found) == ["AlreadyStarted"] * 4 + ["Campaign"]
    assert all(each.by == "vera" for each in found if isinstance(each, AlreadyStarted))
    assert Campaign.objects.count() == 1


def test_five_who_freeze_at_once_make_one_audience():
    newsletter = make_newsletter()
    make_subscriber(newsletter)
    campaign = campaigns.start(approved_edition(newsletter), slot=None, actor="vera", now=clock.database_now())

    def freeze() -> None:
        campaigns.freeze(Campaign.objects.get(pk=campaign.pk), actor="vera", now=clock.database_now())

    found = at_once(5, freeze)
    assert found.count(None) == 1
    assert all(isinstance(each, NotMoved | FreezeRefused | None) for each in found), found
    assert (Delivery.objects.count(), campaign.moves.filter(to_state="frozen").count()) == (1, 1)


def test_five_ticks_at_once_make_one_campaign_and_release_it_once():
    newsletter = make_newsletter(hold_seconds=0, weekly=False)
    make_subscriber(newsletter)
    now = clock.database_now()
    approved_edition(newsletter, slot=now)
    at_once(5, lambda: due.tick(now=now))
    due.tick(now=now)
    campaign = Campaign.objects.get()
    assert campaign.state == "sending"
    assert [move.to_state for move in campaign.moves.all()] == ["draft", "frozen", "sending"]
    assert Delivery.objects.count() == 1


def test_a_chunk_has_one_holder(settings, make_frozen):
    settings.SEND_CHUNK = 2
    campaign = make_frozen(4)
    owners = [Journal.create().owner for _ in range(6)]
    found = at_once(6, lambda: claim.claim(campaign.pk, owner=owners.pop(), now=clock.database_now()))
    holds = [each for each in found if each is not None]
    assert all(isinstance(each, claim.Hold) for each in holds), found
    assert sorted(hold.chunk.number for hold in holds) == [0, 1]
    assert set(Chunk.objects.values_list("epoch", flat=True)) == {1}


def test_four_lanes_share_a_campaign_and_nobody_gets_two(settings, make_frozen, postbox):
    settings.SEND_CHUNK, settings.SEND_WINDOW = 10, 4
    campaign = make_frozen(60)
    found = at_once(4, lambda: sender.run(campaign.pk))
    assert all(isinstance(each, sender.Run) for each in found), found
    assert len(postbox.copies()) == 60
    assert set(postbox.copies().values()) == {1}
    due.tick(now=clock.database_now())
    campaign.refresh_from_db()
    assert campaign.state == "done"


@pytest.mark.parametrize("verb", ["pause", "cancel"])
def test_nothing_leaves_five_seconds_after_it_was_stopped(make_frozen, postbox, verb):
    campaign = make_frozen(40)
    postbox.slow = 0.2
    lane = threading.Thread(target=lambda: (sender.run(campaign.pk), connection.close()))
    lane.start()
    while len(postbox.truth) < 3:
        pass
    getattr(campaigns, verb)(Campaign.objects.get(pk=campaign.pk), actor="vera", now=clock.database_now())
    lane.join(timeout=5)
    assert not lane.is_alive()
    left = len(postbox.truth)
    assert left < 40
    assert Delivery.objects.filter(state="sent").count() == left
    assert Delivery.objects.filter(state="queued").count() == 40 - left

    if verb == "pause":
        postbox.slow = 0
        campaigns.resume(Campaign.objects.get(pk=campaign.pk), actor="vera", now=clock.database_now())
        sender.run(campaign.pk)
        assert set(postbox.copies().values()) == {1}
        assert len(postbox.copies()) == 40


@pytest.mark.skipif("connection.vendor != 'postgresql'")
def test_a_database_that_goes_away_in_mid_send_costs_nobody_a_mail_and_nobody_gets_two(make_frozen, postbox, settings):
    settings.SEND_CHUNK, settings.SEND_WINDOW = 20, 4
    campaign = make_frozen(100)
    broken = []

    def stop() -> bool:
        if len(postbox.truth) > 10 * (1 + len(broken)) and len(broken) < 3:
            broken.append(connection.connection)
            connection.connection.close()  # as a server that was restarted
        return False

    assert sender.run(campaign.pk, stop=stop).end is sender.End.NOTHING_DUE
    assert len(broken) == 3
    assert set(postbox.copies().values()) == {1}
    assert len(postbox.copies()) == 100
    assert set(Delivery.objects.values_list("state", "doubts")) == {("sent", 0)}
    campaign.refresh_from_db()
    assert campaign.state == "done"

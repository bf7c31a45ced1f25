"""Room on the disk, before a freeze and while sending."""

import shutil
from types import SimpleNamespace

import pytest
from django.db import connection

from newsletter.sending import campaigns, clock, room
from newsletter.sending.campaigns import FreezeRefused
from tests.makers import make_newsletter, make_subscriber
from tests.newsletter.sending.conftest import approved_edition

pytestmark = pytest.mark.django_db


@pytest.fixture
def disk(monkeypatch):
    """A disk that can be filled."""
    usage = SimpleNamespace(free=10**12)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage)
    return usage


def test_a_disk_with_room_is_no_reason(disk):
    assert room.reasons_against(1_000_000) == []
    assert room.shortage() == ""


def test_a_freeze_asks_for_twice_what_it_will_need(disk):
    sqlite = connection.vendor == "sqlite"
    need = max(1_000_000 * room.BYTES_A_DELIVERY + room.BYTES_FOR_VARIANTS if sqlite else 0, 48_000_000 + 16_000_000)
    disk.free = 2 * need
    assert room.reasons_against(1_000_000) == []
    disk.free -= 1
    (reason,) = room.reasons_against(1_000_000)
    assert f"may need {need / 1e6:,.0f} MB: make room until {2 * need / 1e6:,.0f} MB are free." in reason


def test_a_campaign_is_not_frozen_without_room(disk):
    newsletter = make_newsletter()
    make_subscriber(newsletter)
    now = clock.database_now()
    campaign = campaigns.start(approved_edition(newsletter), slot=None, actor="vera", now=now)
    disk.free = 20_000_000
    with pytest.raises(FreezeRefused, match="has 20 MB free"):
        campaigns.freeze(campaign, actor="vera", now=now)
    disk.free = 10**12
    campaigns.freeze(campaign, actor="vera", now=now)
    assert campaign.state == "frozen"


def test_sending_stops_before_the_disk_is_full(disk, django_assert_num_queries):
    disk.free = 31_000_000
    with django_assert_num_queries(0):
        words = room.shortage()
    assert words.startswith("Only 31 MB are free on the disk of /")
    assert "sending wants 32 MB: make room there" in words


def test_the_folders_of_this_machine_can_be_asked():
    assert room.reasons_against(1) == [] or "MB free" in room.reasons_against(1)[0]

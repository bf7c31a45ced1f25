"""kill -9 in mid-send: everyone has the message, nobody two but those named in doubt, at most one doubt a death.

SEED and KILLS in the environment make it another run, or a longer one.
"""

import contextlib
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection

from newsletter import tasks
from newsletter.editions import compose
from newsletter.models import Campaign, Chunk, Delivery
from newsletter.sending import campaigns, clock
from tests.makers import make_edition, make_newsletter, make_story, make_subscriber
from tests.parts import wait_until
from tests.parts.worker import Worker, child_environment
from tests.postbox import Postbox

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)

READERS = 500
KILLS = int(os.environ.get("KILLS", "3"))
SEED = int(os.environ.get("SEED", "1"))
LEASE = "2"


@pytest.fixture
def postbox(settings) -> Iterator[Postbox]:
    box = Postbox(slow=0.002)
    settings.EMAIL_URL = box.url
    yield box
    box.close()


@pytest.fixture
def campaign() -> Campaign:
    newsletter = make_newsletter()
    edition = make_edition(newsletter, [make_story()])
    now = clock.database_now()
    compose.approve(edition, actor="the test", now=now)
    for _ in range(READERS):
        make_subscriber(newsletter)
    campaign = campaigns.start(edition, slot=None, actor="the test", now=now)
    campaigns.freeze(campaign, actor="the test", now=now)
    campaigns.release(campaign, actor="the test", now=now, early=True)
    return campaign


def deaths() -> list[int]:
    """After how many messages to kill."""
    return sorted(random.Random(SEED).sample(range(5, READERS - 20), KILLS))


def check(campaign: Campaign, postbox: Postbox, *, killed: int) -> None:
    copies = postbox.copies()
    doubtful = dict(Delivery.objects.doubtful().values_list("subscriber__email", "doubts"))
    campaign.refresh_from_db()
    summary = {
        "seed": SEED,
        "killed": killed,
        "lost": READERS - len(copies),
        "unsettled": Delivery.objects.open().count(),
        "doubled_outside_doubt": sum(n > 1 + doubtful.get(reader, 0) for reader, n in copies.items()),
        "extra_copies": sum(copies.values()) - len(copies),
        "doubts": sum(doubtful.values()),
    }
    print(summary)  # noqa: T201
    assert (summary["lost"], summary["unsettled"], summary["doubled_outside_doubt"]) == (0, 0, 0), summary
    assert summary["doubts"] <= killed, summary
    assert campaign.state == "done"
    assert Delivery.objects.filter(state="sent").count() == READERS
    assert not Chunk.objects.filter(closed=False).exists()


@pytest.mark.long
def test_a_lane_killed_in_mid_send(campaign: Campaign, postbox: Postbox, tmp_path: Path) -> None:
    command = [sys.executable, "manage.py", "send_edition", str(campaign.edition_id), "--wait"]
    env = child_environment(VAR_DIR=str(tmp_path), LEASE_SECONDS=LEASE)
    for after in deaths():
        with subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL) as lane:
            wait_until(lambda after=after: len(postbox.truth) >= after, what=f"{after} messages", within=60)
            lane.kill()
    subprocess.run(command, env=env, check=True, timeout=120)
    check(campaign, postbox, killed=KILLS)


@pytest.mark.long
def test_a_lane_frozen_beyond_its_lease(campaign: Campaign, postbox: Postbox, tmp_path: Path) -> None:
    """The one that wakes again must send nothing more; the dots of the two never meet."""
    command = [sys.executable, "manage.py", "send_edition", str(campaign.edition_id), "--wait"]
    env = child_environment(VAR_DIR=str(tmp_path), LEASE_SECONDS=LEASE)
    frozen = []
    for after in deaths():
        lane = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL)
        wait_until(lambda after=after: len(postbox.truth) >= after, what=f"{after} messages", within=60)
        freeze(lane)
        frozen.append(lane)
    last = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL)
    waited = len(postbox.truth)
    wait_until(lambda: len(postbox.truth) > waited, what="the last lane", within=60)
    for lane in frozen:
        lane.send_signal(signal.SIGCONT)  # while the last one is at work
    for lane in (last, *frozen):
        assert lane.wait(timeout=120) == 0
    check(campaign, postbox, killed=KILLS)


def freeze(lane: "subprocess.Popen[bytes]") -> None:
    """Stop the process between its transactions: on SQLite one that is frozen as the writer holds up all others."""
    while True:
        lane.send_signal(signal.SIGSTOP)
        if lane.poll() is not None or not is_locked():
            return
        lane.send_signal(signal.SIGCONT)
        time.sleep(0.02)


def is_locked() -> bool:
    if connection.vendor != "sqlite":
        return False
    with contextlib.closing(sqlite3.connect(connection.settings_dict["NAME"], timeout=0.2)) as other:
        try:
            other.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return True
        other.rollback()
        return False


@pytest.mark.redis
def test_a_celery_worker_killed_in_mid_send(campaign: Campaign, postbox: Postbox, broker: str, monkeypatch) -> None:
    monkeypatch.setenv("LEASE_SECONDS", LEASE)
    worker = Worker(redis_url=broker, name="killed")
    beat = Beat()
    try:
        for after in deaths():
            worker.start()
            wait_until(lambda after=after: beat() or len(postbox.truth) >= after, what=f"{after} messages", within=60)
            worker.kill()
        worker.start()
        wait_until(lambda: beat() or _is_done(campaign), what="the end of the campaign", within=90)
    finally:
        worker.stop()
    check(campaign, postbox, killed=KILLS * 2)  # a worker has two processes, each with a lane


class Beat:
    """Queues the tick once a second, as beat would."""

    def __init__(self) -> None:
        self._next = 0.0

    def __call__(self) -> None:
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + 1
            tasks.tick.delay()


def _is_done(campaign: Campaign) -> bool:
    return Campaign.objects.filter(pk=campaign.pk, state="done").exists()

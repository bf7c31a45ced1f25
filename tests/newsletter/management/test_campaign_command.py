"""`manage.py campaign`: the page's facts in plain lines, its exit codes, and the CSV."""

import csv
import io
import os
import pty
import signal
import subprocess
import sys
import threading
import time
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from newsletter.management.commands import campaign as command
from newsletter.models import Campaign, CampaignMinute, Delivery
from newsletter.sending import campaigns, clock
from tests.newsletter.sending.conftest import campaign, make_frozen, own_journal  # noqa: F401
from tests.parts.worker import child_environment

pytestmark = pytest.mark.django_db


def run(*words: str) -> tuple[str, int]:
    out, code = io.StringIO(), 0
    try:
        call_command("campaign", *words, stdout=out)
    except SystemExit as ending:
        code = int(ending.code or 0)
    return out.getvalue(), code


def doubt(campaign: Campaign, **values: object) -> None:  # noqa: F811
    campaign.deliveries.filter(number=0).update(state="in_doubt", doubts=1, doubted_at=clock.database_now(), **values)


def test_it_tells_the_facts_of_the_page(campaign):  # noqa: F811
    now = clock.database_now()
    doubt(campaign, reply="Lost at the dot.", next_attempt_at=now + timedelta(minutes=9))
    campaign.deliveries.filter(number=1).update(state="rejected", reply="550 5.1.1 nobody", settled_at=now)
    later = now + timedelta(hours=1)
    campaign.deliveries.filter(number=2).update(state="deferred", paced=True, next_attempt_at=later)
    Campaign.objects.update(excluded={"left": 4}, started_at=now - timedelta(hours=1), trouble="Slowly does it.")
    CampaignMinute.objects.create(campaign=campaign, minute=now.replace(second=0, microsecond=0), sent=600)
    told, code = run(str(campaign.pk), "--once")
    assert code == 0
    for fact in [
        "Sending  Slowly does it.",
        "[#############...........................] 1/3",
        "rejected             1",
        "1 wait for a place at their domain",
        "not mailed: left               4",
        "1 x 550 5.1.1 nobody  (550 5.1.1, last at",
        "In doubt at some time: 1",
        "r0@example.org  in_doubt, at most 1 copies: Lost at the dot.; evidence is waited for until",
    ]:
        assert fact in told
    assert "/s" in told


@pytest.mark.parametrize(("verb", "code"), [("pause", 3), ("cancel", 4)])
def test_its_exit_code_says_who_must_act(campaign, verb, code):  # noqa: F811
    getattr(campaigns, verb)(campaign, actor="vera", now=clock.database_now())
    assert run(str(campaign.pk))[1] == code


def test_done_is_zero_and_stalled_waits_for_a_person(campaign):  # noqa: F811
    long_ago = clock.database_now() - timedelta(minutes=9)
    Campaign.objects.update(progress_at=long_ago)
    campaign.chunks.update(due_at=long_ago)
    told, code = run("--once")
    assert (code, "(stalled)" in told, "stalled for 0:09:" in told) == (3, True, True)
    campaign.deliveries.update(state="sent", reply="250 ok", settled_at=long_ago)
    campaigns.finish(campaign, now=clock.database_now())
    assert run()[1] == 0


@pytest.mark.django_db(transaction=True)
def test_it_writes_a_line_when_something_changed_and_ends_with_the_campaign(campaign, monkeypatch):  # noqa: F811
    monkeypatch.setattr(command, "LINE_SECONDS", 0.1)
    monkeypatch.setattr(command, "BAR_SECONDS", 0.02)

    def send_it() -> None:
        for number in range(3):
            time.sleep(0.5)
            mine = Delivery.objects.filter(campaign=campaign, number=number)
            mine.update(state="sent", reply="250 ok", settled_at=clock.database_now())
        time.sleep(0.5)
        campaigns.finish(campaign, now=clock.database_now())
        connection.close()

    sender = threading.Thread(target=send_it)
    sender.start()
    told, code = run(str(campaign.pk))
    sender.join()
    bars = [line for line in told.splitlines() if line.startswith("[")]
    assert [line.partition("] ")[2] for line in bars] == ["0/3", "1/3", "2/3", "3/3", "3/3"]  # the last is the table's
    assert (code, "\r" in told) == (0, False)


@pytest.mark.django_db(transaction=True)
def test_on_a_terminal_the_bar_moves_in_its_line_and_control_c_leaves_quietly(campaign):  # noqa: F811
    ours, its = pty.openpty()
    words = [sys.executable, "manage.py", "campaign", str(campaign.pk)]
    process = subprocess.Popen(
        words,
        env=child_environment(),
        stdout=its,
        stderr=its,
        stdin=its,
        start_new_session=True,
        # A shell that runs the tests in the background ignores Ctrl-C, and every child would inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    os.close(its)
    seen = b""
    while seen.count(b"\r[") < 2:
        seen += os.read(ours, 4096)
    process.send_signal(signal.SIGINT)
    while chunk := _read(ours):
        seen += chunk
    os.close(ours)
    assert process.wait(timeout=20) == command.INTERRUPTED
    assert b"Traceback" not in seen
    assert seen.endswith(b"\r\n")


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 4096)
    except OSError:  # Linux: the other side has been closed
        return b""


def test_the_csv_goes_to_the_output_or_to_a_file_of_ones_own(campaign, tmp_path: Path):  # noqa: F811
    campaign.deliveries.filter(number=1).update(state="rejected", reply="550 no", settled_at=timezone.now())
    told, code = run(str(campaign.pk), "--csv", "rejected")
    (row,) = csv.DictReader(io.StringIO(told, newline=""))
    assert (row["email"], row["words"], code) == ("r1@example.org", "550 no", 0)
    target = tmp_path / "all.csv"
    assert run(str(campaign.pk), "--csv", "all", "--out", str(target)) == ("", 0)
    assert len(target.read_bytes().split(b"\r\n")) == 5
    assert target.stat().st_mode & 0o777 == 0o600


def test_what_cannot_be_is_told(campaign, tmp_path: Path):  # noqa: F811
    with pytest.raises(CommandError, match="add --csv STATE"):
        run(str(campaign.pk), "--out", "x")
    with pytest.raises(CommandError, match="cannot be written to .*: No such file or directory"):
        run(str(campaign.pk), "--csv", "all", "--out", str(tmp_path / "none" / "x.csv"))
    with pytest.raises(CommandError, match="invalid choice: 'lost'"):
        run(str(campaign.pk), "--csv", "lost")

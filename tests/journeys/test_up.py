"""An operator starts the newsroom, looks at it, and stops it."""

import smtplib
import subprocess
import sys
import urllib.request
from collections.abc import Callable

import pytest

from newsletter.inbox import maildir
from tests.parts import wait_until
from tests.parts.newsroom import ROOT, Newsroom

Start = Callable[..., Newsroom]


def fetch(address: str) -> str:
    with urllib.request.urlopen(address, timeout=10) as answer:
        return str(answer.read().decode())


@pytest.mark.redis
def test_everything_starts_serves_and_stops_without_leaving_a_process(newsroom: Start) -> None:
    room = newsroom("--no-demo", DEMO_PASSWORD="")
    assert room.lines[-1] == f"READY {room.url}/"
    assert (room.var_dir / "demo_password").stat().st_mode & 0o777 == 0o600

    with smtplib.SMTP("127.0.0.1", room.inbox_port, local_hostname="localhost") as client:
        client.sendmail("b@example.org", ["ada@example.org"], "Subject: Hello from outside\r\n\r\nText\r\n")
    assert "Hello from outside" in fetch(f"{room.url}/inbox/")

    second = subprocess.run(
        [sys.executable, "manage.py", "up"],
        cwd=ROOT,
        env={**room.environment, "PORT": "18999", "INBOX_PORT": "18998"},
        capture_output=True,
        text=True,
    )
    assert second.returncode == 1
    assert room.process
    assert f"Another copy (process {room.process.pid}) is running on VAR_DIR={room.var_dir}" in second.stderr

    if sys.platform == "linux":
        assert len(room.processes()) > 5
    assert room.stop() < 11
    assert room.processes() == {}
    assert room.process.returncode == 0


@pytest.mark.long
def test_without_a_broker_one_process_sends_the_demos_recap_to_all_its_readers(newsroom: Start) -> None:
    room = newsroom("--in-memory", DEMO_PASSWORD="")
    assert room.said("ONE process")
    password = (room.var_dir / "demo_password").read_text()
    assert room.said(f"name: editor   password: {password}")
    if sys.platform == "linux":
        assert len(room.processes()) == 1
    wait_until(lambda: len(maildir.names(room.var_dir / "inbox")) == 60, within=90, what="sixty messages")
    assert "60 messages in all" in fetch(f"{room.url}/inbox/")
    assert room.stop() < 11
    assert room.processes() == {}


def test_a_wrong_setting_is_one_line(newsroom: Start) -> None:
    with pytest.raises(RuntimeError) as refused:
        newsroom("--no-demo", PORT="eighty")
    lines = str(refused.value).splitlines()
    assert lines[1:] == ["PORT must be a whole number from 1 to 65535, not 'eighty'."]

"""From smtplib to the Maildir, over a real socket."""

import mailbox
import smtplib
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from newsletter.inbox import maildir, server

PLAIN = b"From: desk@example.org\r\nTo: ada@example.org\r\nSubject: Hello\r\n\r\nOne line.\r\n"


@contextmanager
def connected(port: int) -> Iterator[smtplib.SMTP]:
    with smtplib.SMTP("127.0.0.1", port, local_hostname="localhost", timeout=10) as client:
        yield client


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    with server.in_background(tmp_path) as opened:
        yield opened


def test_keeps_the_message_byte_by_byte_under_its_trace_lines(tmp_path: Path, port: int) -> None:
    content = PLAIN + b".a line that begins with a dot\r\n..and two\r\n=C3=A9 \xc3\xa9\r\n"
    with connected(port) as client:
        client.sendmail("bounce@example.org", ["ada@example.org"], content)
    letter = maildir.open_letter(tmp_path, maildir.names(tmp_path)[0])
    assert letter
    trace, _, rest = letter.source.partition(b"From: desk@example.org")
    assert b"From: desk@example.org" + rest == content
    lines = trace.decode().split("\r\n")
    assert lines[:2] == ["Return-Path: <bounce@example.org>", "Delivered-To: ada@example.org"]
    assert lines[2].startswith("Received: by ")
    assert lines[3:] == [""]


def test_every_recipient_gets_a_copy(tmp_path: Path, port: int) -> None:
    with connected(port) as client:
        client.sendmail("b@example.org", ["ada@example.org", "alan@example.org"], PLAIN)
    sources = [maildir.open_letter(tmp_path, name) for name in maildir.names(tmp_path)]
    assert sorted(line for letter in sources if letter for line in letter.source.split(b"\r\n")[1:2]) == [
        b"Delivered-To: ada@example.org",
        b"Delivered-To: alan@example.org",
    ]


def test_takes_an_address_in_any_script(tmp_path: Path, port: int) -> None:
    with connected(port) as client:
        client.ehlo()
        assert client.has_extn("smtputf8")
        client.mail("b@example.org", ["SMTPUTF8"])
        client.rcpt("用户@例子.example")
        client.data(PLAIN)
    source = (tmp_path / "new" / maildir.names(tmp_path)[0]).read_bytes()
    assert "Delivered-To: 用户@例子.example".encode() in source


def test_what_it_keeps_is_a_maildir_for_others_too(tmp_path: Path, port: int) -> None:
    with connected(port) as client:
        client.sendmail("b@example.org", ["ada@example.org"], PLAIN)
    box = mailbox.Maildir(str(tmp_path), create=False)
    assert [message["Subject"] for message in box] == ["Hello"]
    assert list((tmp_path / "tmp").iterdir()) == []


def test_refuses_what_is_too_large(port: int) -> None:
    with connected(port) as client:
        client.ehlo()
        assert client.esmtp_features["size"] == str(server.SIZE_LIMIT)
        with pytest.raises(smtplib.SMTPSenderRefused) as refused:
            client.sendmail("b@example.org", ["ada@example.org"], b"x" * (server.SIZE_LIMIT + 1))
    assert refused.value.smtp_code == 552


def test_asks_the_sender_to_come_again_when_the_disk_refuses(tmp_path: Path, port: int) -> None:
    (tmp_path / "tmp").rmdir()
    with connected(port) as client, pytest.raises(smtplib.SMTPDataError) as refused:
        client.sendmail("b@example.org", ["ada@example.org"], PLAIN)
    assert refused.value.smtp_code == 451


def test_ends_at_once_while_a_sender_is_still_connected(tmp_path: Path) -> None:
    begun = time.monotonic()
    with server.in_background(tmp_path) as port, socket.create_connection(("127.0.0.1", port)) as idle:
        assert idle.recv(100).startswith(b"220")
        begun = time.monotonic()
    assert time.monotonic() - begun < 2


def test_says_so_when_its_port_is_taken(tmp_path: Path) -> None:
    with (
        server.in_background(tmp_path) as port,
        pytest.raises(OSError, match=f"cannot listen on port {port}"),
        server.in_background(tmp_path / "other", port=port),
    ):
        pass

import smtplib
import socket

from benchmarks import servers

MESSAGE = b"Subject: x\r\n\r\n" + b"line\r\n" * 30_000 + b"..dotted\r\nend\r\n"


def test_it_takes_one_message_after_the_other_on_a_connection():
    with servers.null_sink(processes=1) as port, smtplib.SMTP("127.0.0.1", port) as client:
        for _ in range(3):
            assert client.sendmail("a@example.org", ["b@example.org"], MESSAGE) == {}


def test_it_finds_the_dot_wherever_the_network_cuts_and_answers_what_follows_it():
    with servers.null_sink(processes=1) as port, socket.create_connection(("127.0.0.1", port), timeout=10) as wire:
        answers = wire.makefile("rb")
        assert answers.readline().startswith(b"220")
        wire.sendall(b"EHLO x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n")
        while not (line := answers.readline()).startswith(b"354"):
            assert line[:3] == b"250"
        for piece in (b"text\r", b"\n.", b"\r\nMAIL FROM:<a@b>\r\nRC", b"PT TO:<c@d>\r\nDATA\r\n"):
            wire.sendall(piece)
        assert [answers.readline()[:3] for _ in range(4)] == [b"250", b"250", b"250", b"354"]

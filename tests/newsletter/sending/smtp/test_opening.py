"""The way in: who is let in, over what, and what an operator is told when not."""

import contextlib

import pytest

from newsletter.sending.outcomes import Accepted
from newsletter.sending.relay import Relay
from newsletter.sending.smtp import Pool
from newsletter.sending.smtp.opening import NotLetIn, Server, enter
from newsletter.sending.smtp.replies import Reply
from tests.newsletter.sending.smtp.conftest import ALL_OFFERS, Letters, carry, envelope, send, step_until

SECRET = "s3cret/and long enough to be seen"
LARGE = b"Subject: large\r\n\r\n" + (b"." * 76 + b"\r\n") * 50_000


def fault(relay: Relay) -> str:
    """Why the relay is down."""
    with contextlib.closing(Pool([relay], Letters(), connections=1)) as pool:
        step_until(pool, lambda: pool.down)
        return pool.down


def told(relay: Relay, *answers: tuple[int, bytes]) -> tuple[list[bytes | None], Server]:
    """What we say to these answers, and what we make of the server."""
    words = enter(relay, name="here.example")
    said = [next(words)]
    for code, text in answers:
        try:
            said.append(words.send(Reply(code, text)))
        except StopIteration as entered:
            return said, entered.value
        if said[-1] is None:
            said.append(next(words))
    raise AssertionError(f"not in yet: {said}")


def test_what_the_server_offers_is_understood():
    relay = Relay("localhost", 25)
    offers = b"here\nPIPELINING\nsize 1000\nAUTH=LOGIN\nAUTH PLAIN\n\nx"
    said, server = told(relay, (220, b"hi"), (250, offers))
    assert said == [b"", b"EHLO here.example\r\n"]
    assert server == Server(pipelining=True, sized=True, most_bytes=1000, mechanisms=frozenset({"PLAIN", "LOGIN"}))


def test_a_server_of_the_old_days_is_greeted_in_its_own_words():
    said, server = told(Relay("localhost", 25), (220, b"hi"), (502, b"what?"), (250, b"hello"))
    assert said[-1] == b"HELO here.example\r\n"
    assert server == Server()


def test_what_was_offered_before_tls_is_forgotten():
    relay = Relay("localhost", 25, starttls=True)
    answers = [(220, b"hi"), (250, b"here\nSTARTTLS\nCHUNKING\nAUTH PLAIN"), (220, b"go"), (250, b"here\nSIZE")]
    said, server = told(relay, *answers)
    assert said[2:] == [b"STARTTLS\r\n", None, b"EHLO here.example\r\n"]
    assert server == Server(sized=True)


@pytest.mark.parametrize("mechanisms", ["AUTH PLAIN LOGIN", "AUTH LOGIN", "AUTH=LOGIN CRAM-MD5"])
def test_gives_name_and_password(make_postbox, mechanisms):
    box = make_postbox(extensions=(*ALL_OFFERS, mechanisms), login=("me@x", SECRET))
    assert isinstance(send(Relay("127.0.0.1", box.port, user="me@x", password=SECRET)), Accepted)


@pytest.mark.parametrize("mechanisms", ["AUTH PLAIN", "AUTH LOGIN"])
def test_a_wrong_password_is_told_and_not_shown_even_where_the_server_repeats_it(make_postbox, mechanisms):
    box = make_postbox(extensions=(mechanisms,), login=("me", "another"))
    words = fault(Relay("127.0.0.1", box.port, user="me", password=SECRET))
    assert words == f"relay 127.0.0.1:{box.port} does not let us in: 535 5.7.8 not you: " + (
        "..." if mechanisms == "AUTH PLAIN" else "LOGIN"
    )


def test_a_password_nobody_asked_for_is_kept(make_postbox):
    box = make_postbox(extensions=("AUTH CRAM-MD5",))
    assert "it offers neither AUTH PLAIN nor AUTH LOGIN" in fault(Relay("127.0.0.1", box.port, user="me", password="x"))
    assert not any(command.startswith("AUTH") for command in box.commands)


def test_tls_that_was_asked_for_is_not_given_up(make_postbox):
    box = make_postbox()
    assert fault(Relay("127.0.0.1", box.port, starttls=True)).endswith("does not let us in: it offers no STARTTLS")


@pytest.mark.parametrize("at_once", [True, False])
def test_sends_over_tls(make_postbox, certificate, at_once):
    box = make_postbox(certificate=certificate, tls_at_once=at_once)
    relay = Relay("localhost", box.port, tls=at_once, starttls=not at_once)
    recipients = [f"r{number}@example.org" for number in range(4)]
    letters = carry([relay], Letters([envelope(recipient, LARGE) for recipient in recipients]), connections=1)
    assert set(map(type, letters.outcomes.values())) == {Accepted}
    assert all(taken == LARGE for _, taken in box.truth)
    assert box.connections == 1


def test_a_certificate_of_another_host_is_refused(make_postbox, certificate):
    box = make_postbox(certificate=certificate, tls_at_once=True)
    words = fault(Relay("127.0.0.1", box.port, tls=True))
    assert "does not let us in" in words
    assert "certificate verify failed" in words


def test_words_put_in_before_tls_end_the_connection(make_postbox, certificate):
    box = make_postbox(certificate=certificate, injected="250 2.0.0 all yours\r\n")
    assert fault(Relay("localhost", box.port, starttls=True)).endswith("it speaks before it is asked")
    assert box.truth == []


def test_a_server_that_speaks_no_tls_is_down(make_postbox):
    box = make_postbox()
    assert "does not let us in" in fault(Relay("localhost", box.port, tls=True))


@pytest.mark.parametrize("greeting", ["220 hi\r\n250 and more", "220-hi\r\n220 there\r\n250 and more"])
def test_a_server_that_does_not_wait_for_our_words_is_down(make_postbox, greeting):
    box = make_postbox(greeting=greeting)
    assert "it speaks before it is asked" in fault(Relay("127.0.0.1", box.port))


@pytest.mark.parametrize("code", [421, 454, 500])
def test_a_refused_starttls_is_no_way_in(code):
    words = enter(Relay("localhost", 25, starttls=True), name="here.example")
    next(words)
    words.send(Reply(220, b"hi"))
    words.send(Reply(250, b"here\nSTARTTLS"))
    with pytest.raises(NotLetIn, match=str(code)):
        words.send(Reply(code, b"no"))

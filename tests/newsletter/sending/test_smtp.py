import contextlib
import shutil
import subprocess
import time

import pytest
from django.core.exceptions import ImproperlyConfigured

from newsletter.sending.outcomes import Accepted, Doubt, Halted, Later, Never, NotSent, OursToMend
from newsletter.sending.relay import Relay, parse
from newsletter.sending.smtp import Connection, Envelope, Halt, OpenGate, RelayDown, path, stuffed
from tests.parts import leave_out
from tests.postbox import Postbox, Quirk

MESSAGE = b"Subject: hello\r\n\r\n.one dot\r\n..two dots\r\nnone\r\n"


def send(relay: Relay, *, to: str = "ada@example.org", gate=None, message: bytes = MESSAGE, **options):
    with contextlib.closing(Connection(relay, **options)) as connection:
        return connection.deliver(Envelope("bounce@example.org", to, message), gate or OpenGate())


def test_what_arrives_is_what_was_sent(relay, postbox):
    assert send(relay) == Accepted(250, "2.0.0 taken as 1")
    assert postbox.truth == [("ada@example.org", MESSAGE)]
    assert postbox.senders == ["bounce@example.org"]


def test_a_large_message_arrives_whole(relay, postbox):
    message = b"Subject: large\r\n\r\n" + b"." * 70 + b"\r\n" + b"x" * 76 * 200_000 + b"\r\n"
    send(relay, message=message)
    assert postbox.truth[0][1] == message


def test_dots_at_line_beginnings_are_doubled_and_the_end_is_a_line():
    assert stuffed(b".a\r\n.\r\n..b") == b"..a\r\n..\r\n...b\r\n"


@pytest.mark.parametrize(
    ("quirk", "expected"),
    [
        (Quirk("rcpt", "451 4.7.1 grey"), Later(451, "4.7.1 grey")),
        (Quirk("rcpt", "550 5.1.1 unknown"), Never(550, "5.1.1 unknown")),
        (Quirk("rcpt", "421 4.3.2 closing"), NotSent("421 4.3.2 closing")),
        (Quirk("data", "451 4.3.0 no room"), Later(451, "4.3.0 no room")),
        (Quirk("data", "554 5.5.1 no"), Never(554, "5.5.1 no")),
        (Quirk("dot", "452 4.3.1 full"), Later(452, "4.3.1 full")),
        (Quirk("dot", "552 5.3.4 too big"), Never(552, "5.3.4 too big")),
        (Quirk("dot", "421 4.3.2 closing"), NotSent("421 4.3.2 closing")),
    ],
)
def test_each_answer_has_its_outcome(relay, postbox, quirk, expected):
    postbox.quirks["ada@example.org"] = [quirk]
    assert send(relay) == expected
    assert postbox.truth == []


@pytest.mark.parametrize("step", ["rcpt", "data"])
def test_a_drop_before_the_dot_is_not_sent(relay, postbox, step):
    postbox.quirks["ada@example.org"] = [Quirk(step)]
    assert isinstance(send(relay), NotSent)


def test_a_drop_after_the_dot_is_a_doubt(relay, postbox):
    postbox.quirks["ada@example.org"] = [Quirk("after")]
    assert isinstance(send(relay), Doubt)


def test_a_refused_sender_is_ours_to_mend_and_the_line_stays_good(relay, postbox):
    postbox.always = Quirk("mail", "553 5.1.8 no such sender")
    assert send(relay) == OursToMend(553, "5.1.8 no such sender")


class Witness(OpenGate):
    """Notes what the server had when the dot was about to leave."""

    def __init__(self, postbox: Postbox) -> None:
        self.postbox = postbox
        self.events: list[object] = []

    def at_dot(self) -> None:
        time.sleep(0.2)  # the server reads as much as was sent
        self.events.append(("dot", len(self.postbox.truth)))

    def answered(self, code: int) -> None:
        self.events.append(("answer", code))


def test_the_gate_is_told_before_the_dot_and_after_the_answer(relay, postbox):
    gate = Witness(postbox)
    send(relay, gate=gate)
    assert gate.events == [("dot", 0), ("answer", 250)]


def test_a_gate_that_halts_withholds_the_dot(relay, postbox):
    class Closed(OpenGate):
        def at_dot(self) -> None:
            raise Halt

    assert send(relay, gate=Closed()) == Halted()
    time.sleep(0.2)
    assert postbox.truth == []


class Slow(OpenGate):
    """Leaves the server time to hang up before each step."""

    def may_go_on(self) -> bool:
        time.sleep(0.1)
        return True


def test_a_line_lost_before_the_dot_was_sent_is_no_doubt(relay, postbox):
    postbox.quirks["ada@example.org"] = [Quirk("body")]
    assert isinstance(send(relay, gate=Slow()), NotSent)


def test_a_server_that_refuses_in_the_middle_of_the_content_is_heard(relay, postbox):
    postbox.quirks["ada@example.org"] = [Quirk("body", "552 5.3.4 too much")]

    class Witness(Slow):
        dots = 0

        def at_dot(self) -> None:
            self.dots += 1

    gate = Witness()
    assert send(relay, gate=gate) == Never(552, "5.3.4 too much")
    assert gate.dots == 0


def test_an_answer_in_several_lines_is_read_whole(relay, postbox):
    postbox.quirks["ada@example.org"] = [Quirk("rcpt", "550-5.1.1 nobody here\r\n550 5.1.1 of that name")]
    assert send(relay) == Never(550, "5.1.1 nobody here 5.1.1 of that name")


def test_addresses_outside_ascii_need_a_server_that_takes_them(relay, postbox):
    assert send(relay, to="ada@münchen.example") == Accepted(250, "2.0.0 taken as 1")
    assert isinstance(send(relay, to="adä@example.org"), Accepted)
    assert [address for address, _ in postbox.truth] == ["ada@xn--mnchen-3ya.example", "adä@example.org"]
    postbox.extensions = ()
    assert isinstance(send(relay, to="adä@example.org"), Never)


@pytest.mark.parametrize("address", ["a@b.example>\r\nRCPT TO:<c@d.example", "a b@c.example", "a\u0000@c.example"])
def test_an_address_cannot_speak_smtp(relay, postbox, address):
    outcome = send(relay, to=address)
    assert not isinstance(outcome, Accepted)
    assert postbox.truth == []


def test_a_path_is_in_ascii_where_that_is_possible():
    assert path("ada@münchen.example") == ("ada@xn--mnchen-3ya.example", False)
    assert path("adä@example.org") == ("adä@example.org", True)


def test_a_relay_that_refuses_or_hangs_up_is_down(postbox):
    relay = Relay("127.0.0.1", postbox.port)
    postbox.greeting = "554 5.3.2 not today"
    with pytest.raises(RelayDown, match="not today"):
        Connection(relay)
    postbox.close()
    with pytest.raises(RelayDown, match=f"relay 127.0.0.1:{postbox.port} does not answer"):
        Connection(relay)


def test_tls_that_was_asked_for_is_not_given_up(postbox):
    with pytest.raises(RelayDown, match="does not let us in"):
        Connection(Relay("127.0.0.1", postbox.port, starttls=True))
    with pytest.raises(RelayDown):
        Connection(Relay("127.0.0.1", postbox.port, user="me", password="secret"))


@pytest.fixture
def certificate(tmp_path, monkeypatch):
    """A certificate for localhost that this test's process trusts."""
    openssl = shutil.which("openssl")
    if openssl is None:
        leave_out("openssl")
    both = tmp_path / "both.pem"
    made = subprocess.run(
        [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost"]
        + ["-addext", "subjectAltName=DNS:localhost", "-keyout", "-", "-out", "-"],
        check=True,
        capture_output=True,
    )
    both.write_bytes(made.stdout)
    monkeypatch.setenv("SSL_CERT_FILE", str(both))
    return both


@pytest.mark.parametrize("at_once", [True, False])
def test_sends_over_tls(certificate, at_once):
    postbox = Postbox(certificate=certificate, tls_at_once=at_once)
    relay = Relay("localhost", postbox.port, tls=at_once, starttls=not at_once)
    message = b"Subject: large\r\n\r\n" + (b"." * 76 + b"\r\n") * 50_000
    with contextlib.closing(Connection(relay)) as connection:
        for _ in range(2):
            outcome = connection.deliver(Envelope("a@example.org", "ada@example.org", message), OpenGate())
            assert isinstance(outcome, Accepted)
    assert [len(taken) for _, taken in postbox.truth] == [len(message)] * 2
    assert postbox.truth[0][1] == message
    postbox.close()


def test_a_certificate_of_another_host_is_refused(certificate):
    postbox = Postbox(certificate=certificate, tls_at_once=True)
    with pytest.raises(RelayDown, match="CERTIFICATE_VERIFY_FAILED|certificate verify failed"):
        Connection(Relay("127.0.0.1", postbox.port, tls=True))
    postbox.close()


def test_reads_an_address_of_a_relay():
    assert parse("smtp://host") == Relay("host", 25)
    assert parse("smtps://u%40x:p%2Fw@host") == Relay("host", 465, "u@x", "p/w", tls=True)
    assert parse("smtp://u:p@host:587?starttls=1") == Relay("host", 587, "u", "p", starttls=True)


@pytest.mark.parametrize(
    "url", ["smtp://host:x", "http://host", "smtp://", "smtp://host?tls=1", "smtp://host?starttls=maybe"]
)
def test_refuses_a_wrong_address_of_a_relay(url):
    with pytest.raises(ImproperlyConfigured, match="EMAIL_URL"):
        parse(url)


def test_never_shows_the_password():
    assert "secret" not in f"{Relay('host', 25, 'u', 'secret')!r} {Relay('host', 25, 'u', 'secret')}"
    with pytest.raises(ImproperlyConfigured) as error:
        parse("smtp://u:secret@host:99999")
    assert "secret" not in str(error.value)

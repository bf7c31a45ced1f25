"""Signatures, judged by another implementation (dkimpy) that reads our DNS records."""

import binascii
import re
from base64 import b64decode
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache

import dkim as oracle
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from django.core.mail import EmailMultiAlternatives
from hypothesis import given, settings
from hypothesis import strategies as st

from newsletter.rendering.message import ByteTemplate
from newsletter.rendering.variant import render
from newsletter.sending.dkim import Signer
from newsletter.sending.dkim_keys import Key
from tests.newsletter.rendering.makers import (
    SITE,
    demo_stories,
    make_issue,
    make_publication,
    make_sight,
    make_slots,
)
from tests.newsletter.rendering.test_message import NAMES, TOKENS

NOW = datetime.now(UTC)  # the oracle has a clock of its own
DOMAIN = "example.org"
SMALL = (
    b"To: Ada <ada@example.org>\r\nFrom: The Desk <recap@example.org>\r\nSubject: Open\r\n weights\r\n"
    b"Date: Thu, 19 Nov 2026 09:00:00 +0000\r\nMessage-ID: <a.b@example.org>\r\n\r\nHello Ada,\r\n\r\nnews.\r\n"
)


@cache
def key(kind: str, domain: str = DOMAIN) -> Key:
    private = generate_private_key(65537, 2048) if kind == "rsa" else Ed25519PrivateKey.generate()
    return Key(domain, f"recap-{kind}", private)


def signed(message: bytes, *kinds: str) -> bytes:
    keys = [key(kind) for kind in kinds or ("rsa", "ed25519")]
    return Signer(keys).sign(message, now=NOW) + message


def verdicts(message: bytes, *keys: Key) -> list[bool]:
    """What a receiver thinks of each signature, from the top."""
    records = {f"{each.record_name}.": each.record for each in keys or (key("rsa"), key("ed25519"))}

    def dns(name: bytes, **_: object) -> bytes | None:
        record = records.get(name.decode())
        return record.encode() if record else None

    try:
        judge = oracle.DKIM(message)
    except oracle.DKIMException:
        return []
    count = len([name for name, _ in judge.headers if name.lower() == b"dkim-signature"])
    return [verdict(judge, index, dns) for index in range(count)]


def verdict(judge: oracle.DKIM, index: int, dns: Callable[..., bytes | None]) -> bool:
    try:
        return judge.verify(index, dnsfunc=dns)
    except (oracle.DKIMException, binascii.Error):
        return False


def tags(message: bytes) -> dict[str, str]:
    """The tags of the topmost signature."""
    [header] = re.findall(rb"\ADKIM-Signature: (.*?\r\n)(?=\S)", message, re.DOTALL)
    pairs = (tag.partition("=") for tag in re.sub(r"\s", "", header.decode()).split(";"))
    return {name: value for name, _, value in pairs}


@cache
def template() -> ByteTemplate:
    return ByteTemplate.from_bytes(
        render(make_publication(), make_issue(), make_sight(demo_stories()[:2]), site_url=SITE).template
    )


@settings(max_examples=40, deadline=None)
@given(NAMES, TOKENS)
def test_a_recap_to_a_reader_of_any_name_verifies(name, leave):
    message = template().merge(make_slots(to_name=name, leave_token=leave))
    assert verdicts(signed(message)) == [True, True]


@pytest.mark.parametrize("kinds", [("rsa",), ("ed25519",)])
def test_each_kind_verifies_alone(kinds):
    message = signed(template().merge(make_slots()), *kinds)
    assert verdicts(message) == [True]
    assert tags(message)["a"] == f"{kinds[0]}-sha256"


def test_an_address_beyond_ascii_verifies():
    message = template().merge(make_slots(to_name="", to_email="用户@example.org"))
    assert verdicts(signed(message)) == [True, True]


@pytest.mark.parametrize("text", ["", "x", "x\n\n\n", "\n\n", " a\t \n b  \n", ".\n..\nünd " * 40])
def test_a_mail_of_django_verifies_whatever_its_text(text):
    mail = EmailMultiAlternatives("Grüße " * 30, text, "Ünd <recap@example.org>", ["ada@example.org"])
    for _ in range(2):
        assert verdicts(signed(mail.message().as_bytes(linesep="\r\n"))) == [True, True]
        mail.attach_alternative("<p>b</p>", "text/html")


@pytest.mark.parametrize("body", [b"", b"\r\n", b"\r\n\r\n", b"a", b"a\r\n", b"a\r\n\r\n\r\n", b"a\r", b"\ra\r\r\n"])
def test_a_body_of_any_ending_verifies(body):
    assert verdicts(signed(SMALL.partition(b"Hello")[0] + body)) == [True, True]


@pytest.mark.parametrize("kind", ["rsa", "ed25519"])
def test_no_byte_can_be_changed(kind):
    message = signed(SMALL, kind)
    spare = message.index(b"==\r\n") - 1  # base64: four bits of this letter stand for nothing
    for place, byte in enumerate(message):
        changed = message[:place] + bytes([byte ^ 0x40]) + message[place + 1 :]
        assert place == spare or True not in verdicts(changed), message[place - 20 : place + 20]


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_no_byte_of_a_recap_can_be_changed(data):
    message = signed(template().merge(make_slots()), "ed25519")
    start = message.index(b"\r\nTo: ") + 2
    place = data.draw(st.integers(start, len(message) - 1))
    changed = message[:place] + bytes([message[place] ^ 0x40]) + message[place + 1 :]
    assert True not in verdicts(changed)


@pytest.mark.parametrize(
    "name", ["From", "To", "Cc", "Reply-To", "Subject", "Date", "Content-Type", "List-Unsubscribe"]
)
def test_a_second_header_that_a_program_might_show_breaks_the_signature(name):
    message = signed(template().merge(make_slots()))
    for added in (b"%b: other <a@example.net>\r\n" % name.encode() + message, below(message, name)):
        assert verdicts(added) == [False, False]


def below(message: bytes, name: str) -> bytes:
    return message.replace(b"\r\n\r\n", b"\r\n%b: other <a@example.net>\r\n\r\n" % name.encode(), 1)


def test_relays_may_fold_anew_and_add_their_own_lines():
    message = signed(SMALL)
    changed = b"Received: from a\r\n by b\r\n" + message.replace(
        b"Subject: Open\r\n weights", b"SUBJECT:Open  \t weights "
    )
    assert verdicts(changed) == [True, True]


def test_a_header_that_occurs_twice_verifies():
    assert verdicts(signed(b"X-Word: one\r\nX-Word: two\r\n" + SMALL)) == [True, True]


def test_the_reader_s_ways_out_and_everything_else_we_write_are_signed():
    message = template().merge(make_slots())
    named = tags(signed(message))["h"].split(":")
    written = re.findall(r"^([A-Za-z-]+):", message.partition(b"\r\n\r\n")[0].decode(), re.MULTILINE)
    assert {name.lower() for name in written} <= set(named)
    assert {"list-unsubscribe", "list-unsubscribe-post", "list-id", "feedback-id", "message-id"} <= set(named)
    assert named.count("from") == 2


def test_it_says_from_when_to_when_and_covers_the_whole_body():
    found = tags(signed(SMALL))
    assert int(found["t"]) == int(NOW.timestamp())
    assert int(found["x"]) - int(found["t"]) == 14 * 24 * 3600
    assert found["c"] == "relaxed/simple"
    assert "l" not in found


def test_both_signatures_share_one_hash_and_rsa_is_on_top():
    message = signed(SMALL)
    assert len(set(re.findall(rb" bh=(.*);", message))) == 1
    assert re.findall(rb" a=([a-z0-9]+)-", message) == [b"rsa", b"ed25519"]


@pytest.mark.parametrize("domain", [DOMAIN, f"{'long-' * 9}a.example.org"])
def test_lines_are_folded_to_76(domain):
    keys = [key("rsa", domain), key("ed25519", domain)]
    block = Signer(keys).sign(template().merge(make_slots()), now=NOW)
    lines = block.split(b"\r\n")
    assert lines.pop() == b""
    assert max(map(len, lines)) <= 76
    assert verdicts(block + template().merge(make_slots()), *keys) == [True, True]


def test_the_record_of_an_ed25519_key_is_its_32_bytes():
    _, _, value = key("ed25519").record.rpartition("p=")
    assert len(b64decode(value)) == 32

"""From a letter to the envelope: whose values, whose signature, and no byte that the wire would have to mend."""

from dataclasses import replace
from email import message_from_bytes, policy

import pytest
from django.core.exceptions import ImproperlyConfigured
from hypothesis import HealthCheck, given, settings

from newsletter import tokens
from newsletter.models import Delivery
from newsletter.rendering.message import BadValue
from newsletter.sending import dkim_keys
from newsletter.sending.messages import Press
from newsletter.sending.outcomes import Letter
from newsletter.sending.relay import Relay
from newsletter.tokens import Purpose, ReaderRef
from tests.newsletter.rendering.test_message import NAMES
from tests.newsletter.sending.test_dkim import NOW, verdicts

pytestmark = pytest.mark.django_db
RELAY = Relay("relay.example.org", 25)


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    settings.DKIM_DIR = tmp_path / "dkim"
    return settings.DKIM_DIR


@pytest.fixture
def letter(campaign) -> Letter:
    delivery = Delivery.objects.filter(campaign=campaign).order_by("number").first()
    return Letter(
        delivery=delivery.pk,
        number=delivery.number,
        variant=delivery.variant_id,
        message_id="one.two@example.org",
        name="Ada Lovelace",
        email="ada@example.org",
        subscriber="00112233445566ff",
    )


def test_the_envelope_is_one_readers(campaign, letter):
    envelope = Press(campaign).envelope(letter, now=NOW, relay=RELAY, about=7)
    message = message_from_bytes(envelope.message, policy=policy.default)
    assert envelope.recipient == "ada@example.org"
    assert envelope.about == 7
    assert tokens.read_return_path(envelope.sender) == letter.delivery
    assert message["To"] == "Ada Lovelace <ada@example.org>"
    assert message["Message-ID"] == "<one.two@example.org>"
    [leave] = set(re_tokens(message, "leave"))
    [own] = set(re_tokens(message, "settings"))
    reader = ReaderRef("00112233445566ff", campaign.newsletter_id, campaign.key)
    assert tokens.read(Purpose.LEAVE, leave) == tokens.read(Purpose.SETTINGS, own) == reader


def re_tokens(message, page: str) -> list[str]:
    text = message.get_body(("plain",)).get_content()
    return [piece[: tokens.LENGTH] for piece in text.split(f"/{page}/")[1:]]


def test_it_is_signed_in_front_with_the_keys_of_the_newsletters_domain(campaign, letter):
    plain = Press(campaign).envelope(letter, now=NOW, relay=RELAY).message
    keys = [dkim_keys.make(campaign.newsletter.domain, f"recap-{kind}", kind) for kind in ("rsa", "ed25519")]
    signed = Press(campaign).envelope(letter, now=NOW, relay=RELAY).message
    assert signed.endswith(plain)
    assert verdicts(plain, *keys) == []
    assert verdicts(signed, *keys) == [True, True]


def test_it_is_not_signed_for_a_relay_that_signs(campaign, letter):
    dkim_keys.make(campaign.newsletter.domain, "recap", "ed25519")
    press = Press(campaign)
    assert b"DKIM-Signature" in press.envelope(letter, now=NOW, relay=RELAY).message
    assert b"DKIM-Signature" not in press.envelope(letter, now=NOW, relay=replace(RELAY, signs=True)).message


def test_a_key_that_is_no_good_is_told_before_any_letter_is_printed(campaign, folder):
    dkim_keys.make(campaign.newsletter.domain, "recap", "ed25519")
    (folder / campaign.newsletter.domain / "recap.pem").chmod(0o644)
    with pytest.raises(ImproperlyConfigured, match="chmod 600"):
        Press(campaign)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(NAMES)
def test_nothing_has_to_be_stuffed_or_mended_on_the_wire(campaign, letter, name):
    dkim_keys_of(campaign)
    envelope = Press(campaign).envelope(replace(letter, name=name), now=NOW, relay=RELAY)
    assert envelope.dot_free
    assert envelope.message.endswith(b"\r\n")
    rest = envelope.message.replace(b"\r\n", b"")
    assert b"\r" not in rest
    assert b"\n" not in rest
    assert not [line for line in envelope.message.split(b"\r\n") if line.startswith(b".") or len(line) > 998]


def dkim_keys_of(campaign) -> None:
    if not dkim_keys.files_of(campaign.newsletter.domain):
        dkim_keys.make(campaign.newsletter.domain, "recap", "ed25519")


def test_a_value_that_fits_in_no_message_is_that_readers_alone(campaign, letter):
    press = Press(campaign)
    with pytest.raises(BadValue):
        press.envelope(replace(letter, name="a\r\nBcc: b"), now=NOW, relay=RELAY)
    assert press.envelope(letter, now=NOW, relay=RELAY).message


def test_a_variant_is_read_once(campaign, letter, django_assert_num_queries):
    press = Press(campaign)
    press.envelope(letter, now=NOW, relay=RELAY)
    with django_assert_num_queries(0):
        press.envelope(replace(letter, name="Bea"), now=NOW, relay=RELAY)

import pytest
from django.core.exceptions import ImproperlyConfigured

from newsletter.sending.relay import parse


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("postmark://TOKEN@", "api.postmarkapp.com"),
        ("mailgun://KEY@mg.example.org", "api.mailgun.net"),
        ("sendgrid://KEY@", "api.sendgrid.com"),
        ("brevo://KEY@", "api.brevo.com"),
        ("resend://KEY@", "api.resend.com"),
    ],
)
def test_an_account_is_named_by_its_key(url, host):
    relay = parse(url)
    assert (relay.host, relay.port) == (host, 443)
    assert relay.account.key in ("TOKEN", "KEY")
    assert relay.signs


def test_the_key_may_hold_any_sign_if_it_is_quoted():
    assert parse("sendgrid://SG.a%2Fb%40c%2B@").account.key == "SG.a/b@c+"


def test_another_region_is_another_address():
    account = parse("mailgun://KEY@mg.example.org?api=https://api.eu.mailgun.net/v3").account
    assert account.api == "https://api.eu.mailgun.net/v3/"
    assert account.domain == "mg.example.org"


def test_options_of_every_relay_hold_for_providers_too():
    relay = parse("postmark://TOKEN@?weight=3&connections=8&stream=broadcasts")
    assert (relay.weight, relay.connections, relay.account.stream) == (3, 8, "broadcasts")


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("postmark://SECRET", "names no key"),
        ("postmark://SECRET@example.org", "must look like postmark://KEY@ "),
        ("mailgun://SECRET@", "must look like mailgun://KEY@DOMAIN"),
        ("brevo://SECRET:PASSWORD@", "must look like brevo://KEY@"),
        ("resend://SECRET@?api=ftp://x", "api='ftp://x'"),
        ("brevo://SECRET@?stream=x", "stream"),
    ],
)
def test_a_fault_is_named_and_the_key_is_not(url, fault):
    with pytest.raises(ImproperlyConfigured) as error:
        parse(url)
    assert fault in str(error.value)
    assert "SECRET" not in str(error.value)


def test_nobody_prints_a_key():
    assert "SECRET" not in repr(parse("brevo://SECRET@"))
    assert "SECRET" not in repr(parse("brevo://SECRET@").account)

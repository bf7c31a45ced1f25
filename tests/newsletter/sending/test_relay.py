import pytest
from django.core.exceptions import ImproperlyConfigured

from config.checks import relays_are_named_well
from newsletter.sending.relay import Relay, parse, the_relays

OPTIONS = "weight=3&connections=5&messages=100&rate=0.5&signs=1"


def test_reads_an_address_of_a_relay():
    assert parse("smtp://host") == Relay("host", 25)
    assert parse("smtps://u%40x:p%2Fw@host/") == Relay("host", 465, "u@x", "p/w", tls=True)
    assert parse("smtp://u:p@host:587?starttls=1") == Relay("host", 587, "u", "p", starttls=True)
    assert parse("smtp://u:p@127.0.0.1:1025") == Relay("127.0.0.1", 1025, "u", "p")


def test_reads_what_is_said_of_it():
    expected = Relay("host", 25, weight=3, connections=5, messages=100, rate=0.5, signs=True)
    assert parse(f"smtp://host?{OPTIONS}") == expected


def test_an_http_provider_is_a_relay_too():
    relay = parse("mailgun://key@news.example.org?weight=2&rate=5")
    assert relay.account is not None
    assert (relay.account.domain, relay.weight, relay.rate, relay.port) == ("news.example.org", 2, 5, 443)


def test_reads_several_with_white_space_between(settings):
    settings.EMAIL_URL = "smtps://u:p@one.example  smtp://two.example?weight=0\n"
    assert [(str(relay), relay.weight) for relay in the_relays()] == [("one.example:465", 1), ("two.example:25", 0)]
    assert relays_are_named_well() == []


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("smtp://host:x", "must look like"),
        ("smtp://host:0", "must look like"),
        ("smtp://host:99999", "must look like"),
        ("http://host", "must look like"),
        ("host:25", "must look like"),
        ("smtp://host/path", "must look like"),
        ("smtp://u:s3cret#x@host", "%23"),
        ("smtp://", "names no host"),
        ("smtp://host?tls=1", "has the option 'tls'"),
        ("smtp://host?starttls=maybe", "starttls='maybe'"),
        ("smtps://host?starttls=1", "leave one out"),
        ("smtp://host?weight=-1", "weight='-1'"),
        ("smtp://host?connections=many", "connections='many'"),
        ("smtp://host?rate=1e9", "rate='1e9'"),
        ("smtp://host?rate=", "rate=''"),
        ("smtp://u:s3cret@host", "in the clear"),
        ("postmark://s3cret@?starttls=1", "has the option 'starttls'"),
    ],
)
def test_refuses_a_wrong_address_and_names_the_fault_but_not_the_password(url, fault):
    with pytest.raises(ImproperlyConfigured, match="EMAIL_URL") as told:
        parse(url)
    assert fault in str(told.value)
    assert "s3cret" not in str(told.value)


@pytest.mark.parametrize(
    ("urls", "fault"),
    [
        ("", "is empty"),
        ("smtp://host smtp://host:25?weight=2", "names host:25 twice"),
        ("smtp://host postmark://key@", "mixes SMTP relays and HTTP providers"),
    ],
)
def test_refuses_relays_that_do_not_go_together(settings, urls, fault):
    settings.EMAIL_URL = urls
    (error,) = relays_are_named_well()
    assert fault in error.msg


def test_never_shows_the_password():
    relay = Relay("host", 25, "u", "s3cret")
    assert "s3cret" not in f"{relay!r} {relay}"

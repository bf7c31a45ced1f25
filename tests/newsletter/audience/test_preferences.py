"""What a reader chooses."""

from dataclasses import replace

import pytest

from newsletter.audience import preferences
from newsletter.audience.preferences import BadChoices, Choices
from newsletter.models import Consent, Interest, Subscription
from tests.makers import NOW, make_newsletter, make_subscriber

pytestmark = pytest.mark.django_db


@pytest.fixture
def subscription(db):
    make_subscriber(make_newsletter(), "researchers", name="Ada", language="en")
    return Subscription.objects.get()


def change(subscription, **choices):
    return preferences.change(
        subscription=subscription,
        choices=replace(preferences.read(subscription), **choices),
        means="settings page",
        now=NOW,
        ip="192.0.2.7",
    )


def now_stands(subscription):
    return preferences.read(Subscription.objects.get(pk=subscription.pk))


def test_every_choice_is_stored_and_what_changed_is_told(subscription):
    changed = change(
        subscription,
        interests=frozenset({"engineers"}),
        depth="hooks",
        name="Ada Lovelace",
        language="fr",
        zone="Europe/Paris",
    )
    assert changed == [
        "Developers & Engineers added",
        "Researchers & Academics taken away",
        "depth now: hooks only",
        "name changed",
        "language now: fr",
        "time zone now: Europe/Paris",
    ]
    assert now_stands(subscription) == Choices(frozenset({"engineers"}), "hooks", "Ada Lovelace", "fr", "Europe/Paris")
    consent = Consent.objects.get()
    assert (consent.act, consent.means, consent.ip) == ("changed", "settings page", "192.0.2.7")
    assert "Developers & Engineers added" in consent.detail


def test_saving_the_same_writes_nothing(subscription):
    assert change(subscription) == []
    assert not Consent.objects.exists()


def test_everything_optional_can_be_taken_away(subscription):
    change(subscription, zone="Asia/Tokyo")
    assert change(subscription, interests=frozenset(), name="", zone="") == [
        "Researchers & Academics taken away",
        "name taken away",
        "time zone taken away",
    ]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("interests", frozenset({"nobody"})),
        ("depth", "abyss"),
        ("depth", ""),
        ("name", "Ada\r\nBcc: bob@example.org"),
        ("name", "x" * 81),
        ("language", "xx-unknown"),
        ("language", ""),
        ("zone", "Moon/Crater"),
        ("zone", "../../etc/passwd"),
        ("zone", "Europe/Paris\x00"),
    ],
)
def test_a_bad_choice_is_named_and_nothing_is_stored(subscription, field, value):
    before = preferences.read(subscription)
    with pytest.raises(BadChoices) as refused:
        change(subscription, **{field: value, **({} if field == "depth" else {"depth": "hooks"})})
    assert set(refused.value.problems) == {field}
    assert now_stands(subscription) == before
    assert not Consent.objects.exists()


def test_all_bad_choices_are_named_at_once(subscription):
    with pytest.raises(BadChoices) as refused:
        change(subscription, depth="abyss", zone="Moon/Crater", language="?", interests=frozenset({"nobody"}))
    assert set(refused.value.problems) == {"depth", "zone", "language", "interests"}


def test_a_language_that_the_list_lacks_may_stay(subscription):
    subscription.subscriber.language = "zh"
    subscription.subscriber.save()
    assert change(subscription, depth="short") == ["depth now: 30 seconds"]


def test_an_interest_that_is_no_longer_offered_stays(subscription):
    Interest.objects.create(subscription=subscription, audience="retired")
    assert change(subscription, interests=frozenset({"policy"})) == [
        "Policy & Legal added",
        "Researchers & Academics taken away",
    ]
    assert now_stands(subscription).interests == {"policy", "retired"}

"""The settings page, by signed link."""

import re

import pytest

from newsletter import tokens
from newsletter.audience import leaving
from newsletter.models import Consent, Subscription
from newsletter.tokens import Purpose, ReaderRef
from tests.makers import NOW, make_newsletter, make_subscriber

pytestmark = pytest.mark.django_db


@pytest.fixture
def reader(db):
    return make_subscriber(make_newsletter(), "policy", email="ada@example.org", name="Ada", language="en")


@pytest.fixture
def path(reader):
    token = tokens.for_reader(Purpose.SETTINGS, ReaderRef(reader.key, reader.subscriptions.get().newsletter_id))
    return f"/settings/{token}/"


GIVEN = {"interests": ["policy"], "depth": "deep", "name": "Ada", "language": "en", "zone": ""}


def test_it_shows_what_stands(client, path):
    page = client.get(path).content.decode()
    assert re.search(r'value="policy" checked', page)
    assert not re.search(r'value="researchers" checked', page)
    assert re.search(r'value="deep" checked', page)
    assert 'value="Ada"' in page
    assert re.search(r'<option value="en" selected>', page)
    assert len(page) < 100_000


def test_saving_says_what_changed(client, path, reader):
    chosen = {**GIVEN, "interests": ["policy", "engineers"], "depth": "short", "zone": "Asia/Tokyo", "language": "ja"}
    page = client.post(path, chosen).content.decode()
    for phrase in ("Developers &amp; Engineers added", "depth now: 30 seconds", "time zone now: Asia/Tokyo"):
        assert phrase in page
    assert re.search(r"<option selected>Asia/Tokyo", page)
    assert re.search(r'value="engineers" checked', page)
    reader.refresh_from_db()
    assert (reader.zone, reader.language) == ("Asia/Tokyo", "ja")
    assert Consent.objects.get().ip == "127.0.0.1"


def test_saving_the_same_says_that_nothing_was_different(client, path):
    assert "Nothing was different" in client.post(path, GIVEN).content.decode()
    assert not Consent.objects.exists()


def test_a_bad_choice_is_marked_and_what_was_typed_stays(client, path, reader):
    answer = client.post(path, {**GIVEN, "name": "<b>Ada</b>", "zone": "Moon/Crater"})
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "Nothing was saved" in page
    assert "is no time zone" in page
    assert "&lt;b&gt;Ada&lt;/b&gt;" in page
    reader.refresh_from_db()
    assert reader.name == "Ada"


def test_one_who_has_left_is_told_so_and_shown_the_way_back(client, path):
    leaving.leave(subscription=Subscription.objects.get(), means="mail link", now=NOW)
    Subscription.objects.update(left_at="2100-01-01T00:00Z")
    page = client.get(path).content.decode()
    assert "You have left this newsletter" in page
    assert "/leave/" in page


def test_one_who_has_not_confirmed_is_told_so(client, path):
    Subscription.objects.update(state="pending")
    assert "Not confirmed yet" in client.get(path).content.decode()


def test_it_leads_to_leaving(client, path):
    link = re.search(r"/leave/[\w-]{48}/", client.get(path).content.decode())[0]
    assert client.get(link).status_code == 200

"""Leaving by the link in a mail, and by the mail program's own button (RFC 8058)."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import settings as profile
from hypothesis import strategies as st

from newsletter import tokens
from newsletter.audience import signup
from newsletter.models import Consent, Subscription
from newsletter.tokens import Purpose, ReaderRef
from tests.makers import make_newsletter, make_subscriber
from tests.newsletter.pages.rows import everything

pytestmark = pytest.mark.django_db
ONE_CLICK = "List-Unsubscribe=One-Click"


@pytest.fixture
def reader(db):
    return make_subscriber(make_newsletter(), "policy", email="ada@example.org")


@pytest.fixture
def token(reader):
    return token_of(reader)


def token_of(reader, purpose=Purpose.LEAVE):
    return tokens.for_reader(purpose, ReaderRef(reader.key, reader.subscriptions.get().newsletter_id))


def state():
    return Subscription.objects.get().state


def one_click(client, token, body=ONE_CLICK, content_type="application/x-www-form-urlencoded", **more):
    return client.post(f"/one-click/{token}/", body, content_type=content_type, **more)


def test_the_page_shows_one_button_and_only_the_button_acts(client, token):
    page = client.get(f"/leave/{token}/").content.decode()
    assert page.count("<button") == 1
    assert "ada@example.org" in page
    assert state() == "active"
    after = client.post(f"/leave/{token}/").content.decode()
    assert "You are unsubscribed" in after
    assert "at once" in after
    assert "Undo" in after
    assert "/settings/" in after
    assert state() == "left"
    consent = Consent.objects.get()
    assert (consent.act, consent.means, consent.wording, consent.ip) == (
        "left",
        "mail link",
        "Unsubscribe",
        "127.0.0.1",
    )


def test_leaving_twice_says_the_same(client, token):
    client.post(f"/leave/{token}/")
    assert "You are unsubscribed" in client.post(f"/leave/{token}/").content.decode()
    assert "You are unsubscribed" in client.get(f"/leave/{token}/").content.decode()
    assert Consent.objects.count() == 1


def test_leaving_can_be_undone_on_the_same_page(client, token):
    client.post(f"/leave/{token}/")
    back = client.post(f"/leave/{token}/", {"act": "return"}).content.decode()
    assert "Welcome back" in back
    assert state() == "active"


def test_after_a_week_the_page_offers_to_sign_up_anew(client, token):
    client.post(f"/leave/{token}/")
    Subscription.objects.update(left_at=timezone.now() - timedelta(days=8))
    page = client.post(f"/leave/{token}/", {"act": "return"}).content.decode()
    assert state() == "left"
    assert "Undo" not in page
    assert "subscribe anew" in page


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (ONE_CLICK, "application/x-www-form-urlencoded"),
        ("list=1&" + ONE_CLICK, "application/x-www-form-urlencoded; charset=utf-8"),
        (
            '--b\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--b--\r\n',
            "multipart/form-data; boundary=b",
        ),
    ],
)
@pytest.mark.parametrize("headers", [{}, {"origin": "null"}, {"origin": "https://mail.example", "cookie": "a=b; c"}])
def test_one_click_needs_no_cookie_no_csrf_and_no_referrer(token, body, content_type, headers):
    strict = Client(enforce_csrf_checks=True)
    for _ in range(3):
        answer = one_click(strict, token, body, content_type, headers=headers)
        assert answer.status_code == 200
        assert answer.content == b"You are unsubscribed.\n"
        assert answer["Content-Type"].startswith("text/plain")
        assert "Location" not in answer
        assert not answer.cookies
    assert state() == "left"
    consent = Consent.objects.get()
    assert (consent.act, consent.means) == ("left", "one-click header")


def test_the_pages_of_people_need_no_cookie_either(token, reader):
    strict = Client(enforce_csrf_checks=True)
    null = {"origin": "null"}  # what browsers send from a page with no-referrer
    assert strict.post(f"/leave/{token}/", headers=null).status_code == 200
    assert state() == "left"
    assert strict.post(f"/leave/{token}/", {"act": "return"}, headers=null).status_code == 200
    assert state() == "active"
    settings_token = token_of(reader, Purpose.SETTINGS)
    assert strict.post(f"/settings/{settings_token}/", {}, headers=null).status_code == 422
    assert not strict.cookies


def test_one_click_acts_on_its_own_word_only(client, token):
    for body in ("", "List-Unsubscribe=", "List-Unsubscribe=Two-Clicks", "x=y"):
        answer = one_click(client, token, body)
        assert answer.status_code == 400
        assert b"List-Unsubscribe=One-Click" in answer.content
    assert state() == "active"


def test_a_person_who_opens_the_one_click_address_sees_the_page(client, token):
    page = client.get(f"/one-click/{token}/").content.decode()
    assert f'action="/leave/{token}/"' in page
    assert state() == "active"


def test_looking_changes_nothing(client, reader, token):
    settings_token = token_of(reader, Purpose.SETTINGS)
    before = everything()
    for _ in range(3):
        for path in (f"/leave/{token}/", f"/one-click/{token}/", f"/settings/{settings_token}/"):
            for query in ("", f"?{ONE_CLICK}", "?act=return", "?depth=hooks"):
                for method in (client.get, client.head, client.options):
                    assert method(path + query).status_code in (200, 405)
    assert everything() == before
    for method in (client.put, client.patch, client.delete):
        assert method(f"/leave/{token}/").status_code == 405
        assert method(f"/one-click/{token}/", ONE_CLICK).status_code == 405
    assert everything() == before


def test_pages_behind_a_link_stay_private(client, reader, token):
    subscription = reader.subscriptions.get()
    paths = [
        f"/leave/{token}/",
        f"/one-click/{token}/",
        f"/settings/{token_of(reader, Purpose.SETTINGS)}/",
        f"/confirm/{signup.token_for(subscription, now=timezone.now())}/",
        "/leave/made-up/",
    ]
    for path in paths:
        for method in (client.get, client.post):
            answer = method(path)
            assert answer["Referrer-Policy"] == "no-referrer"
            assert "no-store" in answer["Cache-Control"]
            assert "noindex" in answer["X-Robots-Tag"]
            assert "frame-ancestors 'none'" in answer["Content-Security-Policy"]
            assert not answer.cookies
            text = answer.content.decode()
            assert 'src="http' not in text


def test_no_link_gets_into_the_log(client, reader, token, caplog):
    settings_token = token_of(reader, Purpose.SETTINGS)
    expired = signup.token_for(reader.subscriptions.get(), now=timezone.now() - timedelta(days=8))
    Subscription.objects.update(state="pending")
    assert client.get(f"/confirm/{expired}/").status_code == 410
    assert client.post(f"/one-click/{token}/").status_code == 400
    assert client.put(f"/leave/{token}/").status_code == 405
    assert client.post(f"/settings/{settings_token}/", {"depth": "x"}).status_code == 422
    assert client.get(f"/settings/{settings_token[:-1]}/").status_code == 404
    for secret in (expired, token, settings_token[:-1]):
        assert secret not in caplog.text


def links(reader):
    subscription = reader.subscriptions.get()
    return {
        "leave": token_of(reader),
        "settings": token_of(reader, Purpose.SETTINGS),
        "confirm": signup.token_for(subscription, now=timezone.now()),
    }


def test_a_link_opens_only_its_own_page(client, reader):
    made = links(reader)
    own = {("leave", "leave"), ("leave", "one-click"), ("settings", "settings"), ("confirm", "confirm")}
    for kind, token in made.items():
        for page in ("leave", "one-click", "settings", "confirm"):
            expected = 200 if (kind, page) in own else 404
            assert client.get(f"/{page}/{token}/").status_code == expected
            if expected == 404:
                before = everything()
                assert client.post(f"/{page}/{token}/", {"List-Unsubscribe": "One-Click"}).status_code == 404
                assert everything() == before


@given(data=st.data())
@profile(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_no_changed_link_opens_anything(client, reader, data):
    page, token = data.draw(st.sampled_from(sorted(links(reader).items())))
    place = data.draw(st.integers(0, len(token) - 1))
    sign = data.draw(st.sampled_from("ABCXYZabcxyz0189-_.:"))
    changed = data.draw(
        st.sampled_from([token[:place] + sign + token[place + 1 :], token[:place], token + sign, token.swapcase()])
    )
    if changed in ("", token) or changed.isspace():
        return
    assert client.post(f"/{page}/{changed}/", {"List-Unsubscribe": "One-Click"}).status_code == 404
    assert state() == "active"
    assert not Consent.objects.exists()


def test_a_reader_who_was_erased_leaves_only_a_plain_404(client, reader, token):
    reader.delete()
    answer = client.post(f"/leave/{token}/")
    assert answer.status_code == 404
    assert "This link does not work" in answer.content.decode()


def test_no_link_reaches_another_readers_rows(client, reader):
    other = make_subscriber(reader.subscriptions.get().newsletter, email="bob@example.org")
    client.post(f"/leave/{token_of(reader)}/")
    assert other.subscriptions.get().state == "active"

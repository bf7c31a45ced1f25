"""Signing up on the web, told from the form to the welcome."""

import re
from datetime import timedelta

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone

from newsletter.models import Consent, Subscriber, Subscription, Suppression
from newsletter.pages.signup import CONFIRM_BUTTON, PROMISE
from newsletter.sending import confirmations
from tests.makers import make_edition, make_newsletter, make_subscriber
from tests.newsletter.pages.rows import everything

pytestmark = pytest.mark.django_db


@pytest.fixture
def newsletter(db):
    return make_newsletter(description="The week in AI, your field first.")


@pytest.fixture(autouse=True)
def at_once(django_capture_on_commit_callbacks):
    """The broker hands tasks over at once, as a free worker would."""
    from config.celery import app

    app.conf.task_always_eager = True
    yield
    app.conf.task_always_eager = False


def ask(client, **fields):
    return client.post("/subscribe/", {"email": "ada@example.org", **fields})


def mailed_link(message):
    (link,) = set(re.findall(r"http://127\.0\.0\.1:8000/confirm/\S+?/(?=\s|\")", message.body))
    return link.removeprefix("http://127.0.0.1:8000")


def test_from_the_form_to_the_welcome(client, newsletter, django_capture_on_commit_callbacks):
    form = client.get("/subscribe/").content.decode()
    assert PROMISE in form
    assert "It comes every Thursday at 09:00 (Europe/Brussels)." in form
    assert 'autocomplete="email"' in form
    with django_capture_on_commit_callbacks(execute=True):
        answer = ask(client, interests=["researchers", "policy", "not-one-of-ours"])
    assert "Check your inbox" in client.get(answer.url).content.decode()

    (message,) = mail.outbox
    assert message.to == ["ada@example.org"]
    assert message.from_email == "The Desk <recap@example.org>"
    assert message.extra_headers["Auto-Submitted"] == "auto-generated"
    link = mailed_link(message)
    html, _ = message.alternatives[0]
    assert link in html
    assert len(html) < 20_000

    assert CONFIRM_BUTTON in client.get(link).content.decode()
    assert Subscription.objects.get().state == "pending"
    welcome = client.post(link).content.decode()
    assert "You are in" in welcome
    assert "Thursday" in welcome
    subscription = Subscription.objects.get()
    assert subscription.state == "active"
    assert {each.audience for each in subscription.interests.all()} == {"researchers", "policy"}
    asked, confirmed = Consent.objects.all()
    assert (asked.act, asked.means, asked.ip) == ("asked", "web form", "127.0.0.1")
    assert PROMISE in asked.wording
    assert newsletter.name in asked.wording
    assert (confirmed.act, confirmed.means, confirmed.wording) == ("confirmed", "mail link", CONFIRM_BUTTON)
    assert "You are in" in client.post(link).content.decode()  # pressed twice
    assert Consent.objects.count() == 2

    settings_link = re.search(r"/settings/[\w-]{48}/", welcome)[0]
    assert "ada@example.org" in client.get(settings_link).content.decode()


def test_the_welcome_leads_to_the_newest_recap(client, newsletter, django_capture_on_commit_callbacks):
    from newsletter.models import Campaign

    edition = make_edition(newsletter, [])
    now = timezone.now()
    Campaign.objects.create(
        newsletter=newsletter, edition=edition, state="done", frozen_count=0, held_until=now, content_hash="x"
    )
    with django_capture_on_commit_callbacks(execute=True):
        ask(client)
    assert edition.get_absolute_url() in client.post(mailed_link(mail.outbox[0])).content.decode()


def test_the_small_form_of_the_front_page_says_and_does_the_same(client, newsletter):
    front = client.get("/").content.decode()
    assert PROMISE in front
    assert {'name="newsletter"', 'name="email"', 'name="interests"', 'name="website"'} <= set(
        re.findall(r'name="(?:newsletter|email|interests|website)"', front)
    )


def known_to_us(newsletter):
    """One address of every kind, and one that is new."""
    make_subscriber(newsletter, email="active@example.org")
    make_subscriber(newsletter, email="waiting@example.org", state="pending")
    make_subscriber(newsletter, email="gone@example.org", state="left")
    make_subscriber(newsletter, email="blocked@example.org")
    Suppression.objects.create(address="blocked@example.org", reason="complaint")
    Suppression.objects.create(address="stranger@example.org", reason="asked")
    return ["active", "waiting", "gone", "blocked", "stranger", "new"]


def test_everybody_gets_the_same_answer(client, newsletter):
    answers = set()
    for who in known_to_us(newsletter):
        for fields in ({}, {"website": "http://spam.example"}):
            answer = ask(client, email=f"{who}@example.org", **fields)
            assert not answer.cookies
            page = client.get(answer.url)
            answers.add((answer.status_code, answer.url, answer.content, page.status_code, page.content))
    assert len(answers) == 1


def test_the_mail_tells_what_the_page_does_not(client, newsletter, django_capture_on_commit_callbacks):
    for who in known_to_us(newsletter):
        with django_capture_on_commit_callbacks(execute=True):
            ask(client, email=f"{who}@example.org")
    told = {message.to[0].partition("@")[0]: message.subject for message in mail.outbox}
    confirm = "Please confirm: The Weekly Recap"
    assert told == {
        "active": "You already get The Weekly Recap",
        "waiting": confirm,
        "gone": confirm,
        "new": confirm,
    }
    already = next(message for message in mail.outbox if message.to == ["active@example.org"])
    settings_link = re.search(r"/settings/[\w-]{48}/", already.body)[0]
    assert client.get(settings_link).status_code == 200


def test_the_mail_holds_nothing_that_was_typed_but_the_address(client, newsletter, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        client.post(
            "/subscribe/",
            {"email": "ada@example.org", "name": "BUY NOW", "interests": "BUY NOW"},
            headers={"host": "localhost", "referer": "http://evil.example/"},
        )
    (message,) = mail.outbox
    whole = message.message().as_string()
    assert "BUY NOW" not in whole
    assert "evil" not in whole
    assert "http://localhost" not in whole


def test_the_field_that_people_do_not_see_catches_robots(client, newsletter):
    ask(client, website="http://spam.example")
    assert not Subscriber.objects.exists()
    assert not mail.outbox


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        ("", "Please type your e-mail address."),
        ("ada", "There is no @"),
        ("ada@example", "should have a period"),
        ("a da@example.org", "There is a space"),
        ("ada@example.org\r\nBcc: bob@example.org", "line break"),
        ('"><script>alert(1)</script>@x.org', "must have an @-sign"),
    ],
)
def test_a_bad_address_comes_back_with_its_reason(client, newsletter, typed, reason):
    answer = ask(client, email=typed, interests=["policy"])
    text = answer.content.decode()
    assert answer.status_code == 422
    assert reason in text
    assert 'aria-invalid="true"' in text
    assert "<script>" not in text
    assert re.search(r'value="policy" checked', text)
    assert not Subscriber.objects.exists()


def test_spaces_that_a_phone_adds_do_no_harm(client, newsletter):
    ask(client, email=" ada@example.org ")
    assert Subscriber.objects.get().address == "ada@example.org"


def test_with_several_newsletters_one_is_chosen(client, newsletter):
    other = make_newsletter(name="The Monthly", slug="monthly", weekly=False)
    form = client.get("/subscribe/?newsletter=monthly").content.decode()
    assert re.search(r'value="monthly" required checked', form)
    assert "It comes when there is an edition" in form
    assert ask(client).status_code == 422
    assert ask(client, newsletter="monthly").status_code == 302
    assert Subscription.objects.get().newsletter == other
    for slug in ("no-such", "x\x00y", "'"):
        assert ask(client, newsletter=slug).status_code == 422
        assert client.get("/subscribe/", {"newsletter": slug}).status_code == 200


def test_with_no_newsletter_the_page_says_so(client, db):
    assert "no newsletter to subscribe to yet" in client.get("/subscribe/").content.decode()
    assert ask(client).status_code == 422


def test_a_broker_that_is_away_keeps_nobody_out(client, newsletter, django_capture_on_commit_callbacks, monkeypatch):
    from config.celery import app
    from newsletter import tasks

    app.conf.task_always_eager = False
    monkeypatch.setattr(app, "amqp", property(None))  # every attempt to publish fails
    with pytest.raises(AttributeError):
        tasks.send_confirmation.delay(subscription_id=1)
    with django_capture_on_commit_callbacks() as callbacks:
        assert ask(client).status_code == 302
    for callback in callbacks:
        with pytest.raises(AttributeError):
            callback()
    assert not mail.outbox
    assert confirmations.deliver_due(now=timezone.now()) == 1
    assert mail.outbox[0].to == ["ada@example.org"]


def test_the_form_works_on_other_sites_and_without_cookies(newsletter):
    strict = Client(enforce_csrf_checks=True)
    assert strict.post("/subscribe/", {"email": "ada@example.org"}, headers={"origin": "null"}).status_code == 302
    assert not strict.cookies


@pytest.mark.parametrize("changed", ["", "x", "x.y", "%00", "..", "é", "a" * 5000])
def test_a_made_up_link_says_what_to_do(client, newsletter, changed):
    for method in (client.get, client.post):
        answer = method(f"/confirm/{changed or 'none'}/")
        assert answer.status_code == 404
        assert "fill in the form again" in answer.content.decode()


def test_an_expired_link_offers_a_new_one(client, newsletter, django_capture_on_commit_callbacks, time_machine):
    with django_capture_on_commit_callbacks(execute=True):
        ask(client)
    link = mailed_link(mail.outbox[0])
    time_machine.move_to(timezone.now() + timedelta(days=7, minutes=1))
    for method in (client.get, client.post):
        answer = method(link)
        assert answer.status_code == 410
        assert "This link has expired" in answer.content.decode()
    assert Subscription.objects.get().state == "pending"


def test_looking_at_the_pages_changes_nothing(client, newsletter, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        ask(client)
    link = mailed_link(mail.outbox[0])
    before = everything()
    for _ in range(3):
        for path in ("/subscribe/", "/subscribe/?email=eve@example.org", "/subscribe/sent/", link):
            for method in (client.get, client.head, client.options):
                assert method(path).status_code in (200, 405)
    assert everything() == before
    assert len(mail.outbox) == 1

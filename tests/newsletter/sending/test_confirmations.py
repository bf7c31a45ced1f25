"""The confirmation mail on its way: a real mail server, refusals, and a relay that is away."""

import re
import socket
from datetime import timedelta

import pytest
from django.core import mail
from django.utils import timezone

from newsletter import tasks
from newsletter.audience import signup, unsent
from newsletter.audience.addresses import on_the_wire
from newsletter.models import Subscription
from newsletter.sending import confirmations
from newsletter.sending.smtp.wire import path
from tests.makers import NOW, make_newsletter
from tests.postbox import Quirk

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture
def newsletter(db, settings):
    settings.EMAIL_BACKEND = "newsletter.sending.mail.RelayBackend"
    return make_newsletter(from_name="Die Redaktion – für alle", reply_to="desk@example.org")


def ask(newsletter, email="Ada@example.org", now=NOW):
    signup.ask(newsletter=newsletter, email=email, means="web form", wording="", ip=None, now=now)
    return Subscription.objects.get(subscriber__email=email)


def test_the_mail_arrives_whole_and_once(newsletter, inbox):
    subscription = ask(newsletter)
    assert confirmations.deliver(subscription.pk, now=NOW) is True
    assert confirmations.deliver(subscription.pk, now=NOW) is False
    assert confirmations.deliver_due(now=NOW) == 0
    (message,) = inbox.messages()
    assert not message.defects
    assert message["To"] == "Ada@example.org"
    assert message["From"] == "Die Redaktion – für alle <recap@example.org>"
    assert message["Reply-To"] == "desk@example.org"
    assert message["Auto-Submitted"] == "auto-generated"
    assert re.fullmatch(r"<confirm\.[0-9a-f]{16}\.\d+@example\.org>", message["Message-ID"])
    text = message.get_body(("plain",)).get_content()
    html = message.get_body(("html",)).get_content()
    link = re.search(r"http://127\.0\.0\.1:8000/confirm/([^/\s]+)/", text)
    assert link[0] in html
    assert signup.find(link[1], now=NOW) == subscription
    assert "1 Example Street" in text
    assert "{{" not in text + html


@pytest.mark.parametrize("email", ["info@straße.de", "用户@例え.jp"])
def test_addresses_in_any_script_get_theirs(newsletter, inbox, email):
    subscription = ask(newsletter, email)
    assert confirmations.deliver(subscription.pk, now=NOW) is True
    (message,) = inbox.messages()
    assert message["To"] == on_the_wire(email)
    assert message["Subject"].startswith("Please confirm")


def test_the_relay_is_told_the_domain_that_was_meant_and_not_its_older_spelling():
    assert path("info@straße.de") == ("info@xn--strae-oqa.de", False)  # strasse.de belongs to somebody else
    assert path("用户@例え.jp") == ("用户@xn--r8jz45g.jp", True)


def test_a_relay_that_is_away_only_delays_it(newsletter, inbox, settings):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        settings.EMAIL_URL = f"smtp://127.0.0.1:{taken.getsockname()[1]}"  # bound, and nobody listens
        ask(newsletter)
        assert confirmations.deliver_due(now=NOW) == 0
    settings.EMAIL_URL = f"smtp://127.0.0.1:{inbox.port}"
    assert confirmations.deliver_due(now=NOW) == 0  # not due again yet
    assert confirmations.deliver_due(now=NOW + unsent.RETRY) == 1
    assert len(inbox.messages()) == 1


def test_an_address_that_does_not_exist_is_tried_once(newsletter, postbox):
    postbox.always = Quirk("rcpt", "550 5.1.1 No such person")
    subscription = ask(newsletter)
    assert confirmations.deliver(subscription.pk, now=NOW) is False
    assert not unsent.unsent_confirmations(NOW + HOUR)
    ask(newsletter, now=NOW + HOUR)
    assert unsent.unsent_confirmations(NOW + HOUR)


@pytest.mark.parametrize("words", ["450 4.2.1 Try again", "550 5.7.1 We do not like you"])
def test_a_refusal_that_is_not_for_ever_is_tried_again(newsletter, postbox, words):
    postbox.always = Quirk("rcpt", words)
    subscription = ask(newsletter)
    assert confirmations.deliver(subscription.pk, now=NOW) is False
    assert list(unsent.unsent_confirmations(NOW + HOUR)) == [subscription]


def test_a_mail_that_may_have_arrived_is_not_sent_again(newsletter, postbox):
    postbox.always = Quirk("after")
    subscription = ask(newsletter)
    assert confirmations.deliver(subscription.pk, now=NOW) is True
    assert not unsent.unsent_confirmations(NOW + HOUR)
    assert postbox.copies() == {"Ada@example.org": 1}


def test_one_mail_that_cannot_be_made_does_not_keep_the_others(newsletter, inbox):
    broken = make_newsletter(from_name="Broken", from_email="re cap@example.org\r\nBcc: eve@example.org")
    ask(broken, "first@example.org", now=NOW - HOUR)
    ask(newsletter, "second@example.org")
    assert confirmations.deliver_due(now=NOW) == 1
    (message,) = inbox.messages()
    assert message["To"] == "second@example.org"


def test_the_task_may_come_twice_late_or_for_nobody(newsletter, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    subscription = ask(newsletter, now=timezone.now())
    for _ in range(3):
        tasks.send_confirmation(subscription_id=subscription.pk)
    tasks.send_confirmation(subscription_id=10**9)
    assert len(mail.outbox) == 1

"""Every kind of mail leaves signed, as its receiver sees it; none does when the relay signs."""

import pytest
from django.core.mail import EmailMessage
from django.utils import timezone

from newsletter.audience import signup
from newsletter.models import Subscription
from newsletter.sending import clock, confirmations, dkim_keys, proofs, sender
from newsletter.sending.dkim_keys import Key
from tests.makers import make_newsletter
from tests.newsletter.sending.conftest import approved_edition
from tests.newsletter.sending.test_dkim import verdicts

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def keys(settings, tmp_path, postbox) -> list[Key]:
    settings.EMAIL_BACKEND = "newsletter.sending.mail.RelayBackend"
    settings.DKIM_DIR = tmp_path / "dkim"
    return [dkim_keys.make("example.org", f"recap-{kind}", kind) for kind in ("rsa", "ed25519")]


def test_a_recap(campaign, postbox, keys):
    sender.run(campaign.pk)
    assert [verdicts(message, *keys) for _, message in postbox.truth] == [[True, True]] * 3


def test_a_proof(postbox, keys):
    proofs.send_proof(approved_edition(make_newsletter()), None, to="vera@example.org", now=clock.database_now())
    assert verdicts(postbox.message_to("vera@example.org"), *keys) == [True, True]


@pytest.mark.parametrize("email", ["ada@example.org", "用户@例え.jp"])
def test_a_confirmation(postbox, keys, email):
    newsletter = make_newsletter(from_name="Die Redaktion – für alle", reply_to="desk@example.org")
    now = timezone.now()
    signup.ask(newsletter=newsletter, email=email, means="web form", wording="", ip=None, now=now)
    assert confirmations.deliver(Subscription.objects.get().pk, now=now)
    [(_, message)] = postbox.truth
    assert verdicts(message, *keys) == [True, True]


def test_a_mail_of_djangos_own(postbox, keys):
    EmailMessage("Hello", ".a dot first\nünd", "The Desk <desk@example.org>", to=["ada@example.org"]).send()
    assert verdicts(postbox.message_to("ada@example.org"), *keys) == [True, True]


def test_none_from_a_domain_without_keys(postbox):
    EmailMessage("Hello", "x", "desk@elsewhere.example", to=["ada@example.org"]).send()
    assert b"DKIM-Signature" not in postbox.message_to("ada@example.org")


def test_none_where_the_relay_signs(campaign, postbox, settings):
    settings.EMAIL_URL = f"{postbox.url}?signs=1"
    sender.run(campaign.pk)
    EmailMessage("Hello", "x", "desk@example.org", to=["eve@example.org"]).send()
    assert len(postbox.truth) == 4
    assert not [message for _, message in postbox.truth if b"DKIM-Signature" in message]

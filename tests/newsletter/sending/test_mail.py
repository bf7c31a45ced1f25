import email
import email.policy

import pytest
from django.core.mail import EmailMessage, EmailMultiAlternatives, get_connection

from newsletter import tokens
from newsletter.sending import clock, proofs
from newsletter.sending.mail import MailNotSent
from newsletter.sending.outcomes import Doubt, Never
from newsletter.sending.smtp import RelayDown
from tests.makers import make_newsletter, make_segment
from tests.newsletter.sending.conftest import approved_edition
from tests.postbox import Quirk

BACKEND = "newsletter.sending.mail.RelayBackend"


def mail(**fields) -> EmailMessage:
    return EmailMessage(
        "Hello", ".a dot first\nünd", "The Desk <desk@example.org>", **{"to": ["Ada <ada@example.org>"], **fields}
    )


def test_sends_a_mail_of_django_over_the_relay(postbox):
    assert get_connection(BACKEND).send_messages([mail(cc=["bea@example.org"])]) == 1
    assert sorted(postbox.copies()) == ["ada@example.org", "bea@example.org"]
    message = email.message_from_bytes(postbox.message_to("ada@example.org"), policy=email.policy.default)
    assert message.get_content().splitlines() == [".a dot first", "ünd"]
    assert postbox.senders[0] == "desk@example.org"


def test_no_line_ends_in_a_bare_cr_or_lf(postbox):
    multi = EmailMultiAlternatives("Hello", "a\nb\rc\r\nd", "desk@example.org", ["ada@example.org"])
    multi.attach_alternative("<p>a\nb</p>", "text/html")
    get_connection(BACKEND).send_messages([multi])
    rest = postbox.message_to("ada@example.org").replace(b"\r\n", b"")
    assert b"\n" not in rest
    assert b"\r" not in rest


def test_a_refusal_is_raised_with_the_servers_words(postbox):
    postbox.quirks["ada@example.org"] = [Quirk("rcpt", "550 5.1.1 unknown")]
    with pytest.raises(MailNotSent, match=r"550 5\.1\.1 unknown") as told:
        get_connection(BACKEND).send_messages([mail()])
    assert told.value.outcome == Never(550, "5.1.1 unknown")


def test_a_doubt_says_that_it_may_have_arrived(postbox):
    postbox.quirks["ada@example.org"] = [Quirk("after")]
    with pytest.raises(MailNotSent, match="may have arrived") as told:
        get_connection(BACKEND).send_messages([mail()])
    assert isinstance(told.value.outcome, Doubt)


def test_fails_silently_only_when_told_to(postbox):
    postbox.close()
    assert get_connection(BACKEND, fail_silently=True).send_messages([mail()]) == 0
    with pytest.raises(RelayDown):
        get_connection(BACKEND).send_messages([mail()])


@pytest.mark.django_db
def test_a_proof_is_marked_and_its_links_belong_to_nobody(postbox):
    newsletter = make_newsletter()
    segment = make_segment(newsletter, "researchers")
    edition = approved_edition(newsletter)
    proofs.send_proof(edition, segment, to="vera@example.org", now=clock.database_now())

    message = email.message_from_bytes(postbox.message_to("vera@example.org"), policy=email.policy.default)
    assert message["Subject"] == f"[Proof] {edition.subject}"
    text = message.get_body(("plain",)).get_content()
    assert f"/leave/{proofs.NO_READER}/" in text
    for purpose in tokens.Purpose:
        with pytest.raises(tokens.BadToken):
            tokens.read(purpose, proofs.NO_READER)

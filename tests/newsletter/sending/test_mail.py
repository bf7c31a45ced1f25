import email
import email.policy
import logging

import pytest
from django.core.mail import EmailMessage, EmailMultiAlternatives, get_connection

from newsletter import tasks, tokens
from newsletter.sending import clock, proofs
from newsletter.sending.mail import MailNotSent, RelayDown, post
from newsletter.sending.outcomes import Accepted, Doubt, Never
from newsletter.sending.post import Envelope
from tests.makers import make_newsletter, make_segment
from tests.newsletter.sending.conftest import approved_edition
from tests.postbox import Postbox, Quirk

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


def test_another_relay_takes_the_mail_while_the_first_is_down(postbox, settings):
    closed = Postbox()
    closed.close()
    settings.EMAIL_URL = f"{closed.url} {postbox.url}?weight=0"
    assert get_connection(BACKEND).send_messages([mail()]) == 1
    assert postbox.copies() == {"ada@example.org": 1}


def test_a_single_mail_needs_one_connection_to_one_relay(postbox, settings):
    other = Postbox()
    settings.EMAIL_URL = f"{other.url}?weight=0 {postbox.url}?connections=5"
    get_connection(BACKEND).send_messages([mail(), mail(to=["bea@example.org"])])
    assert postbox.copies() == {"ada@example.org": 1, "bea@example.org": 1}
    assert (postbox.connections, other.connections) == (1, 0)
    other.close()


def test_after_a_refusal_no_further_mail_is_sent_and_those_before_it_count(postbox):
    postbox.quirks["bea@example.org"] = [Quirk("rcpt", "550 5.1.1 unknown")]
    mails = [mail(), mail(to=["bea@example.org"]), mail(to=["cem@example.org"])]
    assert get_connection(BACKEND, fail_silently=True).send_messages(mails) == 1
    assert postbox.copies() == {"ada@example.org": 1}


def test_what_it_sends_is_in_seven_bits_so_that_every_relay_takes_it(postbox):
    postbox.extensions = ()
    get_connection(BACKEND).send_messages([mail()])
    assert postbox.message_to("ada@example.org").isascii()


def test_a_mail_may_be_made_for_the_relay_that_carries_it(postbox):
    def made(relay):
        return Envelope("desk@example.org", "ada@example.org", f"X-Relay: {relay}\r\n\r\n".encode())

    assert isinstance(post(made), Accepted)
    assert postbox.message_to("ada@example.org") == f"X-Relay: 127.0.0.1:{postbox.port}\r\n\r\n".encode()


def test_a_local_part_beyond_ascii_stands_in_raw_utf8_and_only_where_the_envelope_says_so(postbox):
    get_connection(BACKEND).send_messages([mail(to=["用户@example.org", "Ada <ada@example.org>"])])
    wide = postbox.message_to("用户@example.org")
    assert "\r\nTo: 用户@example.org, Ada <ada@example.org>\r\n".encode() in wide
    assert email.message_from_bytes(wide, policy=email.policy.default).get_content().splitlines()[1] == "ünd"
    assert postbox.message_to("ada@example.org").partition(b"\r\n\r\n")[0].isascii()


def test_the_date_says_that_its_zone_is_utc(postbox):
    get_connection(BACKEND).send_messages([mail()])
    message = email.message_from_bytes(postbox.message_to("ada@example.org"))
    assert message["Date"].endswith(" +0000")


@pytest.fixture
def waits(monkeypatch) -> list[int]:
    """The seconds for which the task of the proofs asked Celery to wait; no time passes."""
    asked: list[int] = []
    usual = tasks.send_proof.signature_from_request

    def note(*args, **options):
        asked.append(options["countdown"])
        return usual(*args, **options)

    monkeypatch.setattr(tasks.send_proof, "signature_from_request", note)
    return asked


def ask_for_proof():
    edition = approved_edition(make_newsletter())
    tasks.send_proof.apply(kwargs={"edition_id": edition.pk, "segment_id": None, "to": "vera@example.org"})


@pytest.mark.django_db
@pytest.mark.parametrize("words", ["450 4.2.1 Try again", "421 4.3.2 Closing"])
def test_a_proof_that_is_not_taken_now_comes_with_a_later_attempt(postbox, waits, caplog, words):
    postbox.quirks["vera@example.org"] = [Quirk("rcpt", words)] * 2
    ask_for_proof()
    assert postbox.copies() == {"vera@example.org": 1}
    assert waits == [10, 30]
    assert [record.message for record in caplog.records if record.name == "newsletter.tasks"] == ["proof put off"] * 2


@pytest.mark.django_db
def test_a_proof_is_given_up_with_one_line_when_the_relay_stays_away(postbox, waits, caplog):
    postbox.close()
    ask_for_proof()
    assert waits == [10, 30, 60, 120, 120]
    lines = [(record.levelno, record.message) for record in caplog.records if record.levelno >= logging.WARNING]
    assert lines == [(logging.WARNING, "proof put off")] * 5 + [(logging.ERROR, "proof not sent")]
    assert "Traceback" not in caplog.text
    assert "vera@" not in "".join(record.getMessage() for record in caplog.records if record.name.startswith("newsl"))


@pytest.mark.django_db
@pytest.mark.parametrize("quirk", [Quirk("rcpt", "550 5.1.1 <vera@example.org> unknown"), Quirk("after")])
def test_a_proof_refused_for_good_or_perhaps_taken_is_not_tried_again(postbox, waits, caplog, quirk):
    postbox.always = quirk
    ask_for_proof()
    assert waits == []
    assert [record.message for record in caplog.records if record.levelno >= logging.WARNING] == ["proof not sent"]


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

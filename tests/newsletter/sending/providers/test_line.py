"""What arrives at each provider of a message that we made as bytes."""

from email.message import EmailMessage

import pytest
from django.core.mail import send_mail

from newsletter.sending.mail import MailNotSent, RelayDown, is_passing
from newsletter.sending.outcomes import Accepted, Never, Unbuildable
from newsletter.sending.post import Envelope
from newsletter.sending.providers.line import Line, Unfit
from newsletter.sending.relay import parse
from tests.newsletter.sending.providers.conftest import KINDS, Letters, envelope, open_post, run


@pytest.fixture(params=KINDS)
def api(request, make_api):
    return make_api(request.param)


def arrived(api, letter: Envelope):
    carry(api, letter)
    (mail,) = api.truth
    return mail


def carry(api, *envelopes: Envelope, options: str = "") -> None:
    letters = Letters(0)
    letters.waiting.extend(envelopes)
    post = open_post(api, letters, options=options)
    run(post, letters)
    post.close()
    assert [type(outcome) for outcome in letters.outcomes.values()] == [Accepted] * len(envelopes)


def test_the_words_and_the_names_arrive(api):
    mail = arrived(api, envelope())
    assert mail.to == "r0@example.org"
    assert mail.name == 'Zoë "Z" O\'Neil, Dr.' or mail.name.startswith("=?utf-8?")  # Brevo's own bug, gone round
    assert mail.subject == "Modelle für alle"
    assert mail.text.replace("\r\n", "\n") == "Für Sie: Grüße\n.punkt"
    assert mail.html.replace("\r\n", "\n").startswith("<p>Für Sie: Grüße</p>")


def test_a_senders_name_may_hold_a_comma_and_any_script(api):
    letter = envelope()
    named = letter.message.replace(b"The Recap <", b"=?utf-8?q?W=C3=BCrze=2C_Die?= <")
    raw = arrived(api, Envelope(letter.sender, letter.recipient, named)).raw
    sender = raw.get("from") or raw.get("From") or raw["sender"]
    assert "recap@news.example" in str(sender)
    assert "Würze, Die" in str(sender) or "=?utf-8?" in str(sender)  # Brevo's own bug, gone round


def test_the_headers_that_matter_arrive(api):
    headers = {name.lower(): value for name, value in arrived(api, envelope()).headers.items()}
    assert headers["list-unsubscribe-post"] == "List-Unsubscribe=One-Click"
    assert headers["list-unsubscribe"].startswith("<https://news.example/leave/")
    assert "<mailto:unsubscribe+" in headers["list-unsubscribe"]
    assert headers["list-id"] == "<recap.news.example>"
    assert headers["feedback-id"] == "abc:everyone:recap:news"
    assert headers["message-id"] == "<c0ffee.s0@news.example>"
    assert not {"from", "to", "date", "dkim-signature", "content-type"} & set(headers)


def test_replies_go_where_the_message_says(api):
    assert "desk@news.example" in str(arrived(api, envelope()).raw)


def test_its_events_can_be_matched_by_our_own_message_id(api):
    assert arrived(api, envelope()).metadata["message_id"] == "c0ffee.s0@news.example"


def test_links_and_opens_are_let_alone_where_that_can_be_asked(api):
    raw = arrived(api, envelope()).raw
    asked = {
        "postmark": lambda: (raw["TrackLinks"], raw["TrackOpens"]) == ("None", False),
        "mailgun": lambda: (raw["o:tracking-clicks"], raw["o:tracking-opens"]) == ("no", "no"),
        "sendgrid": lambda: not raw["tracking_settings"]["click_tracking"]["enable"],
    }
    assert asked.get(api.kind, lambda: True)()


def test_a_domain_outside_ascii_is_written_as_dns_knows_it(api):
    assert arrived(api, envelope(recipient="lena@bücher.example")).to == "lena@xn--bcher-kva.example"


def test_a_single_mail_without_html_and_with_an_attachment_arrives(api):
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "desk@news.example", "Ann <ann@example.org>, b@example.org", "Report"
    mail.set_content("See there.\n")
    mail.add_attachment(b"a,b\n", maintype="text", subtype="csv", filename="report.csv")
    found = arrived(api, Envelope("desk@news.example", "ann@example.org", mail.as_bytes()))
    assert (found.to, found.name, found.html) == ("ann@example.org", "Ann", "")


def test_postmark_keeps_our_message_id_and_takes_recaps_on_their_own_stream(make_api):
    api = make_api("postmark")
    single = EmailMessage()
    single["From"], single["To"], single["Subject"] = "desk@news.example", "ann@example.org", "Please confirm"
    single.set_content("Yes?\n")
    confirm = Envelope("desk@news.example", "ann@example.org", single.as_bytes())
    carry(api, envelope(), confirm, options="&stream=broadcasts&connections=1")
    recap, confirmation = api.truth
    assert recap.headers["X-PM-KeepID"] == "true"
    assert recap.raw["MessageStream"] == "broadcasts"
    assert "MessageStream" not in confirmation.raw


def test_a_header_that_brevo_would_spoil_makes_the_letter_unbuildable_alone(make_api):
    line = Line(parse(make_api("brevo").url).account)
    spoiled = envelope().message.replace(b"Feedback-ID: abc", "Feedback-ID: äbc".encode())
    with pytest.raises(Unfit) as unfit:
        line.prepare(Envelope("b@news.example", "r0@example.org", spoiled))
    assert isinstance(unfit.value.outcome, Unbuildable)


def test_single_mails_of_django_leave_through_it_and_tell_what_became_of_them(make_api, settings):
    api = make_api("mailgun")
    settings.EMAIL_URL = api.url
    settings.EMAIL_BACKEND = "newsletter.sending.mail.RelayBackend"
    send_mail("Grüße", "Hallo", "desk@news.example", ["ann@example.org", "ben@example.org"])
    assert sorted(mail.to for mail in api.truth) == ["ann@example.org", "ben@example.org"]
    api.refused = {"eva@example.org"}
    with pytest.raises(MailNotSent) as refused:
        send_mail("Grüße", "Hallo", "desk@news.example", ["eva@example.org"])
    assert isinstance(refused.value.outcome, Never)
    api.close()
    with pytest.raises(RelayDown) as down:
        send_mail("Grüße", "Hallo", "desk@news.example", ["ann@example.org"])
    assert is_passing(down.value)

"""Single mails (confirmations, proofs, notes from Django itself) over the same relay, as Django's e-mail backend."""

import contextlib
import logging
from collections.abc import Sequence
from email import message_from_bytes, policy
from email.utils import parseaddr

from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend

from newsletter.sending.outcomes import Accepted, Doubt, Later, Never, NotSent, OursToMend, Outcome, said
from newsletter.sending.relay import the_relay
from newsletter.sending.smtp import Connection, Envelope, OpenGate, RelayDown

logger = logging.getLogger(__name__)


class MailNotSent(Exception):
    """The relay did not take the mail, or not surely; the text holds its words, and `outcome` what they come to."""

    def __init__(self, text: str, outcome: Outcome) -> None:
        super().__init__(text)
        self.outcome = outcome


def is_passing(trouble: MailNotSent | RelayDown) -> bool:
    """Whether the same mail may be taken later, and surely was not taken now."""
    return isinstance(trouble, RelayDown) or isinstance(trouble.outcome, Later | NotSent)


class RelayBackend(BaseEmailBackend):
    """EMAIL_BACKEND. Each recipient gets an envelope of his own."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        mails = [mail for mail in email_messages if mail.recipients()]
        if not mails:
            return 0
        sent = 0
        try:
            with contextlib.closing(Connection(the_relay())) as connection:
                for mail in mails:
                    for envelope in _envelopes(mail):
                        _post(connection, envelope)
                    sent += 1
        except (MailNotSent, RelayDown):
            if not self.fail_silently:
                raise
        return sent


def post(envelope: Envelope) -> None:
    """Send one mail now. Raises RelayDown or MailNotSent."""
    with contextlib.closing(Connection(the_relay())) as connection:
        _post(connection, envelope)


def _post(connection: Connection, envelope: Envelope) -> None:
    outcome = connection.deliver(envelope, OpenGate())
    if not isinstance(outcome, Accepted):
        raise MailNotSent(f"The relay did not take the mail: {_words(outcome)}", outcome)


def _words(outcome: Outcome) -> str:
    if isinstance(outcome, Doubt):
        return f"{outcome.words} It may have arrived all the same."
    if isinstance(outcome, Later | Never | OursToMend):
        return said(outcome.code, outcome.words)
    return outcome.words if isinstance(outcome, NotSent) else ""


def _envelopes(mail: EmailMessage) -> list[Envelope]:
    message = mail.message()
    # RFC 5322 3.3: -0000 would say that the zone is unknown
    message.replace_header("Date", message["Date"].replace("-0000", "+0000"))
    content = message.as_bytes(linesep="\r\n")  # type: ignore[call-arg]
    sender = parseaddr(mail.from_email)[1]
    recipients = [parseaddr(recipient)[1] for recipient in mail.recipients()]
    return [
        Envelope(sender, recipient, _in_utf8(content, mail) if _is_wide(recipient) else content)
        for recipient in recipients
    ]


def _is_wide(address: str) -> bool:
    """Whether the address needs SMTPUTF8: encoded words may not stand in a local part (RFC 2047, 5)."""
    return not address.rpartition("@")[0].isascii()


def _in_utf8(content: bytes, mail: EmailMessage) -> bytes:
    """The message with its addresses in raw UTF-8 (RFC 6532), for an envelope that travels with SMTPUTF8."""
    message = message_from_bytes(content, policy=policy.SMTPUTF8)
    for name, people in (("To", mail.to), ("Cc", mail.cc), ("Reply-To", mail.reply_to)):
        if people:
            message.replace_header(name, ", ".join(people))
    return message.as_bytes()

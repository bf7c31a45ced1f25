"""Single mails (confirmations, proofs, notes from Django itself) over the same relay, as Django's e-mail backend."""

import contextlib
import logging
from collections.abc import Sequence
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
    message = mail.message().as_bytes(linesep="\r\n")  # type: ignore[call-arg]
    sender = parseaddr(mail.from_email)[1]
    return [Envelope(sender, parseaddr(recipient)[1], message) for recipient in mail.recipients()]

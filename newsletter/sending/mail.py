"""Single mails (confirmations, proofs, notes from Django itself) over the same relay, as Django's e-mail backend."""

import binascii
import contextlib
import random
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from email import message_from_bytes, policy
from email.message import Message
from email.utils import parseaddr

from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend
from django.utils import timezone

from newsletter.sending.dkim import signed
from newsletter.sending.outcomes import Accepted, Doubt, Later, Never, NotSent, OursToMend, Outcome, said
from newsletter.sending.post import Envelope
from newsletter.sending.post_office import post_for
from newsletter.sending.relay import Relay, the_relays

STEP_SECONDS = 1.0


class RelayDown(Exception):
    """No connection to any relay, or none that lets us in; the text says why."""


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
        mails = [(mail, _envelopes(mail)) for mail in email_messages if mail.recipients()]
        letters = _Letters(envelope for _, envelopes in mails for envelope in envelopes)
        try:
            _carry(letters)
        except (MailNotSent, RelayDown):
            if not self.fail_silently:
                raise
        taken, sent = len(letters.taken), 0
        for _, envelopes in mails:
            taken -= len(envelopes)
            sent += taken >= 0
        return sent


def post(envelope: Envelope | Callable[[Relay], Envelope]) -> Accepted:
    """Send one mail now; one that is made for the relay that will carry it is signed by who makes it.

    Raises RelayDown, MailNotSent, and what making it raises.
    """
    letters = _Letters([envelope])
    _carry(letters)
    return letters.taken[0]


class _Letters:
    """A source (post.Source) that no ledger counts: one letter after the other, as long as all are taken."""

    def __init__(self, envelopes: Iterable[Envelope | Callable[[Relay], Envelope]]) -> None:
        self._waiting = deque(envelopes)
        self._is_out = False
        self.taken: list[Accepted] = []
        self.trouble: Outcome | None = None

    @property
    def is_done(self) -> bool:
        return self.trouble is not None or not (self._waiting or self._is_out)

    def next_envelope(self, relay: Relay) -> Envelope | None:
        if self.is_done or self._is_out:
            return None
        letter = self._waiting.popleft()
        if not isinstance(letter, Envelope):
            letter = letter(relay)
        elif not relay.signs:
            letter = _signed(letter)
        self._is_out = True
        return letter

    def lease_holds(self, envelope: Envelope) -> bool:
        return True

    def at_dot(self, envelope: Envelope) -> None:
        pass

    def answered(self, envelope: Envelope, code: int) -> None:
        pass

    def ended(self, envelope: Envelope, outcome: Outcome) -> None:
        self._is_out = False
        if isinstance(outcome, Accepted):
            self.taken.append(outcome)
        else:
            self.trouble = outcome


def _carry(letters: _Letters) -> None:
    if letters.is_done:
        return
    with contextlib.closing(post_for(_one_first(the_relays()), letters, connections=1)) as carrier:
        while not letters.is_done:
            carrier.step(STEP_SECONDS)
            if carrier.down and not carrier.in_hand:
                raise RelayDown(carrier.down)
    if letters.trouble is not None:
        raise MailNotSent(f"The relay did not take the mail: {_words(letters.trouble)}", letters.trouble)


def _one_first(relays: list[Relay]) -> list[Relay]:
    """One of them, by its weight, and the others only while that is down: a single mail needs one connection."""
    weights = [relay.weight for relay in relays] if any(relay.weight for relay in relays) else None
    first = random.choices(relays, weights)[0]  # noqa: S311 - no secret hangs on it
    return [replace(relay, weight=int(relay is first), connections=1) for relay in relays]


def _signed(envelope: Envelope) -> Envelope:
    return replace(envelope, message=signed(envelope.message, sender=envelope.sender, now=timezone.now()))


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
    _in_seven_bits(message)
    content = message.as_bytes(linesep="\r\n")  # type: ignore[call-arg]
    sender = parseaddr(mail.from_email)[1]
    recipients = [parseaddr(recipient)[1] for recipient in mail.recipients()]
    return [
        Envelope(sender, recipient, _in_utf8(content, mail) if _is_wide(recipient) else content)
        for recipient in recipients
    ]


def _in_seven_bits(message: Message) -> None:
    """Nothing in it is left as 8bit, which a relay need not take (RFC 6152)."""
    for part in message.walk():
        if part["Content-Transfer-Encoding"] == "8bit":
            content = part.get_payload(decode=True)
            assert isinstance(content, bytes)
            part.replace_header("Content-Transfer-Encoding", "quoted-printable")
            part.set_payload(binascii.b2a_qp(content).decode("ascii"))


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

"""A proof: one copy of an edition for an editor's own eyes, marked as such, whose links to a reader lead nowhere."""

from datetime import datetime
from email.utils import make_msgid

from newsletter import tokens
from newsletter.models import Edition, Segment
from newsletter.rendering.message import ByteTemplate
from newsletter.rendering.slots import Slots
from newsletter.sending.mail import post
from newsletter.sending.post import Envelope
from newsletter.sending.publication import render_edition

MARK = "[Proof]"
NO_READER = "proof-".ljust(tokens.LENGTH, "-")  # signed by nobody: leave and settings answer that the link is no good


def send_proof(edition: Edition, segment: Segment | None, *, to: str, now: datetime) -> None:
    """Send the edition as the segment would get it. Raises RelayDown or MailNotSent, and what rendering raises."""
    post(Envelope(edition.newsletter.from_email, to, proof(edition, segment, to=to, now=now)))


def proof(edition: Edition, segment: Segment | None, *, to: str, now: datetime, mark: str = MARK) -> bytes:
    """The complete message."""
    rendered = render_edition(edition, segment, now=now, mark=mark)
    slots = Slots(
        to_name="",
        to_email=to,
        message_id=make_msgid(domain=edition.newsletter.domain).strip("<>"),
        date=now,
        leave_token=NO_READER,
        settings_token=NO_READER,
    )
    return ByteTemplate.from_bytes(rendered.template).merge(slots)

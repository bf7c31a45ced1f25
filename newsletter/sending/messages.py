"""From a letter to the bytes that leave: the variant's byte template, this reader's values, and the signature."""

from datetime import datetime
from typing import Any

from newsletter import tokens
from newsletter.models import Campaign, Variant
from newsletter.rendering.message import ByteTemplate
from newsletter.rendering.slots import Slots
from newsletter.sending.dkim import signer_for
from newsletter.sending.outcomes import Letter
from newsletter.sending.post import Envelope
from newsletter.sending.relay import Relay
from newsletter.tokens import Purpose


class Press:
    """Prints one campaign's letters; each variant is read once.

    Raises ImproperlyConfigured at once when a key of the newsletter's domain is no good: no reader is to blame for it.
    """

    def __init__(self, campaign: Campaign) -> None:
        domain, newsletter, key = campaign.newsletter.domain, campaign.newsletter_id, campaign.key
        self._leave_token = tokens.maker(Purpose.LEAVE, newsletter_id=newsletter, campaign=key)
        self._settings_token = tokens.maker(Purpose.SETTINGS, newsletter_id=newsletter, campaign=key)
        self._return_path = tokens.return_paths(domain)
        self._signer = signer_for(domain)
        self._templates: dict[int, ByteTemplate] = {}

    def envelope(self, letter: Letter, *, now: datetime, relay: Relay, about: Any = None) -> Envelope:
        """The message and where it goes, signed unless the relay does that itself; `about` is the caller's own.

        Raises BadValue for a reader's value that fits in no message.
        """
        subscriber = letter.subscriber
        slots = Slots(
            letter.name,
            letter.email,
            letter.message_id,
            now,
            self._leave_token(subscriber),
            self._settings_token(subscriber),
        )
        message = self._template(letter.variant).merge(slots)
        if not relay.signs and self._signer:
            message = self._signer.sign(message, now=now) + message
        return Envelope(self._return_path(letter.delivery), letter.email, message, True, about)

    def _template(self, variant: int) -> ByteTemplate:
        template = self._templates.get(variant)
        if template is None:
            stored = Variant.objects.values_list("template", flat=True).get(pk=variant)
            template = self._templates[variant] = ByteTemplate.from_bytes(bytes(stored))
        return template

"""From a letter to the bytes that leave: the variant's byte template and this reader's values, nothing else."""

from datetime import datetime

from newsletter import tokens
from newsletter.models import Campaign, Variant
from newsletter.rendering.message import ByteTemplate
from newsletter.rendering.slots import Slots
from newsletter.sending.outcomes import Letter
from newsletter.sending.smtp import Envelope
from newsletter.tokens import Purpose, ReaderRef


class Press:
    """Prints one campaign's letters; each variant is read once."""

    def __init__(self, campaign: Campaign) -> None:
        self._key = campaign.key
        self._newsletter_id = campaign.newsletter_id
        self._domain = campaign.newsletter.domain
        self._templates: dict[int, ByteTemplate] = {}

    def envelope(self, letter: Letter, *, now: datetime) -> Envelope:
        """The message and where it goes. Raises BadValue for a reader's value that fits in no message."""
        reader = ReaderRef(letter.subscriber, self._newsletter_id, self._key)
        slots = Slots(
            to_name=letter.name,
            to_email=letter.email,
            message_id=letter.message_id,
            date=now,
            leave_token=tokens.for_reader(Purpose.LEAVE, reader),
            settings_token=tokens.for_reader(Purpose.SETTINGS, reader),
        )
        return Envelope(
            sender=tokens.return_path(letter.delivery, self._domain),
            recipient=letter.email,
            message=self._template(letter.variant).merge(slots),
        )

    def _template(self, variant: int) -> ByteTemplate:
        if variant not in self._templates:
            stored = Variant.objects.values_list("template", flat=True).get(pk=variant)
            self._templates[variant] = ByteTemplate.from_bytes(bytes(stored))
        return self._templates[variant]

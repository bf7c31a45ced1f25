"""The ids under which providers took our mails: kept, because their events name a mail by them."""

from collections.abc import Iterable

from newsletter.models import ProviderMessage
from newsletter.sending.outcomes import Accepted

_LONGEST = 200


def remember(taken: Iterable[tuple[int, Accepted]]) -> None:
    """Keep the ids of deliveries, given as (delivery, outcome); one statement, or none if no provider gave an id.

    Safe to run twice. Of a delivery that was sent again after a doubt the last id is kept; the events of the copy
    before are known by the Message-ID in their metadata.
    """
    rows = [
        ProviderMessage(delivery_id=delivery, esp=outcome.provider, message_id=outcome.provider_id[:_LONGEST])
        for delivery, outcome in taken
        if outcome.provider_id
    ]
    if rows:
        ProviderMessage.objects.bulk_create(
            rows, update_conflicts=True, unique_fields=["delivery"], update_fields=["esp", "message_id"]
        )

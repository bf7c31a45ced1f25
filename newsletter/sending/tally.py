"""What a lane has settled, told about once a second: the campaign's minute, its progress, and whether it does harm."""

import time
from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from django.db import connection, transaction

from newsletter.models import Campaign
from newsletter.models.delivery import DeliveryState
from newsletter.sending import breaker
from newsletter.sending.outcomes import Settlement, enhanced

TELL_SECONDS = 1.0

_COLUMNS = ("sent", "rejected", "hard", "deferred", "doubtful", "other")
_COLUMN = {
    DeliveryState.SENT: "sent",
    DeliveryState.REJECTED: "rejected",
    DeliveryState.DEFERRED: "deferred",
    DeliveryState.IN_DOUBT: "doubtful",
}
_ADD = f"""
    INSERT INTO newsletter_campaignminute (campaign_id, minute, {", ".join(_COLUMNS)})
    VALUES (%s, %s, {", ".join(["%s"] * len(_COLUMNS))})
    ON CONFLICT (campaign_id, minute) DO UPDATE
    SET {", ".join(f"{each} = newsletter_campaignminute.{each} + excluded.{each}" for each in _COLUMNS)}
"""  # noqa: S608  (our own names of columns)


class Tally:
    """`states` counts everything since the beginning."""

    def __init__(self) -> None:
        self.states: Counter[str] = Counter()
        self._untold: Counter[str] = Counter()
        self._next = 0.0

    @property
    def is_due(self) -> bool:
        return bool(self._untold) and time.monotonic() >= self._next

    def add(self, settlements: Sequence[Settlement], *, gone: int = 0) -> None:
        for each in settlements:
            self.states[each.state] += 1
            if not each.paced:  # it only waits: it was not tried
                self._untold[_COLUMN.get(DeliveryState(each.state), "other")] += 1
            if each.state == DeliveryState.REJECTED and enhanced(each.reply[4:]).startswith("5.1."):
                self._untold["hard"] += 1
        if gone:
            self.states[DeliveryState.SUPPRESSED] += gone
            self._untold["other"] += gone

    def tell(self, campaign_id: int, *, now: datetime) -> str:
        """Write down what is new; gives why the campaign must be paused, or nothing."""
        self._next = time.monotonic() + TELL_SECONDS
        if not self._untold:
            return ""
        with transaction.atomic():
            self._add_to_the_minute(campaign_id, now=now)
            self._show_progress(campaign_id, now=now)
        self._untold.clear()
        return breaker.reason_to_pause(Campaign.objects.get(pk=campaign_id), now=now)

    def _add_to_the_minute(self, campaign_id: int, *, now: datetime) -> None:
        minute = connection.ops.adapt_datetimefield_value(now.replace(second=0, microsecond=0))
        with connection.cursor() as cursor:
            cursor.execute(_ADD, [campaign_id, minute, *(self._untold[each] for each in _COLUMNS)])

    def _show_progress(self, campaign_id: int, *, now: datetime) -> None:
        """A paused campaign keeps the reason it was paused for."""
        rows = Campaign.objects.filter(pk=campaign_id)
        rows.update(progress_at=now)
        if self._untold["sent"]:
            rows.sending().exclude(trouble="").update(trouble="")

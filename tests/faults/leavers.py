"""People who unsubscribe in the midst of it, by the button of their mail program (RFC 8058), through the real view.

The promise is exact: once the leave is answered, nobody is mailed whose delivery is neither settled nor within its
chunk's open window. So a moment after the answer one query looks where the delivery stands: a window that was being
opened while the answer was given is open by then.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.conf import settings
from django.db import connection
from django.test import Client
from django.urls import reverse

from newsletter import tokens
from newsletter.models import Campaign
from newsletter.tokens import Purpose, ReaderRef
from tests.faults.truth import Taken

A_MOMENT = 0.03  # seconds; a turn in the ledger takes a tenth of that
_WHERE_IT_STANDS = """
    SELECT d.state, d.doubts, d.attempts,
           CASE WHEN c.window_from <= d.number AND d.number <= c.window_to THEN 1 ELSE 0 END
    FROM newsletter_delivery d
    JOIN newsletter_chunk c ON c.campaign_id = d.campaign_id AND c.number = d.number / %s
    WHERE d.id = %s
"""


@dataclass(frozen=True)
class Leave:
    """Where a delivery stood at `at` (seconds of the epoch), when its reader's leave had just been answered."""

    recipient: str
    delivery: int
    at: float
    state: str
    doubts: int
    attempts: int
    in_window: bool

    @property
    def is_protected(self) -> bool:
        return self.state in ("queued", "deferred", "in_doubt") and not self.in_window


def leave(campaign: Campaign, *, delivery: int, key: str, recipient: str, has_it: bool = False) -> Leave | None:
    """Unsubscribe; None when the site could not answer (its database is away).

    `has_it`: by the button of this campaign's mail, which proves that it arrived; else by that of an earlier mail.
    """
    token = tokens.for_reader(Purpose.LEAVE, ReaderRef(key, campaign.newsletter_id, campaign.key if has_it else ""))
    client = Client(raise_request_exception=False, SERVER_NAME="127.0.0.1")
    answer = client.post(reverse("one-click", args=[token]), {"List-Unsubscribe": "One-Click"})
    if answer.status_code != 200:
        return None
    time.sleep(A_MOMENT)
    with connection.cursor() as cursor:
        cursor.execute(_WHERE_IT_STANDS, [settings.SEND_CHUNK, delivery])
        state, doubts, attempts, in_window = cursor.fetchone()
    return Leave(recipient, delivery, time.time(), state, doubts, attempts, bool(in_window))


def mailed_after_leaving(
    leaves: Sequence[Leave], taken: Mapping[str, Sequence[Taken]], attempts: Mapping[int, int]
) -> list[Leave]:
    """Those to whom the promise was broken. `attempts`: of each delivery, as the ledger has it at the end.

    A message in doubt may have been at its dot all along and arrive late: there the ledger tells whether it was tried
    again, and else the server's clock tells.
    """
    return [each for each in leaves if each.is_protected and _was_mailed(each, taken, attempts)]


def _was_mailed(leave: Leave, taken: Mapping[str, Sequence[Taken]], attempts: Mapping[int, int]) -> bool:
    if leave.doubts:
        return attempts[leave.delivery] > leave.attempts
    return any(copy.heard_at > leave.at for copy in taken.get(leave.recipient, ()))

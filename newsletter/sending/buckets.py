"""Places in a row that all lanes on all machines share: each is a moment at which one message may leave.

A bucket's row holds the next moment that is still free. Whoever takes places moves it on by a conditional update (where
it is still what was read), on the database's clock, so no moment is given twice.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from newsletter.models import Bucket


@dataclass(frozen=True)
class Places:
    """`count` moments from `first` on, each a step after the one before; taken at `asked_at`."""

    asked_at: datetime
    first: datetime
    count: int


def take_places(
    key: str, *, step: timedelta, wanted: Callable[[timedelta], int], clock: Callable[[], datetime]
) -> Places | None:
    """The bucket's next free places. `wanted` tells how many, given how far ahead the first lies; None when none."""
    while True:  # each failure means that another lane has got its places
        now = clock()
        free = _next_free(key, now)
        first = max(free, now)
        count = wanted(first - now)
        if count < 1:
            return None
        if Bucket.objects.filter(key=key, next_at=free).update(next_at=first + count * step):
            return Places(now, first, count)


def _next_free(key: str, now: datetime) -> datetime:
    found = Bucket.objects.filter(key=key).values_list("next_at", flat=True).first()
    return Bucket.objects.get_or_create(key=key, defaults={"next_at": now})[0].next_at if found is None else found

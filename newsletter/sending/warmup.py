"""The warm-up plan: a new sender's ceiling a day (UTC), which grows until it holds nobody back.

Mailbox providers distrust a sender that was never seen and writes to a million people. The ceiling is for what is
opened for sending, over all campaigns of the newsletter; what was opened and not sent is given back.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from math import log

from django.db.models import F

from newsletter.models import Newsletter, WarmUpDay

MOST = 2_000_000_000  # a ceiling that nobody reaches; the database's numbers end a little above


def ceiling(newsletter: Newsletter, day: date) -> int | None:
    """How many may be opened on the day: the first day's number, grown by so many per cent for each day since.

    None: no plan, or it has not begun; then there is no ceiling.
    """
    start, first, growth = newsletter.warm_up_from, newsletter.warm_up_first, newsletter.warm_up_growth
    if start is None or day < start:
        return None
    days = (day - start).days
    if log(first) + days * log(1 + growth / 100) >= log(MOST):
        return MOST
    return int(first * (100 + growth) ** days // 100**days)


def plan(newsletter: Newsletter, *, readers: int) -> Iterator[tuple[date, int]]:
    """The days of the plan with their ceilings, the last being the first that holds all readers. It may have no end."""
    day = newsletter.warm_up_from
    while day is not None:
        limit = ceiling(newsletter, day) or 0
        yield day, limit
        day = None if limit >= readers else day + timedelta(days=1)


def reserve(newsletter_id: int, wanted: int, *, now: datetime) -> int:
    """How many of `wanted` deliveries may be opened today, now taken; all of them without a plan.

    For the transaction that opens them: whatever undoes it gives them back.
    """
    day = _day(now)
    limit = ceiling(Newsletter.objects.get(pk=newsletter_id), day)
    if limit is None or wanted < 1:
        return wanted
    row, _ = WarmUpDay.objects.get_or_create(newsletter_id=newsletter_id, day=day)
    while (allowed := min(wanted, limit - row.opened)) > 0:
        still = WarmUpDay.objects.filter(pk=row.pk, opened__lte=limit - allowed)
        if still.update(opened=F("opened") + allowed):
            return allowed
        row.refresh_from_db()  # another lane took some
    return 0


def give_back(newsletter_id: int, unused: int, *, now: datetime) -> None:
    """Those reserved today and not opened. At midnight they are lost with their day."""
    if unused > 0:
        today = WarmUpDay.objects.filter(newsletter_id=newsletter_id, day=_day(now), opened__gte=unused)
        today.update(opened=F("opened") - unused)


def opens_again(now: datetime) -> datetime:
    """When the next day's ceiling holds: midnight UTC."""
    return datetime.combine(_day(now) + timedelta(days=1), time(), tzinfo=UTC)


def _day(now: datetime) -> date:
    return now.astimezone(UTC).date()

"""The weekly plan: every newsletter's next edition stands ready, filled with the best approved stories."""

import logging
from datetime import datetime
from zoneinfo import ZoneInfo

from django.db import IntegrityError, transaction
from django.db.models import Q

from newsletter.editions import compose
from newsletter.editions.slots import next_slot
from newsletter.models import Edition, Newsletter

logger = logging.getLogger(__name__)

__all__ = ["next_slot", "open_next_editions", "slot_after"]

SUBJECT_LIMIT = 70
PLAN = "the weekly plan"


def slot_after(newsletter: Newsletter, *, after: datetime) -> datetime:
    """The newsletter's first weekly slot later than the moment, in UTC."""
    return next_slot(weekday=newsletter.weekday, wall_time=newsletter.wall_time, zone=newsletter.zone, after=after)


def open_next_editions(*, now: datetime) -> list[Edition]:
    """Open the edition of each weekly newsletter's next slot where it does not stand yet; gives those opened now."""
    opened = [open_next_edition(newsletter, now=now) for newsletter in Newsletter.objects.filter(weekly=True)]
    return [edition for edition in opened if edition is not None]


def open_next_edition(newsletter: Newsletter, *, now: datetime) -> Edition | None:
    """The edition of the next slot, filled; None when that week's edition stands, also when editors moved its hour.

    An edition that was sent before its time leaves its slot empty and cannot give it up: the slot after it is next.
    """
    slot = slot_after(newsletter, after=now)
    while standing := _standing(newsletter, slot):
        if any(edition.sent_at is None for edition in standing):
            return None
        slot = slot_after(newsletter, after=slot)
    slug = week_of(slot, newsletter.zone)
    try:
        with transaction.atomic():
            edition = Edition.objects.create(
                newsletter=newsletter, slug=slug, slot=slot, subject=_plain_subject(newsletter, slug)
            )
            _fill(edition, now=now)
    except IntegrityError:
        return None  # another scheduler opened it in the same moment; the database let only one of us
    logger.info("edition opened by the plan", extra={"edition": edition.pk, "newsletter": newsletter.pk})
    return edition


def week_of(slot: datetime, zone: str) -> str:
    """The slot's ISO week where the newsletter lives, as an edition's slug: 2026-w48."""
    year, week, _ = slot.astimezone(ZoneInfo(zone)).isocalendar()
    return f"{year}-w{week:02}"


def subject_from(headlines: list[str]) -> str:
    """As many of the headlines as fit into 70 characters, the first one cut at a word where it alone is longer."""
    subject = ""
    for headline in headlines:
        longer = f"{subject}; {headline}" if subject else headline
        if len(longer) > SUBJECT_LIMIT:
            break
        subject = longer
    return subject or _cut(headlines[0] if headlines else "")


def _standing(newsletter: Newsletter, slot: datetime) -> list[Edition]:
    """The editions that hold the slot or its week."""
    its_own = Q(slug=week_of(slot, newsletter.zone)) | Q(slot=slot)
    return list(Edition.objects.filter(its_own, newsletter=newsletter))


def _fill(edition: Edition, *, now: datetime) -> None:
    added = compose.fill_up(edition, actor=PLAN, now=now).added
    if added:
        edition.subject = subject_from(added[:3])
        edition.save(update_fields=["subject"])


def _plain_subject(newsletter: Newsletter, slug: str) -> str:
    return f"{newsletter.name}, {slug}"


def _cut(headline: str) -> str:
    if len(headline) <= SUBJECT_LIMIT:
        return headline
    return headline[: SUBJECT_LIMIT - 1].rsplit(" ", 1)[0].rstrip(" ,;:–-") + "…"

"""The tick: what is due is found in rows, anew each time. Run twice at once, or never: only the delay changes."""

import logging
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar

from django.conf import settings

from newsletter.editions.plan import open_next_editions
from newsletter.models import Campaign, Chunk, Edition
from newsletter.sending import breaker, campaigns, claim, instance, journal
from newsletter.sending.campaigns import AlreadyStarted, FreezeRefused, NotMoved, ReleaseRefused, is_late
from newsletter.sending.progress import is_stalled

logger = logging.getLogger(__name__)

_OLD_JOURNAL = timedelta(days=1)
_Row = TypeVar("_Row")


def tick(*, now: datetime) -> list[int]:
    """Do what is due and return the campaigns that want senders (a hint to be queued), each once.

    First of all is looked whether this is still the database that sent until now: if that fails, nothing else is done.
    """
    instance.check(now=now)
    _surely(lambda: open_next_editions(now=now))
    _each(Edition.objects.at_their_slot(now), lambda edition: _start(edition, now=now))
    _each(Campaign.objects.drafts_at_their_slot(now), lambda campaign: _begin(campaign, now=now))
    _each(Campaign.objects.filter(state=Campaign.State.FROZEN, held_until__lte=now), lambda c: _release(c, now=now))
    _surely(lambda: claim.settle_abandoned(now=now))
    _surely(lambda: _sweep_journals(now))
    _each(Campaign.objects.sending(), lambda campaign: finish_if_all_ended(campaign, now=now))
    _each(Campaign.objects.sending(), lambda campaign: _look_after(campaign, now=now))
    return [pk for pk in Campaign.objects.sending().values_list("pk", flat=True) if claim.has_due(pk, now=now)]


def finish_if_all_ended(campaign: Campaign, *, now: datetime) -> bool:
    """Close the campaign if every chunk of it is closed."""
    if Chunk.objects.filter(campaign=campaign, closed=False).exists():
        return False
    try:
        campaigns.finish(campaign, now=now)
    except NotMoved:
        return False
    return True


def _start(edition: Edition, *, now: datetime) -> None:
    try:
        campaigns.start(edition, slot=edition.slot, actor=campaigns.TIMETABLE, now=now)
    except AlreadyStarted:
        logger.info("edition was started in the same moment by another", extra={"edition": edition.pk})


def _begin(campaign: Campaign, *, now: datetime) -> None:
    """Freeze what is in time; what is late waits for a person."""
    if is_late(campaign.slot or campaign.created_at, now=now):
        campaigns.miss(campaign, now=now)
        return
    try:
        campaigns.freeze(campaign, actor=campaigns.TIMETABLE, now=now)
    except FreezeRefused as refused:
        logger.warning("freeze refused", extra={"campaign": campaign.pk, "detail": str(refused)})


def _release(campaign: Campaign, *, now: datetime) -> None:
    """A server that was away, or restored from a backup, does not send by itself what should have left hours ago."""
    if is_late(campaign.held_until, now=now):
        reason = "Its hold ended hours ago, when nothing was running here. Resume it if it should still go out."
        campaigns.pause(campaign, actor=campaigns.TIMETABLE, now=now, reason=reason)
        return
    try:
        campaigns.release(campaign, actor=campaigns.TIMETABLE, now=now)
    except ReleaseRefused as refused:
        logger.warning("release refused", extra={"campaign": campaign.pk, "detail": str(refused)})


def _look_after(campaign: Campaign, *, now: datetime) -> None:
    """Pause what does harm, and say what stands still: in the first tick of each minute."""
    if reason := breaker.reason_to_pause(campaign, now=now):
        campaigns.pause(campaign, actor=campaigns.SENDER, now=now, reason=reason)
    elif now.second < settings.TICK_SECONDS and is_stalled(campaign, now=now):
        logger.warning("stalled", extra={"campaign": campaign.pk})


def _sweep_journals(now: datetime) -> None:
    named = Chunk.objects.exclude(owner="").values_list("owner", flat=True)
    journal.sweep(named=named, before=(now - _OLD_JOURNAL).timestamp())


def _each(rows: Iterable[_Row], act: Callable[[_Row], object]) -> None:
    for row in list(rows):
        _surely(partial(act, row))


def _surely(act: Callable[[], object]) -> None:
    """One campaign that cannot be moved must not keep the others."""
    try:
        act()
    except NotMoved as late:  # another tick, or a person, was quicker
        logger.info("not moved", extra={"campaign": late.campaign.pk})
    except Exception:
        logger.exception("the tick failed at one thing and goes on")

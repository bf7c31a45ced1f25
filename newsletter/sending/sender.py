"""Sending a campaign in this process: a lane is put together, works, and what it did is told."""

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from newsletter.models import Campaign
from newsletter.sending import campaigns, claim, due, instance
from newsletter.sending.clock import steady_clock
from newsletter.sending.ending import End, Ending
from newsletter.sending.health import Health
from newsletter.sending.lane import Lane
from newsletter.sending.messages import Press
from newsletter.sending.outbox import Outbox
from newsletter.sending.post_office import post_for
from newsletter.sending.relay import Relay, the_relays
from newsletter.sending.smtp import ANSWER_SECONDS
from newsletter.sending.throttle import Throttle

logger = logging.getLogger(__name__)

__all__ = ["End", "Run", "run"]


@dataclass
class Run:
    """What a lane did: how it ended, chunks taken, deliveries settled by state."""

    end: End = End.NOTHING_DUE
    chunks: int = 0
    settled: Counter[str] = field(default_factory=Counter)


def never() -> bool:
    return False


def run(
    campaign_id: int,
    *,
    stop: Callable[[], bool] = never,
    rest: Callable[[], bool] = never,
    clock: Callable[[], datetime] | None = None,
    relays: Sequence[Relay] | None = None,
    answer_seconds: float = ANSWER_SECONDS,
) -> Run:
    """Send what is due in the campaign. Expected trouble ends it quietly and is written on the campaign.

    `stop` is asked at least every second; then nothing new leaves, and what stands at a dot is waited for. `rest` ends
    it after what is opened, for another lane to go on. `clock` gives the moment for due times: the database's, unless a
    test moves it.
    """
    now = clock or steady_clock()
    if not instance.is_trusted():
        logger.warning("lane not begun: the next tick looks after this database", extra={"campaign": campaign_id})
        return Run(End.STOPPED)
    result = Run()
    if _has_due(campaign_id, now=now()):
        result = _work(campaign_id, stop=stop, rest=rest, clock=now, relays=relays, answer_seconds=answer_seconds)
    if result.end is End.NOTHING_DUE:
        due.finish_if_all_ended(Campaign.objects.get(pk=campaign_id), now=now())
    detail = f"{result.end.value} {dict(result.settled)}"
    logger.info("lane ended", extra={"campaign": campaign_id, "detail": detail})
    return result


def _has_due(campaign_id: int, *, now: datetime) -> bool:
    try:
        return claim.has_due(campaign_id, now=now)
    except OSError:  # the folder of the journals; the lane tells
        return True


def _work(
    campaign_id: int,
    *,
    stop: Callable[[], bool],
    rest: Callable[[], bool],
    clock: Callable[[], datetime],
    relays: Sequence[Relay] | None,
    answer_seconds: float,
) -> Run:
    try:
        press = Press(Campaign.objects.select_related("newsletter").get(pk=campaign_id))
        ways = list(relays or the_relays())
    except ImproperlyConfigured as fault:
        return Run(_told(campaign_id, Ending(End.TROUBLE, str(fault))))
    health = Health(connections=settings.SEND_CONNECTIONS)
    outbox = Outbox(press=press, throttle=Throttle(clock=clock), health=health)
    post = post_for(ways, outbox, answer_seconds=answer_seconds)
    lane = Lane(campaign_id, outbox=outbox, post=post, clock=clock, stop=stop, rest=rest)
    return Run(_told(campaign_id, lane.work()), lane.chunks.taken, lane.tally.states)


def _told(campaign_id: int, ending: Ending) -> End:
    """What keeps the campaign from going on stands on its page."""
    if ending.words:
        campaigns.report_trouble(campaign_id, ending.words)
        logger.warning("lane in trouble", extra={"campaign": campaign_id, "detail": ending.words})
    return ending.end

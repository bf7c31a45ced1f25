"""The lane: takes chunk after chunk of a campaign and sends it, until none is left or somebody says stop."""

import contextlib
import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from django.conf import settings

from newsletter.models import Campaign
from newsletter.sending import campaigns, claim, due
from newsletter.sending.claim import Fenced, Hold
from newsletter.sending.clock import database_now
from newsletter.sending.health import Health
from newsletter.sending.journal import Journal
from newsletter.sending.messages import Press
from newsletter.sending.outcomes import Letter, Outcome, Unbuildable
from newsletter.sending.relay import Relay, the_relay
from newsletter.sending.shift import Shift, Stopped, Trouble
from newsletter.sending.smtp import ANSWER_SECONDS, Connection, Gate, RelayDown

logger = logging.getLogger(__name__)


class End(Enum):
    """Why a lane ended."""

    NOTHING_DUE = "nothing due"
    STOPPED = "stopped"
    TROUBLE = "trouble"  # the campaign says which; the tick tries again
    FENCED = "fenced"


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
    clock: Callable[[], datetime] = database_now,
    relay: Relay | None = None,
    answer_seconds: float = ANSWER_SECONDS,
) -> Run:
    """Send what is due in the campaign. `stop` is asked at least every second; what stands at a dot is waited for.

    `clock` gives the moment for due times: the database's, unless a test moves it.
    """
    lane = Lane(campaign_id, stop=stop, clock=clock, relay=relay or the_relay(), answer_seconds=answer_seconds)
    with contextlib.closing(lane):
        lane.work()
    if lane.result.end is End.NOTHING_DUE:
        due.finish_if_all_ended(Campaign.objects.get(pk=campaign_id), now=clock())
    detail = f"{lane.result.end.value} {dict(lane.result.settled)}"
    logger.info("lane ended", extra={"campaign": campaign_id, "detail": detail})
    return lane.result


class Lane:
    """One connection, one chunk at a time."""

    def __init__(
        self,
        campaign_id: int,
        *,
        stop: Callable[[], bool],
        clock: Callable[[], datetime],
        relay: Relay,
        answer_seconds: float,
    ) -> None:
        self.campaign_id = campaign_id
        self.stop = stop
        self.clock = clock
        self.relay = relay
        self.health = Health()
        self.result = Run()
        self._answer_seconds = answer_seconds
        self._connection: Connection | None = None
        self._press = Press(Campaign.objects.select_related("newsletter").get(pk=campaign_id))

    def work(self) -> None:
        """Chunk after chunk. Expected trouble ends it quietly and is written on the campaign."""
        try:
            self._chunks()
        except Fenced:
            self.result.end = End.FENCED
        except Stopped:
            self.result.end = End.STOPPED
        except (Trouble, RelayDown) as trouble:
            self.result.end = End.TROUBLE
            campaigns.report_trouble(self.campaign_id, str(trouble))
            logger.warning("lane in trouble", extra={"campaign": self.campaign_id, "detail": str(trouble)})

    def send(self, letter: Letter, gate: Gate, *, now: datetime) -> Outcome:
        """Build one letter and send it. Raises RelayDown when there is no connection to be had."""
        connection = self._connect()
        try:
            envelope = self._press.envelope(letter, now=now)
        except Exception as error:  # whatever it is, it is this reader's alone: the others must not wait for it
            kind = type(error).__name__  # no traceback in the log: the values in it are a reader's
            logger.error("message cannot be built", extra={"delivery": letter.delivery, "detail": kind})
            return Unbuildable(f"The message cannot be built: {kind}: {error}")
        return connection.deliver(envelope, gate)

    def pause(self, reason: str) -> None:
        campaign = Campaign.objects.get(pk=self.campaign_id)
        with contextlib.suppress(campaigns.NotMoved):  # another lane, or a person, was quicker
            campaigns.pause(campaign, actor=campaigns.SENDER, now=self.clock(), reason=reason)

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()

    def _chunks(self) -> None:
        while not self.stop():
            journal = _new_journal()
            hold = self._next_hold(journal)
            if hold is None:
                return
            self.result.chunks += 1
            Shift(self, hold, journal).work()
        raise Stopped

    def _next_hold(self, journal: Journal) -> Hold | None:
        """The next chunk, held under this journal; without one the journal goes again."""
        hold = None
        try:
            if claim.has_due(self.campaign_id, now=self.clock()):
                self._connect()  # before a chunk is held: a relay that is down must cost nobody a lease
                hold = claim.claim(self.campaign_id, owner=journal.owner, now=self.clock())
        finally:
            if hold is None:
                journal.discard()
        return hold

    def _connect(self) -> Connection:
        if self._connection is None or self._connection.is_broken:
            self._connection = Connection(self.relay, answer_seconds=self._answer_seconds)
        return self._connection


def _new_journal() -> Journal:
    try:
        return Journal.create()
    except OSError as error:
        raise Trouble(f"The journal cannot be written: {error}. See to {settings.JOURNAL_DIR}.") from error

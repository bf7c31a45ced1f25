"""How fast letters leave: a relay's rate, an editor's pace for a domain, and patience with a domain that defers.

Rate and pace hold over all lanes on all machines: places are taken from rows that they share (buckets.py), a few at a
time, and used at their moments. Patience is each lane's own. Moments inside are seconds of the monotonic clock.
"""

import logging
import time
from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import lru_cache

import idna
from django.db import InterfaceError, OperationalError, connection

from newsletter.models import DomainPace
from newsletter.sending.buckets import Places, take_places
from newsletter.sending.outcomes import Accepted, Later, Letter, Outcome
from newsletter.sending.relay import Relay

logger = logging.getLogger(__name__)

AHEAD = 2.0  # seconds: so far ahead places are taken for a relay, and so much too early a paced letter may go
STALE = 2.0  # a place not used for so long is lost: else saved ones would leave in a burst
ASK_EVERY = 0.5
MOST_AT_ONCE = 50  # places for a domain: what a lane does not use is lost to all
RULES_LAST = 30.0
MINUTE = 60.0
DEFERRALS_IN_A_ROW = 3
LONGEST_BACK_OFF = 15 * MINUTE


class Throttle:
    """Of one lane; for its thread alone. Knows nothing of a campaign."""

    def __init__(self, *, clock: Callable[[], datetime], monotonic: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._monotonic = monotonic
        self._known = (clock(), monotonic())  # the same moment on both clocks
        self._relays: dict[str, _Stock] = {}
        self._paces: dict[str, _Pace] = {}
        self._rules_until = 0.0
        self._back_offs: dict[str, _BackOff] = {}

    def relay_may(self, relay: Relay) -> bool:
        """Whether a message may leave over the relay now. Yes uses up a place: ask with a letter in hand.

        Asks the database at most twice a second, and only for a relay that has a rate. No while the database is away.
        """
        if not relay.rate:
            return True
        now = self._monotonic()
        stock = self._relays.setdefault(str(relay), _Stock())
        if now >= stock.ask_at and stock.last < now + AHEAD / 2:
            stock.ask_at = now + ASK_EVERY
            step = 1 / relay.rate
            self._fill(stock, f"relay:{relay}", step, wanted=lambda wait: _half_of_what_is_free(wait, step))
        return stock.take(not_before=now - STALE, until=now) is not None

    def put_off(self, letter: Letter) -> datetime | None:
        """None: the letter may go now. Else until when its domain is full, or not to be bothered.

        A moment for pace is reserved for this letter. One that is `paced` has waited for its moment and goes; only when
        a minute's worth of such letters comes at once (nothing ran for a while) do the others wait for another.
        """
        now = self._monotonic()
        if now >= self._rules_until:
            self._read_rules(now)
        if not self._paces and not self._back_offs:
            return None
        domain = domain_of(letter.email)
        back_off = self._back_offs.get(domain)
        if back_off is not None and now < back_off.until:
            return self._moment(back_off.until)
        pace = self._paces.get(domain)
        if pace is None or (letter.paced and pace.may_keep_its_place(now)):
            return None
        place = self._place(domain, pace, now)
        return None if place <= now + AHEAD else self._moment(place)

    def heard(self, letter: Letter, outcome: Outcome) -> None:
        """What became of a letter. After three deferrals in a row at a domain it is left alone for 1, 2, 4 ... 15
        minutes, until it accepts one."""
        if isinstance(outcome, Accepted):
            if self._back_offs:
                self._back_offs.pop(domain_of(letter.email), None)
        elif isinstance(outcome, Later):
            self._back_offs.setdefault(domain_of(letter.email), _BackOff()).deferred(self._monotonic())

    def _place(self, domain: str, pace: "_Pace", now: float) -> float:
        place = pace.stock.take(not_before=now - STALE)
        if place is None:
            batch = max(1, min(MOST_AT_ONCE, int(AHEAD / pace.step)))
            self._fill(pace.stock, f"domain:{domain}", pace.step, wanted=lambda wait: batch)
            place = pace.stock.take(not_before=now - STALE)
        return now + MINUTE if place is None else place  # the database is away: nobody can tell a place

    def _fill(self, stock: "_Stock", key: str, step: float, *, wanted: Callable[[timedelta], int]) -> None:
        span = max(timedelta(seconds=step), timedelta.resolution)
        try:
            places = take_places(key, step=span, wanted=wanted, clock=self._clock)
        except (OperationalError, InterfaceError):
            connection.close()
            logger.warning("database away, no places to send at", extra={"detail": key})
            return
        if places is not None:
            self._known = (places.asked_at, self._monotonic())
            stock.add(places, span.total_seconds(), asked_at=self._known[1])

    def _read_rules(self, now: float) -> None:
        self._rules_until = now + RULES_LAST
        try:
            rules = DomainPace.objects.values_list("domain", "per_minute")
            steps = {ascii_domain(domain): MINUTE / per_minute for domain, per_minute in rules}
            if steps:
                self._known = (self._clock(), now)
        except (OperationalError, InterfaceError):
            connection.close()
            return
        kept = {domain: pace for domain, pace in self._paces.items() if pace.step == steps.get(domain)}
        self._paces = {domain: kept.get(domain) or _Pace(step) for domain, step in steps.items()}

    def _moment(self, at: float) -> datetime:
        moment, then = self._known
        return moment + timedelta(seconds=at - then)


def domain_of(email: str) -> str:
    return ascii_domain(email.rpartition("@")[2])


@lru_cache(maxsize=4096)
def ascii_domain(domain: str) -> str:
    """Lower case, in ASCII (IDNA); as it stands, if it cannot be that."""
    try:
        return domain.lower() if domain.isascii() else idna.encode(domain, uts46=True).decode()
    except idna.IDNAError:
        return domain.lower()


class _Stock:
    """Places that are this lane's own, in their order."""

    def __init__(self) -> None:
        self._moments: deque[float] = deque()
        self.last = 0.0
        self.ask_at = 0.0

    def add(self, places: Places, step: float, *, asked_at: float) -> None:
        first = asked_at + (places.first - places.asked_at).total_seconds()
        self._moments.extend(first + number * step for number in range(places.count))
        self.last = self._moments[-1]

    def take(self, *, not_before: float, until: float = float("inf")) -> float | None:
        while self._moments and self._moments[0] < not_before:
            self._moments.popleft()
        return self._moments.popleft() if self._moments and self._moments[0] <= until else None


class _Pace:
    """An editor's rule for one domain, as this lane keeps it: one message every `step` seconds."""

    def __init__(self, step: float) -> None:
        self.step = step
        self.stock = _Stock()
        self._kept = 0.0

    def may_keep_its_place(self, now: float) -> bool:
        """Whether one more letter may come at the place it had reserved: at most a minute's worth at once."""
        kept = max(self._kept, now) + self.step
        if kept - now > MINUTE:
            return False
        self._kept = kept
        return True


class _BackOff:
    """Deferrals in a row at one domain; it is left alone `until`."""

    def __init__(self) -> None:
        self.until = 0.0
        self._deferrals = 0
        self._wait = MINUTE / 2

    def deferred(self, now: float) -> None:
        self._deferrals += 1
        if self._deferrals >= DEFERRALS_IN_A_ROW and now >= self.until:  # earlier: one that was under way
            self._wait = min(2 * self._wait, LONGEST_BACK_OFF)
            self.until = now + self._wait


def _half_of_what_is_free(wait: timedelta, step: float) -> int:
    """Half of the places that lie less than AHEAD from now, so that lanes share a rate; one if there is one."""
    free = AHEAD - wait.total_seconds()
    return 0 if free < 0 else max(1, int(free / step + 1) // 2)

"""How far a campaign is, in values: for its page and for the command line."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Case, Count, Min, Q, Value, When

from newsletter.models import Campaign, CampaignMinute, Delivery
from newsletter.models.delivery import FINAL
from newsletter.sending.counting import Failure, count
from newsletter.sending.doubts import Decision, decisions

STALLED_AFTER = timedelta(minutes=5)
MINUTE = timedelta(minutes=1)
MOST_MINUTES = 30
MOST_NAMES = 200
MOST_TROUBLES = 8
_CODE = re.compile(r"(\d{3})(?: (\d\.\d{1,3}\.\d{1,3}))?")
State = Delivery.State


@dataclass(frozen=True)
class Trouble:
    """One kind of failure: its code (or the state it led to), how many deliveries, the newest words and when."""

    kind: str
    count: int
    words: str
    at: datetime


@dataclass(frozen=True)
class Doubtful:
    """A reader who may have got no copy, or more than one; `copies` is the most that can have arrived.

    `waits_until`: of one in doubt, until when evidence is waited for. `asked`: one more mail is on its way.
    """

    delivery: int
    email: str
    state: str
    doubted_at: datetime
    attempts: int
    copies: int
    words: str
    waits_until: datetime | None
    asked: bool
    decided: Decision | None


@dataclass(frozen=True)
class Minute:
    """What a minute came to, as the lanes tell it."""

    at: datetime
    sent: int
    refused: int
    deferred: int
    doubtful: int
    other: int


@dataclass(frozen=True)
class Progress:
    """`rate` is deliveries ended a second over the last one to two minutes; `left` what is queued takes at that rate.

    `goes_on_at`: nothing is due before. `waiting`: wait for a place at their domain; no server has deferred them.
    """

    counts: dict[str, int]  # every state, also those with none
    total: int
    rate: float
    left: timedelta | None
    goes_on_at: datetime | None
    stalled: bool
    waiting: int
    troubles: list[Trouble]
    minutes: list[Minute]  # the last half hour's, oldest first; those in which nothing happened are not there
    doubtful: list[Doubtful]
    doubtful_count: int
    excluded: dict[str, int]
    trouble: str

    @property
    def ended(self) -> int:
        return sum(self.counts[state] for state in FINAL)

    @property
    def open(self) -> int:
        return self.total - self.ended

    @property
    def percent(self) -> float:
        return 100 * self.ended / self.total if self.total else 0.0

    @property
    def last_error(self) -> Trouble | None:
        return max(self.troubles, key=lambda each: each.at, default=None)


def progress(campaign: Campaign, *, now: datetime) -> Progress:
    """The campaign as it stands. Cheap enough to be asked every two seconds, also of a million deliveries."""
    counted = count(campaign)
    counts = {state: counted.states[state] for state in State.values}
    minutes = _minutes(campaign, now=now)
    sending = campaign.state == Campaign.State.SENDING
    rate = _rate(campaign, minutes, now=now) if sending else 0.0
    due_at, is_held = _due(campaign) if sending else (None, False)
    doubtful = Delivery.objects.doubtful().filter(campaign=campaign).order_by()
    return Progress(
        counts=counts,
        total=campaign.frozen_count or 0,
        rate=rate,
        left=timedelta(seconds=round(counts[State.QUEUED] / rate)) if rate and counts[State.QUEUED] else None,
        goes_on_at=due_at if due_at and due_at > now and not is_held else None,
        stalled=is_stalled(campaign, now=now),
        waiting=counted.waiting,
        troubles=_troubles(counted.failures, now=now),
        minutes=minutes,
        doubtful=_named(campaign),
        doubtful_count=doubtful.count(),
        excluded=dict(campaign.excluded),
        trouble=campaign.trouble,
    )


def is_stalled(campaign: Campaign, *, now: datetime) -> bool:
    """Being sent, with something due, and nothing settled for five minutes."""
    if campaign.state != Campaign.State.SENDING or now - (campaign.progress_at or now) < STALLED_AFTER:
        return False
    return campaign.chunks.filter(closed=False, due_at__lte=now - STALLED_AFTER).exists()


def _minutes(campaign: Campaign, *, now: datetime) -> list[Minute]:
    rows = CampaignMinute.objects.filter(campaign=campaign, minute__gt=now - MOST_MINUTES * MINUTE)
    fields = ("minute", "sent", "rejected", "deferred", "doubtful", "other")
    return [Minute(*row) for row in rows.order_by("minute").values_list(*fields)]


def _rate(campaign: Campaign, minutes: list[Minute], *, now: datetime) -> float:
    """Over the minute that runs and the whole one before it."""
    since = now.replace(second=0, microsecond=0) - MINUTE
    ended = sum(each.sent + each.refused + each.other for each in minutes if each.at >= since)
    return ended / max((now - max(since, campaign.started_at or since)).total_seconds(), 1.0)


def _due(campaign: Campaign) -> tuple[datetime | None, bool]:
    """When the earliest open chunk is due, and whether anybody holds one."""
    found = campaign.chunks.filter(closed=False).aggregate(first=Min("due_at"), held=Count("pk", filter=~Q(owner="")))
    return found["first"], bool(found["held"])


def _troubles(failures: list[Failure], *, now: datetime) -> list[Trouble]:
    """By code, the most frequent first."""
    kinds: dict[str, list[Failure]] = {}
    for each in failures:
        match = _CODE.match(each.words)
        kind = " ".join(part for part in match.groups() if part) if match else str(State(each.state).label)
        kinds.setdefault(kind, []).append(each)
    troubles = [_trouble(kind, alike, now=now) for kind, alike in kinds.items()]
    return sorted(troubles, key=lambda each: (-each.count, each.kind))[:MOST_TROUBLES]


def _trouble(kind: str, alike: list[Failure], *, now: datetime) -> Trouble:
    newest = max(alike, key=lambda each: each.at)
    at = min(newest.at, now)  # a place at its domain may lie later than the wait that the server's words cost
    return Trouble(kind, sum(each.count for each in alike), newest.words, at)


def _named(campaign: Campaign) -> list[Doubtful]:
    """By age, so that nobody's line moves while a person reads; when they are too many, those to decide on first."""
    settled = Case(When(state__in=[State.IN_DOUBT, State.UNKNOWN], then=Value(0)), default=Value(1))
    mine = Delivery.objects.doubtful().filter(campaign=campaign).select_related("subscriber")
    rows = sorted(mine.order_by(settled, "doubted_at", "pk")[:MOST_NAMES], key=_age)
    decided = decisions([row.pk for row in rows])
    return [_doubtful(row, decided.get(row.pk)) for row in rows]


def _age(row: Delivery) -> tuple[str, int]:
    return str(row.doubted_at), row.pk


def _doubtful(row: Delivery, decided: Decision | None) -> Doubtful:
    assert row.doubted_at is not None  # it is among the doubtful
    next_at, settled_at = row.next_attempt_at, row.settled_at
    return Doubtful(
        delivery=row.pk,
        email=row.subscriber.email,
        state=row.state,
        doubted_at=row.doubted_at,
        attempts=row.attempts,
        copies=row.doubts + (row.state == State.SENT),
        words=row.reply,
        waits_until=next_at if row.state == State.IN_DOUBT else None,
        asked=bool(row.state == State.UNKNOWN and next_at and settled_at and next_at > settled_at),
        decided=decided,
    )

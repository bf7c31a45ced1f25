"""How far a campaign is, in values: for its page and for the command line."""

import re
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Max
from django.db.models.functions import Substr

from newsletter.models import Campaign, Delivery
from newsletter.models.delivery import FINAL, OPEN, DeliveryQuerySet

RATE_OVER = timedelta(minutes=1)
STALLED_AFTER = timedelta(minutes=5)
MOST_NAMES = 200
MOST_TROUBLES = 8
_CODE = re.compile(r"(\d{3})(?: (\d\.\d{1,3}\.\d{1,3}))?")


@dataclass(frozen=True)
class Trouble:
    """One kind of failure: its code, how many deliveries, the server's words at one of them."""

    kind: str
    count: int
    words: str


@dataclass(frozen=True)
class Doubtful:
    """A reader who may have got no copy, or more than one; `copies` is the most that can have arrived."""

    delivery: int
    email: str
    state: str
    doubted_at: datetime
    copies: int
    words: str


@dataclass(frozen=True)
class Progress:
    """`rate` is deliveries a second over the last minute; `left` the time to the end at that rate, when known."""

    counts: dict[str, int]  # every state, also those with none
    total: int
    ended: int
    rate: float
    left: timedelta | None
    stalled: bool
    troubles: list[Trouble]
    doubtful: list[Doubtful]
    doubtful_count: int
    excluded: dict[str, int]
    trouble: str

    @property
    def open(self) -> int:
        return self.total - self.ended

    @property
    def percent(self) -> float:
        return 100 * self.ended / self.total if self.total else 0.0


def progress(campaign: Campaign, *, now: datetime) -> Progress:
    """The campaign as it stands; four queries."""
    counts = _counts(campaign)
    ended = sum(counts[state] for state in FINAL)
    open_count = sum(counts[state] for state in OPEN)
    rate = _rate(campaign, now=now) if campaign.state == Campaign.State.SENDING else 0.0
    doubtful = Delivery.objects.doubtful().filter(campaign=campaign)
    return Progress(
        counts=counts,
        total=campaign.frozen_count or 0,
        ended=ended,
        rate=rate,
        left=timedelta(seconds=round(open_count / rate)) if rate and open_count else None,
        stalled=_is_stalled(campaign, now=now),
        troubles=_troubles(campaign),
        doubtful=_names(doubtful),
        doubtful_count=doubtful.count(),
        excluded=dict(campaign.excluded),
        trouble=campaign.trouble,
    )


def _counts(campaign: Campaign) -> dict[str, int]:
    rows = Delivery.objects.filter(campaign=campaign).order_by().values("state").annotate(n=Count("pk"))
    found = {row["state"]: row["n"] for row in rows}
    return {state: found.get(state, 0) for state in Delivery.State.values}


def _rate(campaign: Campaign, *, now: datetime) -> float:
    began = max(now - RATE_OVER, campaign.started_at or now - RATE_OVER)
    recent = Delivery.objects.filter(campaign=campaign, state=Delivery.State.SENT, settled_at__gt=began).count()
    return recent / max((now - began).total_seconds(), 1.0)


def _is_stalled(campaign: Campaign, *, now: datetime) -> bool:
    """Being sent, with something due, and nothing settled for five minutes."""
    if campaign.state != Campaign.State.SENDING or now - (campaign.progress_at or now) < STALLED_AFTER:
        return False
    return campaign.chunks.filter(closed=False, due_at__lte=now - STALLED_AFTER).exists()


def _troubles(campaign: Campaign) -> list[Trouble]:
    """Failures by code, the most frequent first; by the head of the words, since each server adds its own ids."""
    failed = Delivery.objects.filter(campaign=campaign, state__in=["rejected", "deferred", "gave_up"])
    rows = failed.order_by().annotate(head=Substr("reply", 1, 10)).values_list("head")
    counts: Counter[str] = Counter()
    words: dict[str, str] = {}
    for head, count, example in rows.annotate(n=Count("pk"), example=Max("reply")):
        match = _CODE.match(example)
        kind = " ".join(part for part in match.groups() if part) if match else head
        counts[kind] += count
        words[kind] = example
    most = sorted(counts.items(), key=lambda each: (-each[1], each[0]))[:MOST_TROUBLES]
    return [Trouble(kind, count, words[kind]) for kind, count in most]


def _names(doubtful: DeliveryQuerySet) -> list[Doubtful]:
    fields = ("pk", "subscriber__email", "state", "doubted_at", "doubts", "reply")
    found = []
    for pk, email, state, at, doubts, reply in doubtful.order_by("number").values_list(*fields)[:MOST_NAMES]:
        found.append(Doubtful(pk, email, state, at, doubts + (state == Delivery.State.SENT), reply))
    return found

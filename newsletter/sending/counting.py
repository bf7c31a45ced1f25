"""Counting a campaign's deliveries: how many in each state, how many wait for a place, which errors they met.

A million rows cost half a second and more to read, and an open page asks every two seconds. Only the holder of a chunk
changes its deliveries, and raises the chunk's epoch first. So of a large campaign the counts of chunks that nobody
holds are kept until their epoch has moved on; those that are in doubt, which evidence and people change too, are always
counted anew. And should that take long, as when a thousand chunks have one retry each, then what was found is shown for
ten times as long (10 s at most): counting never takes more than a tenth of one connection. What is over is exact.
"""

import time
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Any, NamedTuple

from django.conf import settings
from django.core.cache import cache
from django.db.models import Case, Count, F, Func, Max, Q, TextField, Value, When
from django.db.models.functions import Coalesce, Concat, Substr

from newsletter.models import Campaign, Delivery
from newsletter.models.delivery import DeliveryQuerySet
from newsletter.sending.outcomes import retry_after

State = Delivery.State
FAILED = (State.REJECTED, State.DEFERRED, State.GAVE_UP)
BY_CHUNK_ABOVE = 20_000  # readers; fewer are counted in some milliseconds
KEPT_SECONDS = 600
MOST_SECONDS = 10
OVER = (Campaign.State.DONE, Campaign.State.CANCELLED)
MOST_RANGES = 200
HEAD = 10  # letters of the server's words: the codes, before each server adds its own ids
NEVER = (-1, ())  # no chunk has this epoch


class _Digits(Func):
    """A moment as digits that sort by time."""

    output_field = TextField()

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return self.as_sql(compiler, connection, template="to_char(%(expressions)s, 'YYYYMMDDHH24MISSUS')", **context)

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return self.as_sql(compiler, connection, template="strftime('%%Y%%m%%d%%H%%M%%f', %(expressions)s)", **context)


@dataclass(frozen=True)
class Failure:
    """Deliveries whose last answer began alike; `words` and `at` are of the newest of them."""

    state: str
    count: int
    words: str
    at: datetime


@dataclass
class Counted:
    """`waiting`: of the deferred, those that no server has deferred; they wait for a place at their domain."""

    states: Counter[str] = field(default_factory=Counter)
    waiting: int = 0
    failures: list[Failure] = field(default_factory=list)


class _Group(NamedTuple):
    """Failed deliveries whose words begin alike, deferred as often; `newest` is digits, a space, the words."""

    state: str
    head: str
    deferrals: int
    number: int
    newest: str
    at: datetime


class _Part(NamedTuple):
    """What a part of the deliveries comes to."""

    states: tuple[tuple[str, int], ...] = ()
    failed: tuple[_Group, ...] = ()


def count(campaign: Campaign) -> Counted:
    """The campaign's deliveries as they stand."""
    mine = Delivery.objects.filter(campaign=campaign).order_by()
    if (campaign.frozen_count or 0) <= BY_CHUNK_ABOVE:
        return _sum(_read(mine).values())
    key = f"campaign-count:{campaign.key}:{campaign.state}"
    counted: Counted | None = None if campaign.state in OVER else cache.get(key)
    if counted is None:
        began = time.monotonic()
        kept = _by_chunk(campaign, mine.filter(doubted_at=None))
        counted = _sum([*kept.values(), *_read(mine.doubtful()).values()])
        cache.set(key, counted, min(MOST_SECONDS, int(10 * (time.monotonic() - began))))
    return counted


def _by_chunk(campaign: Campaign, rows: DeliveryQuerySet) -> dict[int, _Part]:
    key = f"campaign-counts:{campaign.key}"
    known: dict[int, tuple[int, _Part]] = cache.get(key, {})
    # Before the counting: who claims a chunk meanwhile has raised its epoch, and it will be counted again.
    chunks = list(campaign.chunks.order_by().values_list("number", "epoch", "owner"))
    changed = {number: epoch for number, epoch, owner in chunks if owner or known.get(number, NEVER)[0] != epoch}
    begun = sorted(number for number, epoch in changed.items() if epoch)
    found = _read(rows.filter(_within(begun)), by_chunk=True) if begun else {}
    known |= {
        number: (epoch, found.get(number, _Part()) if epoch else _untouched(campaign, number))
        for number, epoch in changed.items()
    }
    held = {number for number, _, owner in chunks if owner}
    cache.set(key, {number: entry for number, entry in known.items() if number not in held}, KEPT_SECONDS)
    return {number: part for number, (_, part) in known.items()}


def _untouched(campaign: Campaign, chunk: int) -> _Part:
    """Nobody has held it yet: all of it is queued."""
    size = min(settings.SEND_CHUNK, (campaign.frozen_count or 0) - chunk * settings.SEND_CHUNK)
    return _Part(states=((State.QUEUED.value, size),))


def _within(chunks: list[int]) -> Q:
    """The deliveries of these chunks, which are in order; all deliveries when the list would be long."""
    size, within = settings.SEND_CHUNK, Q()
    ranges = list(_ranges(chunks))
    if len(ranges) <= MOST_RANGES:
        for first, last in ranges:
            within |= Q(number__gte=first * size, number__lt=(last + 1) * size)
    return within


def _ranges(numbers: list[int]) -> Iterable[tuple[int, int]]:
    """Runs of neighbours: 1 2 3 7 8 -> (1, 3), (7, 8)."""
    for _, run in groupby(enumerate(numbers), key=lambda pair: pair[1] - pair[0]):
        neighbours = [number for _, number in run]
        yield neighbours[0], neighbours[-1]


def _read(rows: DeliveryQuerySet, *, by_chunk: bool = False) -> dict[int, _Part]:
    """Two queries: by state, and the failed ones by their words. All in one part, number 0, unless `by_chunk`."""
    part = F("number") / Value(settings.SEND_CHUNK) if by_chunk else Value(0)
    rows = rows.annotate(part=part)
    states: defaultdict[int, list[tuple[str, int]]] = defaultdict(list)
    failed: defaultdict[int, list[_Group]] = defaultdict(list)
    for chunk, *state in rows.values_list("part", "state").annotate(n=Count("pk")):
        states[chunk].append((state[0], state[1]))
    moment = Coalesce("settled_at", "next_attempt_at")
    told = Concat(_Digits(moment), Value(" "), F("reply"), output_field=TextField())
    deferrals = Case(When(state=State.DEFERRED, then=F("attempts") - F("doubts")), default=Value(0))
    alike = rows.filter(state__in=FAILED).annotate(head=Substr("reply", 1, HEAD), deferrals=deferrals)
    groups = alike.values_list("part", "state", "head", "deferrals")
    for chunk, *group in groups.annotate(n=Count("pk"), newest=Max(told), at=Max(moment)):
        failed[chunk].append(_Group(*group))
    return {chunk: _Part(tuple(states[chunk]), tuple(failed[chunk])) for chunk in states}


def _sum(parts: Iterable[_Part]) -> Counted:
    counted = Counted()
    kinds: defaultdict[tuple[str, str], list[_Group]] = defaultdict(list)
    for part in parts:
        for state, number in part.states:
            counted.states[state] += number
        for group in part.failed:
            if group.state == State.DEFERRED and not group.deferrals:
                counted.waiting += group.number
            else:
                kinds[group.state, group.head].append(group)
    counted.failures = [_failure(alike) for alike in kinds.values()]
    return counted


def _failure(alike: list[_Group]) -> Failure:
    newest = max(alike, key=lambda group: (_answered_at(group), group.newest))
    return Failure(
        state=newest.state,
        count=sum(group.number for group in alike),
        words=newest.newest.partition(" ")[2],
        at=_answered_at(newest),
    )


def _answered_at(group: _Group) -> datetime:
    """When the server said it. A deferred delivery keeps when it is tried again, which is a set while later."""
    wait = retry_after(group.deferrals) if group.state == State.DEFERRED else None
    return group.at - wait if wait else group.at

"""How fresh a story is, decided at the moment it is shown and never stored (pure)."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

Freshness = Literal["fresh", "recent", "stale"]


@dataclass(frozen=True)
class Thresholds:
    """Ages up to which news counts as fresh and as recent."""

    fresh: timedelta = timedelta(hours=24)
    recent: timedelta = timedelta(days=3)


def freshness(published_at: datetime | None, *, now: datetime, thresholds: Thresholds = Thresholds()) -> Freshness:
    """Fresh, recent or stale by age. News of unknown age is stale: nobody can vouch that it is new."""
    if published_at is None:
        return "stale"
    age = now - published_at
    if age <= thresholds.fresh:
        return "fresh"
    return "recent" if age <= thresholds.recent else "stale"

"""Who would get an edition if it were frozen now: the same rules as the freeze, and nothing written."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import BigIntegerField, Case, Count, Value, When

from newsletter.audience.segments import BadRule, condition
from newsletter.models import Campaign, Newsletter, Segment, Subscription
from newsletter.sending import recipients
from newsletter.sending.publication import EVERYONE_ELSE


@dataclass(frozen=True)
class Share:
    name: str
    slug: str  # empty for everyone else
    readers: int


@dataclass(frozen=True)
class Forecast:
    """Readers a segment (each reader once, the first matching segment wins), and who is left out for which reason."""

    shares: list[Share]
    excluded: dict[str, int]
    problems: list[str]

    @property
    def readers(self) -> int:
        return sum(share.readers for share in self.shares)

    @property
    def variants(self) -> int:
        """How many of the variants somebody will read."""
        return sum(share.readers > 0 for share in self.shares)


def forecast(newsletter: Newsletter, *, now: datetime) -> Forecast:
    segments = list(newsletter.segments.order_by("position", "id"))
    problems = [problem for segment in segments for problem in _problems(segment)]
    counts = {} if problems else _counts(newsletter, segments, now=now)
    shares = [Share(segment.name, segment.slug, counts.get(segment.pk, 0)) for segment in segments]
    shares.append(Share(EVERYONE_ELSE, "", counts.get(0, 0)))
    return Forecast(shares, recipients.excluded(Campaign(newsletter=newsletter)), problems)


def _counts(newsletter: Newsletter, segments: list[Segment], *, now: datetime) -> dict[int, int]:
    cases = [When(condition(segment.rule, now=now), then=Value(segment.pk)) for segment in segments]
    first = Case(*cases, default=Value(0), output_field=BigIntegerField())
    rows = Subscription.objects.mailable(newsletter).order_by().annotate(first=first).values("first")
    return dict(rows.annotate(readers=Count("pk")).values_list("first", "readers"))


def _problems(segment: Segment) -> list[str]:
    try:
        condition(segment.rule)
    except BadRule as bad:
        return [f"Segment “{segment}”: {problem}" for problem in bad.problems]
    return []

"""The mail that every benchmark sends: a real edition of twelve stories, as long as the desk's limits let them be."""

import random
from datetime import datetime, time, timedelta
from itertools import count

from curation.models import Audience, Claim, Source, Story, StoryAudience
from newsletter.audience.synthetic import make_readers
from newsletter.editions import compose
from newsletter.models import Campaign, Edition, Newsletter, Segment
from newsletter.sending import campaigns, clock

ACTOR = "the benchmark"
DOMAIN = "example.org"
STORIES = 12
AUDIENCE = "engineers"
_COUNTRIES = ("FR", "CN", "US", "JP", "BR", "IN")
_WORDS = """
    weights laboratory regulator benchmark open model inference compiler training licence chip budget evaluation
    researchers publish measures agents robotics dataset hospital ministry court latency context tokens memory safety
    audit energy cluster pricing release quarter partners européenne São Zürich naïve déjà 研究 données – “frontier”
"""
_numbers = count(1)


def make_newsletter() -> Newsletter:
    """A newsletter with one segment, and twelve approved stories for it."""
    newsletter = Newsletter.objects.create(
        name="The Weekly AI Recap",
        slug="bench",
        description="The week's AI events, checked, in five minutes. Every week, one mail.",
        from_name="The Weekly AI Recap",
        from_email=f"recap@{DOMAIN}",
        reply_to="desk@example.org",
        postal_address="The Desk, 1 Example Street, 1000 Brussels, Belgium",
        weekly=False,
        wall_time=time(9, 0),
        hold_seconds=0,
    )
    rule = {"field": "audience", "op": "in", "value": [AUDIENCE]}
    Segment.objects.create(newsletter=newsletter, slug=AUDIENCE, name="Engineers", audience=AUDIENCE, rule=rule)
    for _ in range(STORIES):
        _make_story()
    return newsletter


def add_readers(newsletter: Newsletter, number: int) -> None:
    make_readers(newsletter.segments.get(), number, now=clock.database_now())


def frozen_campaign(newsletter: Newsletter) -> Campaign:
    """A new edition of the same stories, approved and frozen for all readers."""
    now = clock.database_now()
    campaign = campaigns.start(approved_edition(newsletter), slot=None, actor=ACTOR, now=now)
    campaigns.freeze(campaign, actor=ACTOR, now=now)
    return campaign


def approved_edition(newsletter: Newsletter) -> Edition:
    now, text = clock.database_now(), _Prose(0)
    edition = Edition.objects.create(
        newsletter=newsletter,
        slug=f"edition-{next(_numbers)}",
        subject="Open weights, closed doors: the week in AI",
        preheader=text.of(140),
        intro="\n\n".join(text.of(480) for _ in range(4)),
    )
    compose.add_stories(edition, Story.objects.values_list("pk", flat=True), actor=ACTOR, now=now)
    for lead in edition.items.all()[2:3]:
        lead.form = lead.Form.LEAD
        lead.save()
    edition.refresh_from_db()
    compose.approve(edition, actor=ACTOR, now=now)
    return edition


def _make_story() -> None:
    number, now = next(_numbers), clock.database_now()
    text = _Prose(number)
    story = Story.objects.create(
        slug=f"bench-story-with-a-slug-as-long-as-they-usually-are-number-{number}",
        headline=text.of(90),
        hook=text.of(120),
        what_to_do_next=text.of(140),
        source=Source.objects.get_or_create(
            name=text.of(40), defaults={"country": _COUNTRIES[number % len(_COUNTRIES)]}
        )[0],
        original_url=f"https://news.example.org/2026/11/{number}/{'a-headline-in-its-address-' * 3}",
        state=Story.State.APPROVED,
        published_at=_hours_before(now, number),
        collected_at=now,
    )
    for position, (code, _) in enumerate(Audience.objects.values_list("code", "label")):
        StoryAudience.objects.create(story=story, audience_id=code, position=position)
        Claim.objects.create(story=story, kind=Claim.Kind.WHY_IT_MATTERS, audience_id=code, text=text.of(140))
    for kind, long, most in (("what_changed", 140, 3), ("why_it_matters", 260, 1), ("takeaway", 240, 5)):
        for position in range(most):
            Claim.objects.create(story=story, kind=kind, position=position, text=text.of(long))
    for position in range(5):
        Claim.objects.create(
            story=story, kind=Claim.Kind.TECHNICAL, position=position, lead=text.of(40), text=text.of(240)
        )


def _hours_before(now: datetime, number: int) -> datetime:
    return now - timedelta(hours=7 * number)


class _Prose:
    """Words in an order of their own, the same in every run."""

    def __init__(self, seed: int) -> None:
        self._random, self._words = random.Random(seed), _WORDS.split()

    def of(self, most: int) -> str:
        """A sentence of nearly so many characters."""
        text = self._random.choice(self._words).capitalize()
        while len(longer := f"{text} {self._random.choice(self._words)}") < most:
            text = longer
        return f"{text}."

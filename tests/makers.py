"""Makers of believable rows for tests: each gives a valid thing, and takes what a test cares about."""

from collections.abc import Iterator
from datetime import UTC, datetime, time
from itertools import count
from typing import Any

from curation.models import Audience, Claim, Source, Story, StoryAudience
from newsletter.models import Edition, EditionItem, Interest, Newsletter, Segment, Subscriber, Subscription

NOW = datetime(2026, 11, 19, 9, 0, tzinfo=UTC)  # a Thursday
_numbers: Iterator[int] = count(1)


def make_story(
    *, audiences: tuple[str, ...] = ("researchers",), state: str = Story.State.APPROVED, **fields: Any
) -> Story:
    """A story with everything that approval asks for."""
    number = next(_numbers)
    source = (
        fields.pop("source", None) or Source.objects.get_or_create(name="Example Wire", defaults={"country": "FR"})[0]
    )
    story = Story.objects.create(
        **{
            "slug": f"story-{number}",
            "headline": f"Laboratory number {number} opens its model",
            "hook": "Weights and data are free for anybody to use",
            "what_to_do_next": "Read the model card before you build on it.",
            "source": source,
            "state": state,
            "published_at": NOW,
            "collected_at": NOW,
            **fields,
        }
    )
    Claim.objects.create(story=story, kind=Claim.Kind.WHAT_CHANGED, text=f"Laboratory {number} published its weights.")
    Claim.objects.create(story=story, kind=Claim.Kind.WHY_IT_MATTERS, text="Anybody can now check what was claimed.")
    for position, code in enumerate(audiences):
        StoryAudience.objects.create(story=story, audience=Audience.objects.get(code=code), position=position)
        Claim.objects.create(
            story=story,
            kind=Claim.Kind.WHY_IT_MATTERS,
            audience_id=code,
            text=f"For {code}: the result can be repeated.",
        )
    return story


def make_newsletter(**fields: Any) -> Newsletter:
    number = next(_numbers)
    return Newsletter.objects.create(
        **{
            "name": "The Weekly Recap",
            "slug": f"recap-{number}",
            "from_name": "The Desk",
            "from_email": "recap@example.org",
            "postal_address": "1 Example Street, 1000 Brussels, Belgium",
            "weekday": 3,
            "wall_time": time(9, 0),
            "zone": "Europe/Brussels",
            "hold_seconds": 0,
            **fields,
        }
    )


def make_segment(newsletter: Newsletter, audience: str, **fields: Any) -> Segment:
    """The readers interested in the audience."""
    return Segment.objects.create(
        **{
            "newsletter": newsletter,
            "slug": audience,
            "name": audience.title(),
            "audience": audience,
            "rule": {"field": "audience", "op": "in", "value": [audience]},
            "position": Segment.objects.filter(newsletter=newsletter).count(),
            **fields,
        }
    )


def make_subscriber(
    newsletter: Newsletter, *interests: str, state: str = Subscription.State.ACTIVE, **fields: Any
) -> Subscriber:
    """A reader of the newsletter, confirmed unless said otherwise."""
    number = next(_numbers)
    email = fields.pop("email", f"reader{number}@example.org")
    subscriber = Subscriber.objects.create(email=email, address=email.lower(), **fields)
    subscription = Subscription.objects.create(
        subscriber=subscriber, newsletter=newsletter, state=state, confirmed_at=NOW if state == "active" else None
    )
    Interest.objects.bulk_create(Interest(subscription=subscription, audience=code) for code in interests)
    return subscriber


def make_edition(newsletter: Newsletter, stories: list[Story], **fields: Any) -> Edition:
    """A draft that holds the stories in order, the first as lead."""
    from curation import catalog

    number = next(_numbers)
    edition = Edition.objects.create(
        **{
            "newsletter": newsletter,
            "slug": f"edition-{number}",
            "subject": "Open weights, closed doors: the week in AI",
            "preheader": "Two laboratories published, one regulator answered.",
            "intro": "A quiet week, and a useful one.",
            **fields,
        }
    )
    for position, copy in enumerate(catalog.find([story.pk for story in stories])):
        EditionItem.objects.create(
            edition=edition,
            story_id=copy.id,
            position=position,
            form="lead" if position == 0 else "normal",
            copy=copy.as_data(),
            content_hash=copy.content_hash,
        )
    return edition

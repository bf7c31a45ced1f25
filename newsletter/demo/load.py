"""Loads the demo once: the newsletter, its segments and readers, and two editions.

The first edition fills the weekly slot that strikes at this very moment, so that a newcomer sees the main job run; the
second is next week's, planned with what the first did not use.
"""

from datetime import datetime, timedelta

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractUser
from django.db import transaction

from curation import catalog
from newsletter.demo.readers import READERS
from newsletter.editions import compose, plan
from newsletter.models import Consent, Edition, EditionItem, Interest, Newsletter, Segment, Subscriber, Subscription

SLUG = "weekly-ai-recap"
SEED = "xiaomi-launches-2-2b-ai-talent-program"  # the story that this product was made from: it leads
EDITOR = "editor"
WORDING = "Demo reader: made up for this installation, never asked."
SEGMENTS: list[tuple[str, str, tuple[str, ...]]] = [  # slug and audience, name, whose interests
    ("researchers", "Researchers & Academics", ("researchers",)),
    ("engineers", "Developers & Engineers", ("engineers",)),
    ("founders", "Founders & Investors", ("founders", "investors")),
    ("policy", "Policy & Legal", ("policy",)),
    ("general", "General readers", ()),
]
LEADS = 2


def is_loaded() -> bool:
    return Newsletter.objects.filter(slug=SLUG).exists()


def load(*, editor: AbstractUser, now: datetime) -> bool:
    """Load everything in one transaction; False when it was loaded before, and then nothing is touched."""
    with transaction.atomic():
        newsletter, made = Newsletter.objects.get_or_create(slug=SLUG, defaults=_newsletter(now))
        if not made:
            return False
        _make_segments(newsletter)
        _make_readers(newsletter, now)
        edition = _make_edition(newsletter, slot=now.replace(second=0, microsecond=0), now=now, editor=editor)
        compose.approve(edition, actor=editor, now=now)
    plan.open_next_editions(now=now)
    return True


def demo_editor(*, password: str) -> AbstractUser:
    """The editor's account. The password is given once, when the account is made; from then on it is its owner's."""
    users = get_user_model()
    editor, made = users.objects.get_or_create(
        username=EDITOR, defaults={"email": "editor@example.org", "is_staff": True, "is_superuser": True}
    )
    if made:
        editor.set_password(password or None)  # none: an account that nobody can sign in to until one is set
        editor.save(update_fields=["password"])
    return editor


def _newsletter(now: datetime) -> dict[str, object]:
    return {
        "name": "The Weekly AI Recap",
        "description": "The week's AI events, checked, in five minutes. Every week, one mail.",
        "from_name": "The Weekly AI Recap",
        "from_email": "recap@example.org",
        "reply_to": "desk@example.org",
        "postal_address": "The Demo Desk, 1 Example Street, 1000 Brussels, Belgium",
        "weekday": now.weekday(),
        "wall_time": now.time().replace(second=0, microsecond=0),
        "zone": "UTC",
        "hold_seconds": 5,
    }


def _make_segments(newsletter: Newsletter) -> None:
    for position, (slug, name, interests) in enumerate(SEGMENTS):
        rule = {"field": "audience", "op": "in", "value": list(interests)} if interests else {}
        Segment.objects.create(
            newsletter=newsletter,
            slug=slug,
            name=name,
            audience=slug if interests else "",
            rule=rule,
            position=position,
        )


def _make_readers(newsletter: Newsletter, now: datetime) -> None:
    for days, reader in enumerate(READERS, start=1):
        joined = now - timedelta(days=days)
        email = f"{reader.local}@example.org"
        subscriber = Subscriber.objects.create(email=email, address=email, name=reader.name, language=reader.language)
        subscription = Subscription.objects.create(
            subscriber=subscriber,
            newsletter=newsletter,
            state=Subscription.State.ACTIVE,
            depth=reader.depth,
            origin="demo",
            confirmed_at=joined,
        )
        Interest.objects.bulk_create(Interest(subscription=subscription, audience=code) for code in reader.interests)
        Consent.objects.create(
            subscription=subscription, act=Consent.Act.CONFIRMED, at=joined, means="demo", wording=WORDING
        )


def _make_edition(newsletter: Newsletter, *, slot: datetime, now: datetime, editor: AbstractUser) -> Edition:
    edition = Edition.objects.create(
        newsletter=newsletter,
        slug=f"{slot:%G-w%V}",
        slot=slot,
        subject="Five years of AI in one recap: from Copilot's preview to reasoning models",
        preheader="The demo's first edition: events from 2021 to 2025, each with its source and its quotes.",
        intro=(
            "This is the demo's first edition. Its stories are real events of the last five years, written up by the "
            "demo's authors, each resting on a short note that says so.\n\n"
            "You read the variant of your segment: what concerns you comes first, the rest follows in brief."
        ),
    )
    compose.add_stories(edition, _first_stories(newsletter.stories_per_edition), actor=editor, now=now)
    EditionItem.objects.filter(edition=edition, position__lt=LEADS).update(form=EditionItem.Form.LEAD)
    return edition


def _first_stories(most: int) -> list[int]:
    stories = sorted(catalog.approved(limit=100), key=lambda story: story.slug != SEED)
    return [story.id for story in stories[:most]]

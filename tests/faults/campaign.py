"""The campaign under fire: its readers, its start, and the person at the desk who keeps it going."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta

from django.db import transaction
from django.db.models import Q

from newsletter.editions import compose
from newsletter.models import Campaign, Chunk, Delivery, Newsletter, Subscriber, Subscription
from newsletter.sending import campaigns
from newsletter.sending.clock import database_now
from tests.makers import NOW, make_edition, make_newsletter, make_story

ACTOR = "the faults program"
LONGEST_DEFERRAL = timedelta(seconds=1)


def begin(addresses: Sequence[str], *, policy: str) -> Campaign:
    """A campaign to these readers, frozen and released."""
    newsletter = make_newsletter(doubt_policy=policy)
    with transaction.atomic():
        _subscribe(newsletter, addresses)
    edition = make_edition(newsletter, [make_story()])
    now = database_now()
    compose.approve(edition, actor=ACTOR, now=now)
    campaign = campaigns.start(edition, slot=None, actor=ACTOR, now=now)
    campaigns.freeze(campaign, actor=ACTOR, now=now)
    campaigns.release(campaign, actor=ACTOR, now=now, early=True)
    return campaign


def go_on(campaign: Campaign) -> bool:
    """As a person would: resume it when something paused it. True when it had to be."""
    campaign.refresh_from_db()
    if campaign.state != Campaign.State.PAUSED:
        return False
    with suppress(campaigns.NotMoved):
        campaigns.resume(campaign, actor=ACTOR, now=database_now())
    return True


def hurry(campaign: Campaign, *, at_once: bool = False) -> None:
    """Time passes faster for the deferred: nobody here has five minutes."""
    soon = database_now() + (timedelta(0) if at_once else LONGEST_DEFERRAL)
    waiting = Q(state=Delivery.State.DEFERRED, next_attempt_at__gt=soon)
    with transaction.atomic():
        campaign.deliveries.filter(waiting).update(next_attempt_at=soon)
        chunks = Chunk.objects.filter(campaign=campaign, closed=False, lease_until=None)
        chunks.filter(due_at__gt=soon).update(due_at=soon)


def expire_leases(campaign: Campaign, *, by: timedelta = timedelta(seconds=1)) -> None:
    """As if the leases had run out so long ago: who holds a chunk is dead or frozen, and nobody here waits."""
    held = Chunk.objects.filter(campaign=campaign, lease_until__isnull=False)
    held.update(lease_until=database_now() - by)


def _subscribe(newsletter: Newsletter, addresses: Sequence[str]) -> None:
    people = [Subscriber(email=each, address=each.lower(), name=f"Reader {n}") for n, each in enumerate(addresses)]
    Subscriber.objects.bulk_create(people, batch_size=500)
    active = Subscription.State.ACTIVE
    Subscription.objects.bulk_create(
        (Subscription(subscriber=each, newsletter=newsletter, state=active, confirmed_at=NOW) for each in people),
        batch_size=500,
    )

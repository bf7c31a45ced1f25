"""Confirmation mails that are owed: rows, so that a lost queue, a relay that is down or a death only delays them.

`confirmation_due_at` is when the mail may be tried; a sender takes it by pushing that moment ahead of itself, and one
that dies in between loses its turn, not the mail. `confirmation_sent_at` keeps an address from being flooded.
"""

from datetime import datetime, timedelta

from django.db.models import Exists, Max, OuterRef, Q

from newsletter.models import Consent, Subscription, Suppression
from newsletter.models.subscriber import SubscriptionQuerySet

QUIET = timedelta(hours=1)  # at most one mail to an address in this time, whoever asks and for whichever newsletter
TURN = timedelta(minutes=10)  # how long a sender has for one mail
RETRY = timedelta(minutes=5)
GIVE_UP = timedelta(days=2)  # who asked so long ago does not expect the mail any more


def owe(subscription: Subscription, *, now: datetime) -> bool:
    """Owe this subscription a mail; False when one is owed already, or was sent within QUIET and still says all.

    A mail that the address had within QUIET for something else puts this one off until that time is over.
    """
    had_it = subscription.confirmation_sent_at and subscription.confirmation_sent_at > now - QUIET
    if had_it and subscription.state != Subscription.State.LEFT:
        return False
    to_address = Subscription.objects.filter(subscriber=subscription.subscriber_id)
    last = to_address.aggregate(last=Max("confirmation_sent_at"))["last"]
    due = max(now, last + QUIET) if last else now
    unowed = Subscription.objects.filter(pk=subscription.pk, confirmation_due_at=None)
    return bool(unowed.update(confirmation_due_at=due))


def unsent_confirmations(now: datetime) -> SubscriptionQuerySet:
    """Those whose mail may be tried now, the longest waiting first."""
    asked = Consent.objects.filter(subscription=OuterRef("pk"), act=Consent.Act.ASKED, at__gt=now - GIVE_UP)
    suppressed = Suppression.objects.filter(
        Q(newsletter=None) | Q(newsletter=OuterRef("newsletter")), address=OuterRef("subscriber__address")
    )
    due = Subscription.objects.filter(Exists(asked), ~Exists(suppressed), confirmation_due_at__lte=now)
    return due.order_by("confirmation_due_at", "pk")


def take(subscription_id: int, *, now: datetime) -> Subscription | None:
    """The subscription, if its mail is due and nobody else has it in hand; the taker then tells what came of it."""
    recent = Subscription.objects.filter(subscriber=OuterRef("subscriber"), confirmation_sent_at__gt=now - QUIET)
    free = unsent_confirmations(now).filter(~Exists(recent), pk=subscription_id)
    if not free.order_by().update(confirmation_due_at=now + TURN):
        return None
    return Subscription.objects.select_related("subscriber", "newsletter").get(pk=subscription_id)


def sent(subscription: Subscription, *, now: datetime) -> None:
    """The relay has the mail."""
    _settle(subscription, confirmation_due_at=None, confirmation_sent_at=now)


def put_off(subscription: Subscription, *, now: datetime) -> None:
    """It could not be handed over just now."""
    _settle(subscription, confirmation_due_at=now + RETRY)


def drop(subscription: Subscription) -> None:
    """It can never be handed over: the relay refuses the address."""
    _settle(subscription, confirmation_due_at=None)


def _settle(subscription: Subscription, **moments: datetime | None) -> None:
    Subscription.objects.filter(pk=subscription.pk).update(**moments)

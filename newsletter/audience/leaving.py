"""Leaving a newsletter, and coming back by the same link: at once, as often as pressed, and with no question asked."""

from datetime import datetime, timedelta

from django.db import transaction

from newsletter.models import Consent, Delivery, Subscription

UNDO_FOR = timedelta(days=7)


def leave(
    *,
    subscription: Subscription,
    means: str,
    now: datetime,
    campaign: str = "",
    ip: str | None = None,
    wording: str = "",
) -> bool:
    """End the subscription; False when it had ended already. Mails that wait in a running campaign are not sent.

    `campaign` is the key of the campaign whose mail brought the person here; its delivery then remembers it.
    """
    with transaction.atomic():
        moved = (
            Subscription.objects.filter(pk=subscription.pk)
            .exclude(state=Subscription.State.LEFT)
            .update(state=Subscription.State.LEFT, left_at=now, confirmation_due_at=None)
        )
        if moved:
            Consent.objects.create(
                subscription=subscription, act=Consent.Act.LEFT, at=now, means=means, wording=wording, ip=ip
            )
            _remember_where(subscription, campaign, now)
    subscription.refresh_from_db()
    return bool(moved)


def return_(*, subscription: Subscription, means: str, now: datetime, ip: str | None = None, wording: str = "") -> bool:
    """Undo the leaving within UNDO_FOR; False when it is too late, or there is nothing to undo.

    Only for somebody who had confirmed: their address has already said yes.
    """
    with transaction.atomic():
        moved = (
            Subscription.objects.filter(pk=subscription.pk, left_at__gt=now - UNDO_FOR, confirmed_at__isnull=False)
            .exclude(state=Subscription.State.ACTIVE)
            .update(state=Subscription.State.ACTIVE, left_at=None, confirmation_due_at=None)
        )
        if moved:
            Consent.objects.create(
                subscription=subscription,
                act=Consent.Act.CONFIRMED,
                at=now,
                means=means,
                wording=wording,
                ip=ip,
                detail="came back",
            )
    subscription.refresh_from_db()
    return bool(moved)


def may_return(subscription: Subscription, *, now: datetime) -> bool:
    """Whether `return_` would still bring this one back."""
    left_at = subscription.left_at
    return bool(
        subscription.state != Subscription.State.ACTIVE
        and subscription.confirmed_at
        and left_at
        and left_at > now - UNDO_FOR
    )


def _remember_where(subscription: Subscription, campaign: str, now: datetime) -> None:
    if campaign:
        Delivery.objects.filter(campaign__key=campaign, subscriber=subscription.subscriber_id, left_at=None).update(
            left_at=now
        )

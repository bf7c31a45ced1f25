"""Signing up: a person asks, we write to the address, and only the address itself can say yes (double opt-in).

Nothing here tells its caller whether an address is known, so that no page can.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.core import signing
from django.db import transaction
from django.db.models import Q

from newsletter.audience import unsent
from newsletter.audience.addresses import normalise
from newsletter.models import Consent, Interest, Newsletter, Subscriber, Subscription, Suppression

LINK_LASTS = timedelta(days=7)
_ORIGINS = {"web form": "web"}  # how it began, by the means of the first request; else the means itself


class BadConfirmation(Exception):
    """The link was not made by us, or what it was for is gone."""


class ExpiredConfirmation(BadConfirmation):
    """The link was ours and is older than LINK_LASTS."""


class WithdrawnConfirmation(BadConfirmation):
    """The person has left since the link was sent: an old link must not bring them back."""


@dataclass(frozen=True)
class Asked:
    """What to do after a request: deliver the mail of this subscription now; None: there is none to deliver.

    For the program only. Whoever asked is told the same in every case.
    """

    mail_to: int | None


def ask(
    *,
    newsletter: Newsletter,
    email: str,
    interests: Iterable[str] = (),
    means: str,
    wording: str,
    ip: str | None,
    now: datetime,
) -> Asked:
    """Note that somebody asks to subscribe this address; raises BadAddress.

    New, waiting or departed: the subscription waits for confirmation and a mail is owed. Already a reader: nothing
    changes, and the mail that is owed says so. Suppressed: nothing at all. No address gets more than one such mail an
    hour (audience/unsent.py). `interests` are codes of catalog.audiences(), checked by the caller.
    """
    found = normalise(email)
    if _is_suppressed(found.address, newsletter):
        return Asked(None)
    with transaction.atomic():
        subscriber, _ = Subscriber.objects.get_or_create(
            address=found.address, defaults={"email": found.email, "language": newsletter.language}
        )
        subscription, _ = Subscription.objects.get_or_create(
            subscriber=subscriber, newsletter=newsletter, defaults={"origin": _ORIGINS.get(means, means)}
        )
        if unsent.owe(subscription, now=now):
            waits = _wait(subscription)
            if waits:
                _set_interests(subscription, interests)
            Consent.objects.create(
                subscription=subscription,
                act=Consent.Act.ASKED,
                at=now,
                means=means,
                wording=wording,
                ip=ip,
                detail="" if waits else "already a reader",
            )
        due = unsent.unsent_confirmations(now).filter(pk=subscription.pk).exists()
    return Asked(subscription.pk if due else None)


def confirm(token: str, *, now: datetime, means: str, ip: str | None, wording: str = "") -> Subscription:
    """The subscription, active from now on; a second time changes nothing. Raises BadConfirmation."""
    subscription = find(token, now=now)
    with transaction.atomic():
        moved = Subscription.objects.filter(pk=subscription.pk, state=Subscription.State.PENDING).update(
            state=Subscription.State.ACTIVE, confirmed_at=now, left_at=None, confirmation_due_at=None
        )
        if moved:
            Consent.objects.create(
                subscription=subscription, act=Consent.Act.CONFIRMED, at=now, means=means, wording=wording, ip=ip
            )
    subscription.refresh_from_db()
    if subscription.state == Subscription.State.LEFT:
        raise WithdrawnConfirmation
    return subscription


def find(token: str, *, now: datetime) -> Subscription:
    """The subscription that a confirmation link is for; reads only. Raises BadConfirmation.

    A link that was used stays good: people press twice, and mail programs open links before them.
    """
    key, newsletter_id, made_at = _read(token)
    subscription = (
        Subscription.objects.filter(subscriber__key=key, newsletter_id=newsletter_id)
        .select_related("subscriber", "newsletter")
        .first()
    )
    if subscription is None:
        raise BadConfirmation
    if subscription.state == Subscription.State.LEFT:
        raise WithdrawnConfirmation
    if subscription.state == Subscription.State.PENDING and made_at < now - LINK_LASTS:
        raise ExpiredConfirmation
    return subscription


def token_for(subscription: Subscription, *, now: datetime) -> str:
    """The token of a confirmation link, good for LINK_LASTS from now."""
    return _signer().sign_object([subscription.subscriber.key, subscription.newsletter_id, int(now.timestamp())])


def _read(token: str) -> tuple[str, int, datetime]:
    try:
        held: Any = _signer().unsign_object(token)
        key, newsletter_id, made_at = held
        return str(key), int(newsletter_id), datetime.fromtimestamp(made_at, UTC)
    except (signing.BadSignature, ValueError, TypeError):
        raise BadConfirmation from None


def _signer() -> signing.Signer:
    # Made anew each time: it holds the keys as they stand, older ones (SECRET_KEY_FALLBACKS) among them.
    return signing.Signer(sep=".", salt="newsletter.audience.confirm")


def _is_suppressed(address: str, newsletter: Newsletter) -> bool:
    return Suppression.objects.filter(Q(newsletter=None) | Q(newsletter=newsletter), address=address).exists()


def _wait(subscription: Subscription) -> bool:
    """Whether the subscription now waits for confirmation; one that is active stays so."""
    waiting = Subscription.objects.filter(pk=subscription.pk).exclude(state=Subscription.State.ACTIVE)
    return bool(waiting.update(state=Subscription.State.PENDING))


def _set_interests(subscription: Subscription, interests: Iterable[str]) -> None:
    subscription.interests.all().delete()
    Interest.objects.bulk_create(
        Interest(subscription=subscription, audience=code) for code in dict.fromkeys(interests)
    )

"""What becomes of a message in doubt: evidence first, then the campaign's policy (ledger.py), then a person.

    in_doubt --evidence-------> sent        unknown --evidence------------> sent
    in_doubt --a person-------> queued      unknown --a person (again.py)-> sent, or unknown as before
    in_doubt --a person-------> unknown

Every move is a conditional update. What a person decides stands in the admin's log, as changes of an edition do.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import AbstractUser
from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.db.models import F, Value
from django.db.models.functions import Greatest

from newsletter.editions.record import Actor
from newsletter.models import Campaign, Chunk, Delivery
from newsletter.models.delivery import DeliveryQuerySet
from newsletter.sending.outcomes import REPLY_LENGTH, plain

logger = logging.getLogger(__name__)
State = Delivery.State

SEND_AGAIN = "Send again now"
LET_IT_BE = "Let it be"
GOING_ON = (Campaign.State.SENDING, Campaign.State.PAUSED)  # a paused one sends it when it is resumed


class TooLate(Exception):
    """The delivery is no longer as the person saw it, and nothing was changed."""


@dataclass(frozen=True)
class Decision:
    by: str
    at: datetime
    what: str


def arrived(delivery_id: int, *, now: datetime, how: str) -> bool:
    """A bounce, a click or a provider's event proves that the message left; `how` names it, such as "a bounce".

    True when a doubt was ended by it. Repeats, and deliveries that are in no doubt, change nothing.
    """
    seen = Delivery.objects.filter(pk=delivery_id, state__in=[State.IN_DOUBT, State.UNKNOWN]).first()
    if seen is None:
        return False
    with transaction.atomic():
        wake(seen, now=now)
        moved = Delivery.objects.filter(pk=seen.pk, state__in=[State.IN_DOUBT, State.UNKNOWN]).update(
            state=State.SENT,
            reply=_proved(seen.reply, how),
            doubts=Greatest(F("doubts") - 1, Value(0)),  # this copy is one we now know of
            settled_at=now,
            next_attempt_at=None,
        )
    if moved:
        logger.info("doubt ended by evidence", extra={"delivery": delivery_id, "detail": how})
    return bool(moved)


def link_used(*, subscriber_id: int, campaign: str, now: datetime) -> bool:
    """A reader acted by a link that stands in this campaign's mail to them and nowhere else: it arrived."""
    own = Delivery.objects.filter(campaign__key=campaign, subscriber_id=subscriber_id, doubted_at__isnull=False)
    delivery_id = own.values_list("pk", flat=True).first()
    return delivery_id is not None and arrived(delivery_id, now=now, how="a link of it that was used")


def send_again(delivery_id: int, *, actor: Actor, now: datetime, attempts: int | None = None) -> None:
    """A person waits for no evidence: the campaign sends it once more, under the same Message-ID.

    `attempts` is what the person saw; None takes it as it stands. Raises TooLate.
    """
    waiting = Delivery.objects.filter(state=State.IN_DOUBT, campaign__state__in=GOING_ON)
    decide(delivery_id, waiting, SEND_AGAIN, actor=actor, now=now, attempts=attempts, state=State.QUEUED)


def let_be(delivery_id: int, *, actor: Actor, now: datetime, attempts: int | None = None) -> None:
    """A person would rather have no copy than two: it ends as unknown. Raises TooLate."""
    waiting = Delivery.objects.filter(state=State.IN_DOUBT)
    decide(
        delivery_id, waiting, LET_IT_BE, actor=actor, now=now, attempts=attempts, state=State.UNKNOWN, settled_at=now
    )


def decide(
    delivery_id: int,
    allowed: DeliveryQuerySet,
    what: str,
    *,
    actor: Actor,
    now: datetime,
    attempts: int | None,
    **changes: Any,
) -> None:
    """Make a person's change where the delivery still is among those `allowed`, and note it. Raises TooLate."""
    seen = Delivery.objects.select_related("campaign").get(pk=delivery_id)
    as_seen = allowed.filter(pk=delivery_id, attempts=seen.attempts if attempts is None else attempts)
    with transaction.atomic():
        wake(seen, now=now)
        if not as_seen.update(**{"next_attempt_at": None, **changes}):
            raise TooLate(_too_late(what, delivery_id))
        _note(seen, what, actor=actor, now=now)


def wake(delivery: Delivery, *, now: datetime) -> None:
    """Let a sender look at the delivery's chunk now, not when the doubt would have ended by itself.

    First in its transaction, since senders take a chunk before its deliveries too.
    """
    number = delivery.number // settings.SEND_CHUNK
    chunk = Chunk.objects.filter(campaign_id=delivery.campaign_id, number=number, closed=False)
    chunk.update(due_at=now)


def decisions(delivery_ids: Sequence[int]) -> dict[int, Decision]:
    """What a person decided last about each delivery; without those that nobody has decided about."""
    if not delivery_ids:
        return {}
    entries = LogEntry.objects.filter(
        content_type=ContentType.objects.get_for_model(Delivery), object_id__in=[str(pk) for pk in delivery_ids]
    )
    rows = entries.order_by("action_time", "id").values_list(
        "object_id", "user__username", "action_time", "change_message"
    )
    return {int(pk or 0): Decision(by, at, what) for pk, by, at, what in rows}


def _proved(before: str, how: str) -> str:
    proof = f"It arrived: proved by {how}."
    return plain(f"{before[: REPLY_LENGTH - len(proof) - 1]} {proof}")


def _too_late(what: str, delivery_id: int) -> str:
    now = Delivery.objects.select_related("campaign", "subscriber").get(pk=delivery_id)
    last = decisions([delivery_id]).get(delivery_id)
    by = f" ({last.by}: {last.what}, {last.at:%d %B at %H:%M} UTC)" if last else ""
    return (
        f"“{what}” came too late for {now.subscriber.email}: the delivery is {now.get_state_display().lower()} after "
        f"{now.attempts} attempts{by}, its campaign {now.campaign.get_state_display().lower()}. Look at it again."
    )


def _note(delivery: Delivery, what: str, *, actor: Actor, now: datetime) -> None:
    logger.info("doubt decided", extra={"delivery": delivery.pk, "what": what, "actor_id": getattr(actor, "pk", None)})
    if isinstance(actor, AbstractUser):
        LogEntry.objects.create(
            user_id=actor.pk,
            action_time=now,
            content_type=ContentType.objects.get_for_model(Delivery),
            object_id=str(delivery.pk),
            object_repr=str(delivery)[:200],
            action_flag=CHANGE,
            change_message=what,
        )

"""One mail to one reader whose delivery ended as unknown: a person holds a second copy for better than none.

The wish is kept on the row (`next_attempt_at` after `settled_at`) and found there by the tick when the queue lost it.
One press is one try. It is counted as a doubt before it leaves: should we die on the way, the books say so.
"""

import logging
from datetime import datetime

from django.db.models import Exists, F, OuterRef

from newsletter.editions.record import Actor
from newsletter.models import Campaign, Delivery, Newsletter, Subscription
from newsletter.models.delivery import DeliveryQuerySet
from newsletter.sending.doubts import GOING_ON, decide
from newsletter.sending.mail import MailNotSent, RelayDown, post
from newsletter.sending.messages import Press
from newsletter.sending.outcomes import (
    Accepted,
    Doubt,
    Later,
    Letter,
    Never,
    NotSent,
    OursToMend,
    Outcome,
    Unbuildable,
    plain,
    said,
)
from newsletter.sending.post import Envelope
from newsletter.sending.relay import Relay

logger = logging.getLogger(__name__)
State = Delivery.State

MAIL_AGAIN = "Mail it again"
MAY_MAIL = (*GOING_ON, Campaign.State.DONE)


class _CannotBeBuilt(Exception):
    """Its message, for this reader. The text tells; a traceback would hold a reader's values."""


def ask(delivery_id: int, *, actor: Actor, now: datetime, attempts: int | None = None) -> None:
    """A person asks for one more mail; `mail` sends it. Raises TooLate, also when it was asked for already."""
    wanted = _unknown().exclude(pk__in=_asked())
    decide(delivery_id, wanted, MAIL_AGAIN, actor=actor, now=now, attempts=attempts, next_attempt_at=now)


def asked() -> list[int]:
    """The deliveries that wait for their one more mail."""
    return list(_asked().order_by("next_attempt_at").values_list("pk", flat=True))


def mail(delivery_id: int, *, now: datetime) -> bool:
    """Send what was asked for; whether a server took it now. Safe to call twice: the first takes it."""
    letter = _take(delivery_id)
    if letter is None:
        return False
    outcome = _sent(letter, now=now)
    _settle(letter, outcome, now=now)
    logger.info("mailed again", extra={"delivery": delivery_id, "detail": type(outcome).__name__})
    return isinstance(outcome, Accepted)


def _unknown() -> DeliveryQuerySet:
    return Delivery.objects.doubtful().filter(state=State.UNKNOWN, campaign__state__in=MAY_MAIL)


def _asked() -> DeliveryQuerySet:
    """An older `next_attempt_at` is only how long evidence was waited for."""
    return _unknown().filter(next_attempt_at__gt=F("settled_at"))


def _take(delivery_id: int) -> Letter | None:
    """Take it off the row and count the attempt. None: nobody asked, or another took it, or the reader has left."""
    row = _asked().filter(pk=delivery_id).select_related("subscriber", "campaign").first()
    if row is None:
        return None
    mine = _asked().filter(pk=delivery_id, attempts=row.attempts)
    reader = Subscription.objects.mailable(Newsletter(pk=row.campaign.newsletter_id))
    mailable = mine.filter(Exists(reader.filter(subscriber=OuterRef("subscriber_id"))))
    if mailable.update(attempts=F("attempts") + 1, doubts=F("doubts") + 1, next_attempt_at=None):
        who = row.subscriber
        about = (row.pk, row.number, row.variant_id, row.message_id, who.name, who.email, who.key)
        return Letter(*about, attempts=row.attempts + 1, doubts=row.doubts + 1)
    mine.update(next_attempt_at=None, reply="Not mailed again: the reader has left or is suppressed.")
    return None


def _sent(letter: Letter, *, now: datetime) -> Outcome:
    """What became of it. Anything unexpected is raised, and the doubt that was counted stands."""
    campaign = Campaign.objects.select_related("newsletter").get(deliveries=letter.delivery)

    def build(relay: Relay) -> Envelope:
        try:
            return Press(campaign).envelope(letter, now=now, relay=relay)
        except Exception as error:
            raise _CannotBeBuilt(f"The message cannot be built: {type(error).__name__}: {error}") from None

    try:
        return post(build)
    except MailNotSent as refused:
        return refused.outcome
    except RelayDown as down:
        return NotSent(str(down))
    except _CannotBeBuilt as reason:
        return Unbuildable(str(reason))


def _settle(letter: Letter, outcome: Outcome, *, now: datetime) -> None:
    """The row is still ours: only who took it knows its number of attempts. Evidence may have been quicker."""
    mine = Delivery.objects.filter(pk=letter.delivery, state=State.UNKNOWN, attempts=letter.attempts)
    match outcome:
        case Accepted(code, words):
            mine.update(state=State.SENT, reply=said(code, words), doubts=letter.doubts - 1, settled_at=now)
        case Doubt(words):
            mine.update(reply=plain(words))
        case _:
            mine.update(reply=plain(f"Not mailed again: {_words(outcome)}"), doubts=letter.doubts - 1)


def _words(outcome: Outcome) -> str:
    match outcome:
        case Later(code, words) | Never(code, words) | OursToMend(code, words):
            return f"{code} {words}"
        case NotSent(words) | Unbuildable(words):
            return words
    return "the relay was left before it was tried."

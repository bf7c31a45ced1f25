"""The mail that asks a new reader for their yes, or tells one that they are a reader already.

Which mails are owed, and that no address gets too many, is kept in rows by audience/unsent.py; queues make it fast.
"""

import logging
import smtplib
from datetime import datetime
from email.utils import formataddr
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.urls import reverse
from django.utils import timezone

from newsletter import tokens
from newsletter.audience import signup, unsent
from newsletter.audience.addresses import on_the_wire
from newsletter.models import Consent, Subscription
from newsletter.rendering.transactional import render_message
from newsletter.sending.mail import MailNotSent, RelayDown
from newsletter.sending.outcomes import Doubt, Never
from newsletter.tokens import Purpose, ReaderRef

logger = logging.getLogger(__name__)

AT_ONCE = 200  # mails of one tick, so that the tick ends before the next begins


def deliver(subscription_id: int, *, now: datetime | None = None) -> bool:
    """Hand this subscription's mail to the relay if it is owed; whether it was handed over now.

    Safe to call at any time and from many places: the first takes it. A relay that is away only delays the mail.
    """
    now = now or timezone.now()
    subscription = unsent.take(subscription_id, now=now)
    if subscription is None:
        return False
    trouble = _send(_mail(subscription, now))
    about = {"subscriber": subscription.subscriber_id, "detail": trouble and type(trouble).__name__}
    if trouble is None:
        unsent.sent(subscription, now=now)
        logger.info("confirmation sent", extra=about)
    elif _is_for_ever(trouble):
        unsent.drop(subscription)
        logger.warning("confirmation refused for good", extra=about)
    else:
        unsent.put_off(subscription, now=now)
        logger.warning("confirmation put off", extra=about)
    return trouble is None


def deliver_due(*, now: datetime) -> int:
    """Deliver what is owed and was not delivered yet: the broker was away, or the relay; how many went out."""
    waiting = unsent.unsent_confirmations(now).values_list("pk", flat=True)[:AT_ONCE]
    return sum(_deliver_surely(subscription_id, now) for subscription_id in list(waiting))


def _deliver_surely(subscription_id: int, now: datetime) -> bool:
    try:
        return deliver(subscription_id, now=now)
    except Exception:  # one mail that cannot be made must not keep the others
        logger.exception("confirmation failed", extra={"subscriber": subscription_id})
        return False


def _send(mail: EmailMultiAlternatives) -> Exception | None:
    """What kept the mail from being handed over; None when it was, or may have been: nobody shall get two."""
    try:
        mail.send()
    except MailNotSent as error:
        return None if isinstance(error.outcome, Doubt) else error
    except (RelayDown, smtplib.SMTPException, OSError) as error:  # the latter two: another EMAIL_BACKEND's words
        return error
    return None


def _is_for_ever(trouble: Exception) -> bool:
    """Whether the server said that it will never take this mail (RFC 5321: 5yz)."""
    if isinstance(trouble, MailNotSent):
        return isinstance(trouble.outcome, Never) and not trouble.outcome.is_ours_to_mend
    if isinstance(trouble, smtplib.SMTPRecipientsRefused):
        return all(code >= 500 for code, _ in trouble.recipients.values())
    return isinstance(trouble, smtplib.SMTPDataError) and trouble.smtp_code >= 500


def _mail(subscription: Subscription, now: datetime) -> EmailMultiAlternatives:
    newsletter, reader = subscription.newsletter, subscription.subscriber
    waits = subscription.state == Subscription.State.PENDING
    folder, context = _to_confirm(subscription, now) if waits else _already(subscription)
    subject, html, text = render_message(folder, {**_about(subscription), **context})
    asked = subscription.consents.filter(act=Consent.Act.ASKED).last()
    mail = EmailMultiAlternatives(
        subject=subject,
        body=text,
        from_email=formataddr((newsletter.from_name, newsletter.from_email)),
        to=[on_the_wire(reader.email)],
        reply_to=[newsletter.reply_to] if newsletter.reply_to else None,
        headers={
            # The same for every attempt, so that a mail handed over twice shows once in most mailboxes.
            "Message-ID": f"<{folder}.{reader.key}.{asked.pk if asked else 0}@{newsletter.domain}>",
            "Auto-Submitted": "auto-generated",  # RFC 3834: no automatic answers, please
        },
    )
    mail.attach_alternative(html, "text/html")
    return mail


def _about(subscription: Subscription) -> dict[str, Any]:
    newsletter = subscription.newsletter
    return {
        "newsletter_name": newsletter.name,
        "language": newsletter.language,
        "postal_address": newsletter.postal_address,
        "site_url": settings.SITE_URL,
    }


def _to_confirm(subscription: Subscription, now: datetime) -> tuple[str, dict[str, Any]]:
    link = _page("confirm", signup.token_for(subscription, now=now))
    return "confirm", {"confirm_url": link, "expires_days": signup.LINK_LASTS.days}


def _already(subscription: Subscription) -> tuple[str, dict[str, Any]]:
    ref = ReaderRef(subscription.subscriber.key, subscription.newsletter_id)
    links = {
        "settings_url": _page("settings", tokens.for_reader(Purpose.SETTINGS, ref)),
        "leave_url": _page("leave", tokens.for_reader(Purpose.LEAVE, ref)),
    }
    return "already_subscribed", {"from_email": subscription.newsletter.from_email, **links}


def _page(name: str, token: str) -> str:
    """A page's absolute address; from the configured origin, never from what a request says its host is."""
    return settings.SITE_URL + reverse(name, args=[token])

"""Tasks: each reads ids, makes one call and may run twice, late or never, because the rows tell what is due."""

import logging
import time

from celery import Task, shared_task
from django.conf import settings
from django.utils import timezone
from kombu.exceptions import OperationalError

from config.celery import DEFAULT, SEND, TRANSACTIONAL, stopping
from newsletter.models import Edition, Segment
from newsletter.sending import again, confirmations, due, proofs, sender
from newsletter.sending.clock import database_now
from newsletter.sending.mail import MailNotSent, RelayDown, is_passing

logger = logging.getLogger(__name__)

LANE_SECONDS = 60  # then the lane hands its place back, so that several campaigns share the workers
PROOF_WAITS = (10, 30, 60, 120, 120)  # seconds before each further attempt: an editor is waiting


@shared_task(name="newsletter.tick", queue=DEFAULT)
def tick() -> None:
    for campaign_id in due.tick(now=database_now()):
        hint(campaign_id)
    hint_mails()
    confirmations.deliver_due(now=timezone.now())


@shared_task(name="newsletter.send", queue=SEND)
def send(*, campaign_id: int) -> None:
    ends = time.monotonic() + LANE_SECONDS
    result = sender.run(campaign_id, stop=stopping, rest=lambda: time.monotonic() > ends)
    if result.end is sender.End.RESTED:
        hint(campaign_id, lanes=1)


def hint(campaign_id: int, *, lanes: int = settings.LANES) -> None:
    """Tell the workers that a campaign wants so many lanes; one that finds nothing due ends at once.

    A hint is void when the next tick comes, which gives another if need be.
    """
    try:
        for _ in range(lanes):
            send.apply_async(kwargs={"campaign_id": campaign_id}, expires=settings.TICK_SECONDS)
    except OperationalError:
        logger.warning("broker away, the next tick will tell the workers", extra={"campaign": campaign_id})


@shared_task(name="newsletter.mail_again", queue=TRANSACTIONAL)
def mail_again(*, delivery_id: int) -> None:
    again.mail(delivery_id, now=database_now())


def hint_mails() -> None:
    """Tell the workers of each reader who is owed one more mail by a person's wish; void when the next tick comes."""
    try:
        for delivery_id in again.asked():
            mail_again.apply_async(kwargs={"delivery_id": delivery_id}, expires=settings.TICK_SECONDS)
    except OperationalError:
        logger.warning("broker away, the next tick will tell the workers")


@shared_task(name="newsletter.send_confirmation", queue=TRANSACTIONAL)
def send_confirmation(*, subscription_id: int) -> None:
    confirmations.deliver(subscription_id)


@shared_task(name="newsletter.send_proof", queue=TRANSACTIONAL, bind=True, max_retries=len(PROOF_WAITS))
def send_proof(self: Task, *, edition_id: int, segment_id: int | None, to: str) -> None:
    """No row tells that a proof is due, so Celery itself tries again while the relay is away."""
    edition = Edition.objects.select_related("newsletter").get(pk=edition_id)
    segment = Segment.objects.get(pk=segment_id) if segment_id else None
    try:
        proofs.send_proof(edition, segment, to=to, now=timezone.now())
    except (MailNotSent, RelayDown) as error:
        tried = self.request.retries
        about = {"edition": edition_id, "task": self.request.id}  # the server's words may hold an address
        if tried >= len(PROOF_WAITS) or not is_passing(error):
            logger.error("proof not sent", extra=about)
            return
        logger.warning("proof put off", extra=about)
        raise self.retry(exc=error, countdown=PROOF_WAITS[tried]) from None

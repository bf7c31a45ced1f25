"""Who changed an edition, and when: kept in the admin's own log, so that one history page shows saves and moves."""

import logging
from dataclasses import dataclass
from datetime import datetime

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import AbstractUser
from django.contrib.contenttypes.models import ContentType

from newsletter.models import Edition

logger = logging.getLogger(__name__)

Actor = AbstractUser | str  # an editor's account, or the name of the command or plan that acted


@dataclass(frozen=True)
class Change:
    by: str
    at: datetime
    what: str


def record(edition: Edition, *, actor: Actor, now: datetime, what: str) -> None:
    """Keep what was done. Programs have no account to log under: theirs go to the program's log alone."""
    logger.info("edition changed", extra={"edition": edition.pk, "what": what, "actor_id": getattr(actor, "pk", None)})
    if isinstance(actor, str):
        return
    LogEntry.objects.create(
        user_id=actor.pk,
        action_time=now,
        content_type=ContentType.objects.get_for_model(Edition),
        object_id=str(edition.pk),
        object_repr=str(edition)[:200],
        action_flag=CHANGE,
        change_message=what,
    )


def last_change(edition: Edition) -> Change | None:
    """The newest change by a person; None when no person has touched the edition."""
    entry = (
        LogEntry.objects.filter(
            content_type=ContentType.objects.get_for_model(Edition), object_id=str(edition.pk), action_flag=CHANGE
        )
        .select_related("user")
        .order_by("-action_time", "-id")
        .first()
    )
    return Change(entry.user.get_username(), entry.action_time, entry.get_change_message()) if entry else None

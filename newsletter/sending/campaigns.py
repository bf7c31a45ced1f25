"""The moves of a campaign. Nothing else changes `Campaign.state`.

    draft --> frozen --> sending --> done          any state before done --> cancelled
      |         ^  |      |   ^
      v         |  v      v   |
    missed -----+  paused ----+

Every move is a conditional update (where the state is still one it may start from) and a row that tells who, when and
why, in one transaction. A move that comes too late raises NotMoved and changes nothing.
"""

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.db import IntegrityError, transaction
from django.db.models import Count, Exists, OuterRef, QuerySet, Subquery

from curation import catalog
from newsletter.editions import compose
from newsletter.editions.record import Actor
from newsletter.models import Campaign, CampaignMove, Delivery, Edition
from newsletter.models.campaign import CampaignState as State
from newsletter.models.delivery import FINAL
from newsletter.models.edition import LIVE_CAMPAIGN
from newsletter.sending import freezing, recipients
from newsletter.sending.freezing import FreezeRefused

logger = logging.getLogger(__name__)


TIMETABLE = "the timetable"  # the actor of what no person did
SENDER = "the sender"

MAY_START_FROM: dict[str, tuple[State, ...]] = {
    "freeze": (State.DRAFT,),
    "send_missed": (State.MISSED,),
    "miss": (State.DRAFT,),
    "release": (State.FROZEN,),
    "pause": (State.FROZEN, State.SENDING),  # frozen: the hold was used to stop it
    "resume": (State.PAUSED,),
    "cancel": (State.DRAFT, State.MISSED, State.FROZEN, State.SENDING, State.PAUSED),
    "finish": (State.SENDING,),
}

__all__ = [
    "AlreadyStarted",
    "FreezeRefused",
    "NotMoved",
    "ReleaseRefused",
    "cancel",
    "finish",
    "freeze",
    "miss",
    "pause",
    "release",
    "resume",
    "send_missed",
    "start",
]


class AlreadyStarted(Exception):
    """The edition, or the newsletter's slot, has its campaign; `campaign`, `by` and `at` tell which, who and when."""

    def __init__(self, campaign: Campaign) -> None:
        first = campaign.moves.order_by("id").first()
        self.campaign = campaign
        self.by = first.actor_name if first else "somebody"
        self.at = campaign.created_at
        super().__init__(f"“{campaign.edition}” was already started by {self.by} on {self.at:%d %B at %H:%M} UTC.")


class ReleaseRefused(FreezeRefused):
    """What was frozen may no longer be shown; the campaign waits, paused, for a person."""


class NotMoved(Exception):
    """The campaign is no longer in a state that the move starts from."""

    def __init__(self, verb: str, campaign: Campaign) -> None:
        last = campaign.moves.order_by("-id").first()
        by = f" ({last.actor_name}, {last.at:%d %B at %H:%M} UTC)" if last else ""
        super().__init__(
            f"Cannot {verb.replace('_', ' ')}: the campaign is {campaign.get_state_display().lower()}{by}."
        )
        self.campaign = campaign


def start(edition: Edition, *, slot: datetime | None, actor: Actor, now: datetime) -> Campaign:
    """Create the edition's campaign, in draft. Raises AlreadyStarted when somebody was first."""
    try:
        with transaction.atomic():
            campaign = Campaign.objects.create(
                newsletter=edition.newsletter, edition=edition, slot=slot, doubt_policy=edition.newsletter.doubt_policy
            )
            _note(campaign, "", State.DRAFT, actor=actor, reason="", now=now)
    except IntegrityError:
        raise AlreadyStarted(_rival(edition, slot)) from None
    logger.info("campaign created", extra={"campaign": campaign.pk, "edition": edition.pk})
    return campaign


def freeze(campaign: Campaign, *, actor: Actor, now: datetime) -> None:
    """Take the edition and the audience as they stand, for good, and begin the hold.

    Raises FreezeRefused with every reason; the campaign then stays a draft and its `trouble` says them.
    """
    _freeze("freeze", campaign, actor=actor, now=now)


def send_missed(campaign: Campaign, *, actor: Actor, now: datetime) -> None:
    """A person sends what missed its hour. Raises as `freeze` does."""
    _freeze("send_missed", campaign, actor=actor, now=now)


def miss(campaign: Campaign, *, now: datetime, reason: str = "") -> None:
    """Its hour is long past, or may have been kept by a database that this one is an old copy of: a person decides."""
    why = reason or f"Its slot was more than {settings.LATE_AFTER_HOURS} hours ago."
    _move("miss", campaign, State.MISSED, actor=TIMETABLE, now=now, reason=why, trouble=reason[:300])


def release(campaign: Campaign, *, actor: Actor, now: datetime, early: bool = False) -> None:
    """The hold is over: sending begins, the desk is told, and the edition stands in the archive.

    `early`: a person does not wait for the end of the hold. Only what may be shown is ever sent: when a story was
    withdrawn in the hold, the campaign is paused instead and ReleaseRefused raised.
    """
    if gone := compose.drift(campaign.edition).gone:
        reason = " ".join(["Withdrawn in the hold: cancel this campaign.", *gone])
        held = Campaign.objects.filter(state=State.FROZEN)
        _move("pause", campaign, State.PAUSED, actor=actor, now=now, reason=reason, where=held, trouble=reason[:300])
        raise ReleaseRefused(reason)
    with transaction.atomic():
        held = Campaign.objects.all() if early else Campaign.objects.filter(held_until__lte=now)
        _move("release", campaign, State.SENDING, actor=actor, now=now, where=held, started_at=now, progress_at=now)
        edition = campaign.edition
        Edition.objects.filter(pk=edition.pk, sent_at=None).update(sent_at=now)
        stories = edition.items.exclude(story=None).values_list("story_id", flat=True)
        catalog.mark_published([pk for pk in stories if pk is not None], by=_name(actor), now=now)


def pause(campaign: Campaign, *, actor: Actor, now: datetime, reason: str = "") -> None:
    """Nothing new leaves, within seconds; what stands at a server's dot is waited for."""
    _move("pause", campaign, State.PAUSED, actor=actor, now=now, reason=reason, trouble=reason[:300])


def resume(campaign: Campaign, *, actor: Actor, now: datetime, reason: str = "") -> None:
    """Send to the rest, never again to those who have it. One paused in its hold goes back there."""
    campaign.refresh_from_db()
    back = State.SENDING if campaign.started_at else State.FROZEN
    where = Campaign.objects.filter(started_at__isnull=back == State.FROZEN)
    changes: dict[str, Any] = {"trouble": ""}
    if back == State.FROZEN:
        changes["held_until"] = now + campaign.newsletter.hold  # a hold that was paused begins anew
    _move("resume", campaign, back, actor=actor, now=now, reason=reason, where=where, **changes)


def cancel(campaign: Campaign, *, actor: Actor, now: datetime, reason: str = "") -> None:
    """For good. Deliveries that are open stay as they are and are shown; the edition may be sent by a new campaign."""
    _move("cancel", campaign, State.CANCELLED, actor=actor, now=now, reason=reason)


def finish(campaign: Campaign, *, now: datetime) -> None:
    """Close the books. Raises NotMoved while a delivery is open or the count does not match."""
    own = Delivery.objects.filter(campaign=OuterRef("pk")).order_by()
    ended = own.filter(state__in=FINAL).values("campaign").annotate(count=Count("pk")).values("count")
    balanced = Campaign.objects.filter(~Exists(own.open()), frozen_count=Subquery(ended))
    _move("finish", campaign, State.DONE, actor=SENDER, now=now, where=balanced, done_at=now, trouble="")


def report_trouble(campaign_id: int, words: str) -> None:
    """Say what keeps it from going on; empty when all is well again."""
    Campaign.objects.filter(pk=campaign_id).exclude(trouble=words[:300]).update(trouble=words[:300])


def _freeze(verb: str, campaign: Campaign, *, actor: Actor, now: datetime) -> None:
    campaign.refresh_from_db()
    if campaign.state not in MAY_START_FROM[verb]:
        raise NotMoved(verb, campaign)
    try:
        edition = _fit_to_freeze(campaign.edition_id)
        finished = freezing.render_all(edition, now=now)
        with transaction.atomic():
            Campaign.objects.select_for_update().get(pk=campaign.pk)  # a second freezer waits here
            _still_the_same(edition)
            _take_over(verb, campaign, finished, actor=actor, now=now)
    except FreezeRefused as refusal:
        report_trouble(campaign.pk, str(refusal))
        campaign.refresh_from_db()
        raise


def _fit_to_freeze(edition_id: int) -> Edition:
    edition = Edition.objects.select_related("newsletter").get(pk=edition_id)
    if reasons := freezing.reasons_against(edition):
        raise FreezeRefused(*reasons)
    return edition


def _still_the_same(edition: Edition) -> None:
    row = Edition.objects.select_for_update().get(pk=edition.pk)
    if (row.version, row.content_hash) != (edition.version, edition.content_hash):
        raise FreezeRefused("The edition was changed while it was being frozen: look at it and start again.")
    if reasons := compose.drift(edition).gone:  # withdrawn while the variants were rendered
        raise FreezeRefused(*reasons)


def _take_over(
    verb: str, campaign: Campaign, finished: list[freezing.Finished], *, actor: Actor, now: datetime
) -> None:
    campaign.refresh_from_db()
    if campaign.state not in MAY_START_FROM[verb]:
        raise NotMoved(verb, campaign)
    variants = freezing.store(campaign, finished)
    count = recipients.freeze_audience(campaign, variants, now=now)
    if not count:
        raise FreezeRefused(f"“{campaign.newsletter}” has no readers who can be mailed: the last one has just left.")
    _move(
        verb,
        campaign,
        State.FROZEN,
        actor=actor,
        now=now,
        reason=f"{count} readers.",
        frozen_count=count,
        excluded=recipients.excluded(campaign),
        content_hash=freezing.hash_of(variants),
        held_until=now + campaign.newsletter.hold,
        trouble="",
    )


def _move(
    verb: str,
    campaign: Campaign,
    to_state: State,
    *,
    actor: Actor,
    now: datetime,
    reason: str = "",
    where: "QuerySet[Campaign] | None" = None,
    **changes: Any,
) -> None:
    allowed = Campaign.objects.all() if where is None else where
    with transaction.atomic():
        before = Campaign.objects.select_for_update().values_list("state", flat=True).get(pk=campaign.pk)
        still = allowed.filter(pk=campaign.pk, state__in=MAY_START_FROM[verb])
        moved = still.update(state=to_state, **changes)
        campaign.refresh_from_db()
        if not moved:
            raise NotMoved(verb, campaign)
        _note(campaign, before, to_state, actor=actor, reason=reason, now=now)
    logger.info("campaign moved", extra={"campaign": campaign.pk, "detail": f"{before} -> {to_state}"})


def _note(campaign: Campaign, before: str, after: str, *, actor: Actor, reason: str, now: datetime) -> None:
    CampaignMove.objects.create(
        campaign=campaign,
        from_state=before,
        to_state=after,
        at=now,
        actor_id=actor.pk if isinstance(actor, AbstractUser) else None,
        actor_name=_name(actor),
        reason=reason[:300],
    )


def _name(actor: Actor) -> str:
    return actor.get_username() if isinstance(actor, AbstractUser) else actor


def _rival(edition: Edition, slot: datetime | None) -> Campaign:
    live: Iterable[Campaign] = Campaign.objects.filter(newsletter=edition.newsletter, state__in=LIVE_CAMPAIGN)
    rivals = [each for each in live if each.edition_id == edition.pk or (slot is not None and each.slot == slot)]
    if not rivals:  # it was cancelled between our insert and this look
        return Campaign.objects.filter(edition=edition).latest("id")
    return rivals[0]


def is_late(slot: datetime | None, *, now: datetime) -> bool:
    return slot is not None and now - slot > timedelta(hours=settings.LATE_AFTER_HOURS)

from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from newsletter.models.edition import LIVE_CAMPAIGN, Edition
from newsletter.models.newsletter import Newsletter
from newsletter.models.segment import Segment
from newsletter.models.subscriber import new_key


class CampaignState(models.TextChoices):
    DRAFT = "draft", "Draft"
    MISSED = "missed", "Missed its hour"
    FROZEN = "frozen", "Held before sending"
    SENDING = "sending", "Sending"
    PAUSED = "paused", "Paused"
    DONE = "done", "Done"
    CANCELLED = "cancelled", "Cancelled"


class CampaignQuerySet(models.QuerySet["Campaign"]):
    def sending(self) -> "CampaignQuerySet":
        return self.filter(state=CampaignState.SENDING)

    def drafts_at_their_slot(self, now: datetime) -> "CampaignQuerySet":
        """To be frozen: their slot has come, or a person asked for it at once."""
        return self.filter(Q(slot=None) | Q(slot__lte=now), state=CampaignState.DRAFT)


class Campaign(models.Model):
    """One sending of an edition. Moved by sending/campaigns.py only; every move is a conditional update.

    `frozen_count` is how many deliveries were made when it was frozen; `done` is refused until as many have ended.
    """

    State = CampaignState

    key = models.CharField(max_length=16, unique=True, default=new_key, editable=False)
    newsletter = models.ForeignKey(Newsletter, on_delete=models.PROTECT, related_name="campaigns")
    edition = models.ForeignKey(Edition, on_delete=models.PROTECT, related_name="campaigns")
    slot = models.DateTimeField(null=True, blank=True, help_text="The weekly slot it fills; empty when sent by hand.")
    state = models.CharField(max_length=9, choices=State, default=State.DRAFT)
    doubt_policy = models.CharField(max_length=6, choices=Newsletter.DoubtPolicy, default=Newsletter.DoubtPolicy.RESEND)
    content_hash = models.CharField(max_length=64, blank=True)
    frozen_count = models.PositiveIntegerField(null=True)
    excluded = models.JSONField(default=dict, help_text="Readers left out when it was frozen: reason -> how many.")
    held_until = models.DateTimeField(null=True)
    started_at = models.DateTimeField(null=True)
    progress_at = models.DateTimeField(null=True, help_text="When a window was last settled.")
    done_at = models.DateTimeField(null=True)
    trouble = models.CharField(
        max_length=300, blank=True, help_text="What keeps it from going on, in words; empty when all is well."
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = CampaignQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=Q(state__in=CampaignState.values), name="campaign_state_known"),
            models.UniqueConstraint(
                fields=["newsletter", "slot"], condition=~Q(state="cancelled"), name="campaign_once_per_slot"
            ),
            models.UniqueConstraint(
                fields=["edition"], condition=~Q(state="cancelled"), name="campaign_once_per_edition"
            ),
            models.CheckConstraint(
                condition=Q(state__in=["draft", "missed", "cancelled"])
                | (Q(frozen_count__isnull=False, held_until__isnull=False) & ~Q(content_hash="")),
                name="campaign_frozen_is_counted",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.edition} · {self.get_state_display()}"

    @property
    def is_live(self) -> bool:
        return self.state in LIVE_CAMPAIGN


class CampaignMove(models.Model):
    """One change of a campaign's state: who, when, why. Append-only."""

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="moves")
    from_state = models.CharField(max_length=9, choices=CampaignState)
    to_state = models.CharField(max_length=9, choices=CampaignState)
    at = models.DateTimeField()
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    actor_name = models.CharField(max_length=150)
    reason = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["at", "id"]

    def __str__(self) -> str:
        return f"{self.from_state} → {self.to_state}"


class Variant(models.Model):
    """The edition as one segment sees it in one campaign: rendered once, never changed. No segment: everyone else."""

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="variants")
    segment = models.ForeignKey(Segment, null=True, on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=80)
    subject = models.CharField(max_length=150)
    html = models.TextField()
    text = models.TextField()
    template = models.BinaryField(help_text="The byte template (rendering/message.py), ready for slots.")
    content_hash = models.CharField(max_length=64)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["campaign", "segment"], name="variant_once_per_segment"),
            models.UniqueConstraint(
                fields=["campaign"], condition=Q(segment=None), name="variant_once_for_everyone_else"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Chunk(models.Model):
    """1,000 deliveries (SEND_CHUNK) of a campaign and who holds them.

    The holder's `epoch` is in the WHERE of each of its writes: once the lease has passed on, it can write nothing.
    Deliveries numbered `window_from` to `window_to` (inclusive) may have left; all others of the chunk surely have not.
    """

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="chunks")
    number = models.PositiveIntegerField()
    closed = models.BooleanField(default=False)
    due_at = models.DateTimeField(help_text="Not before: when its earliest delivery may be tried.")
    owner = models.CharField(max_length=120, blank=True, help_text="The journal of the process that holds it.")
    lease_until = models.DateTimeField(null=True)
    epoch = models.PositiveIntegerField(default=0)
    window_from = models.PositiveIntegerField(null=True)
    window_to = models.PositiveIntegerField(null=True)

    class Meta:
        ordering = ["campaign", "number"]
        constraints = [
            models.UniqueConstraint(fields=["campaign", "number"], name="chunk_once"),
            models.CheckConstraint(
                condition=Q(window_from=None, window_to=None) | Q(window_to__gte=F("window_from")),
                name="chunk_window_sound",
            ),
            models.CheckConstraint(condition=Q(closed=False) | Q(window_from=None), name="chunk_closed_has_no_window"),
        ]
        indexes = [
            models.Index(fields=["campaign", "due_at"], condition=Q(closed=False), name="chunk_open"),
        ]

    def __str__(self) -> str:
        return f"chunk {self.number}"

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from newsletter.models.campaign import Campaign, Variant
from newsletter.models.subscriber import Subscriber


class DeliveryState(models.TextChoices):
    """Did we send it? What came back later are moments on the row, never states."""

    QUEUED = "queued", "Queued"
    SENT = "sent", "Sent"
    REJECTED = "rejected", "Refused by the server"
    DEFERRED = "deferred", "Deferred"
    SUPPRESSED = "suppressed", "Left or suppressed before it went"
    GAVE_UP = "gave_up", "Given up"
    IN_DOUBT = "in_doubt", "In doubt"
    UNKNOWN = "unknown", "Unknown"


OPEN = (DeliveryState.QUEUED, DeliveryState.DEFERRED, DeliveryState.IN_DOUBT)
FINAL = (
    DeliveryState.SENT,
    DeliveryState.REJECTED,
    DeliveryState.SUPPRESSED,
    DeliveryState.GAVE_UP,
    DeliveryState.UNKNOWN,
)


class DeliveryQuerySet(models.QuerySet["Delivery"]):
    def open(self) -> "DeliveryQuerySet":
        """Deliveries that have not ended."""
        return self.filter(state__in=OPEN)

    def doubtful(self) -> "DeliveryQuerySet":
        """Those that were ever in doubt: a second copy of these, and only of these, is possible."""
        return self.filter(doubted_at__isnull=False)


class Delivery(models.Model):
    """One campaign to one subscriber. Written twice on the good path: when the campaign is frozen, when it is settled.

    `number` counts from 0 within the campaign; its chunk is number // SEND_CHUNK. `reply` holds the server's words.
    `doubted_at` is kept for ever, also after the doubt was resolved.

    On PostgreSQL no foreign key watches its rows one by one: triggers do, once a statement (migration 0004).
    """

    State = DeliveryState

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="deliveries", db_index=False)
    subscriber = models.ForeignKey(Subscriber, on_delete=models.PROTECT, related_name="deliveries", db_index=False)
    variant = models.ForeignKey(Variant, on_delete=models.PROTECT, related_name="+", db_index=False)
    number = models.PositiveIntegerField()
    message_id = models.CharField(max_length=320)
    state = models.CharField(max_length=10, choices=State, default=State.QUEUED)
    attempts = models.PositiveSmallIntegerField(default=0, db_default=0)
    doubts = models.PositiveSmallIntegerField(
        default=0, db_default=0, help_text="How many of the attempts may have arrived without our knowing."
    )
    next_attempt_at = models.DateTimeField(
        null=True, help_text="When it may be tried again; of one in doubt: until when evidence is waited for."
    )
    paced = models.BooleanField(
        default=False, db_default=False, help_text="It waits for the place it has reserved at its domain."
    )
    settled_at = models.DateTimeField(null=True)
    doubted_at = models.DateTimeField(null=True)
    reply = models.CharField(max_length=200, blank=True, db_default="")
    frozen_at = models.DateTimeField(db_default=Now())

    bounced_at = models.DateTimeField(null=True)
    complained_at = models.DateTimeField(null=True)
    clicked_at = models.DateTimeField(null=True)
    left_at = models.DateTimeField(null=True)

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        ordering = ["campaign", "number"]
        verbose_name_plural = "deliveries"
        constraints = [
            models.CheckConstraint(condition=Q(state__in=DeliveryState.values), name="delivery_state_known"),
            models.UniqueConstraint(fields=["message_id"], name="delivery_message_id_once"),
            models.UniqueConstraint(fields=["subscriber", "campaign"], name="delivery_once_per_person"),
            # Also the only index a window needs. `state` is in no index: on PostgreSQL settling then stays heap-only.
            models.UniqueConstraint(fields=["campaign", "number"], name="delivery_number_once"),
            models.CheckConstraint(
                condition=~Q(state="sent") | Q(reply__startswith="2") | Q(doubted_at__isnull=False),
                name="delivery_sent_has_the_servers_words",
            ),
            models.CheckConstraint(
                condition=~Q(state="deferred") | Q(next_attempt_at__isnull=False), name="delivery_deferred_has_a_time"
            ),
        ]
        indexes = [
            models.Index(
                fields=["campaign", "bounced_at"], condition=Q(bounced_at__isnull=False), name="delivery_bounced"
            ),
            models.Index(
                fields=["campaign", "complained_at"],
                condition=Q(complained_at__isnull=False),
                name="delivery_complained",
            ),
            models.Index(
                fields=["campaign", "doubted_at"], condition=Q(doubted_at__isnull=False), name="delivery_doubted"
            ),
        ]

    def __str__(self) -> str:
        return self.message_id


class ProviderMessage(models.Model):
    """The id under which a provider's HTTP interface took a delivery: its events name the message by it."""

    delivery = models.OneToOneField(Delivery, on_delete=models.CASCADE, primary_key=True, related_name="provider")
    esp = models.CharField(max_length=20)
    message_id = models.CharField(max_length=200)

    class Meta:
        indexes = [models.Index(fields=["message_id"], name="provider_message_by_id")]

    def __str__(self) -> str:
        return self.message_id

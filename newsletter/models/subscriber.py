import secrets

from django.db import models
from django.db.models import Exists, OuterRef, Q

from newsletter.models.newsletter import Newsletter
from newsletter.models.suppression import Suppression
from newsletter.models.text import header_line, iana_zone


def new_key() -> str:
    """16 characters that name a row to the outside without telling how many there are."""
    return secrets.token_hex(8)


class Subscriber(models.Model):
    """A person's address: mail goes to `email`; its normal form `address` (audience/addresses.py) makes it unique."""

    key = models.CharField(max_length=16, unique=True, default=new_key, editable=False)
    email = models.CharField("e-mail", max_length=254, help_text="As the person writes it.")
    address = models.CharField(max_length=254, unique=True, editable=False)
    name = models.CharField(max_length=80, blank=True, validators=[header_line])
    language = models.CharField(max_length=12, default="en")
    zone = models.CharField(max_length=40, blank=True, validators=[iana_zone])
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]
        constraints = [models.CheckConstraint(condition=~Q(address=""), name="subscriber_has_address")]

    def __str__(self) -> str:
        return self.email


class SubscriptionQuerySet(models.QuerySet["Subscription"]):
    def mailable(self, newsletter: Newsletter) -> "SubscriptionQuerySet":
        """Confirmed readers of the newsletter who are not suppressed, now."""
        return self._active(newsletter).filter(~_suppressed(newsletter))

    def suppressed(self, newsletter: Newsletter) -> "SubscriptionQuerySet":
        """Confirmed readers of the newsletter whom a suppression keeps from being mailed, now."""
        return self._active(newsletter).filter(_suppressed(newsletter))

    def _active(self, newsletter: Newsletter) -> "SubscriptionQuerySet":
        return self.filter(newsletter=newsletter, state=Subscription.State.ACTIVE)


def _suppressed(newsletter: Newsletter) -> Exists:
    here = Q(newsletter=None) | Q(newsletter=newsletter)
    return Exists(Suppression.objects.filter(here, address=OuterRef("subscriber__address")))


class Subscription(models.Model):
    """One subscriber's tie to one newsletter. Moved by audience/signup.py and audience/leaving.py only."""

    class State(models.TextChoices):
        PENDING = "pending", "waiting for confirmation"
        ACTIVE = "active", "active"
        LEFT = "left", "left"

    class Depth(models.TextChoices):
        HOOKS = "hooks", "hooks only"
        SHORT = "short", "30 seconds"
        DEEP = "deep", "deep"

    subscriber = models.ForeignKey(Subscriber, on_delete=models.CASCADE, related_name="subscriptions")
    newsletter = models.ForeignKey(Newsletter, on_delete=models.CASCADE, related_name="subscriptions")
    state = models.CharField(max_length=8, choices=State, default=State.PENDING, editable=False)
    depth = models.CharField(max_length=5, choices=Depth, default=Depth.DEEP)
    origin = models.CharField(max_length=40, default="web", help_text="How it began: web, import, demo, editor.")
    created_at = models.DateTimeField(auto_now_add=True)
    confirmed_at = models.DateTimeField(null=True, blank=True, editable=False)
    left_at = models.DateTimeField(null=True, blank=True, editable=False)
    # The confirmation mail (audience/unsent.py): from when one is owed, empty when none is; when the last one left.
    confirmation_due_at = models.DateTimeField(null=True, blank=True, editable=False)
    confirmation_sent_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = SubscriptionQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["subscriber", "newsletter"], name="subscribed_once"),
            models.CheckConstraint(
                condition=~Q(state="active") | Q(confirmed_at__isnull=False), name="active_was_confirmed"
            ),
        ]
        indexes = [
            models.Index(fields=["newsletter", "state"], name="subscription_by_state"),
            models.Index(
                fields=["confirmation_due_at"],
                condition=Q(confirmation_due_at__isnull=False),
                name="confirmation_owed",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.subscriber} · {self.newsletter}"


class Interest(models.Model):
    """An audience whose stories a reader asked for first; `audience` is a code of curation.catalog.audiences()."""

    subscription = models.ForeignKey(Subscription, on_delete=models.CASCADE, related_name="interests")
    audience = models.CharField(max_length=40)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["subscription", "audience"], name="interest_once")]
        indexes = [models.Index(fields=["audience", "subscription"], name="interest_by_audience")]

    def __str__(self) -> str:
        return self.audience


class Consent(models.Model):
    """What a person agreed to or took back, when and how. Append-only: the proof that we may write."""

    class Act(models.TextChoices):
        ASKED = "asked", "asked to subscribe"
        CONFIRMED = "confirmed", "confirmed"
        CHANGED = "changed", "changed settings"
        LEFT = "left", "left"

    subscription = models.ForeignKey(Subscription, on_delete=models.CASCADE, related_name="consents")
    act = models.CharField(max_length=10, choices=Act)
    at = models.DateTimeField()
    means = models.CharField(max_length=40, help_text="web form, mail link, one-click header, import, demo, editor")
    wording = models.TextField(blank=True, help_text="The sentence that was shown.")
    ip = models.GenericIPAddressField(null=True, blank=True)
    detail = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["at", "id"]

    def __str__(self) -> str:
        return f"{self.get_act_display()} {self.at:%Y-%m-%d}"

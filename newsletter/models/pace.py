"""How fast we may send, and how fast we do: rows that all lanes on all machines share."""

from django.db import models
from django.db.models import Q

from newsletter.models.campaign import Campaign
from newsletter.models.newsletter import Newsletter


class DomainPace(models.Model):
    """An editor's rule: at most so many messages a minute to mailboxes at one domain, over all campaigns."""

    domain = models.CharField(max_length=253, unique=True, help_text="As it stands in addresses, such as gmail.com.")
    per_minute = models.PositiveIntegerField("messages a minute")

    class Meta:
        ordering = ["domain"]
        verbose_name = "domain pace"
        constraints = [models.CheckConstraint(condition=Q(per_minute__gte=1), name="domain_pace_moves")]

    def __str__(self) -> str:
        return f"{self.domain}: {self.per_minute} a minute"


class Bucket(models.Model):
    """The next moment at which a paced relay or domain may be sent to: moved forward by whoever reserves a place."""

    key = models.CharField(max_length=300, unique=True, help_text="relay:HOST:PORT or domain:NAME")
    next_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.key


class WarmUpDay(models.Model):
    """How many deliveries were opened on one day (UTC) for a newsletter whose sender is being warmed up."""

    newsletter = models.ForeignKey(Newsletter, on_delete=models.CASCADE, related_name="warm_up_days")
    day = models.DateField()
    opened = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["day"]
        constraints = [models.UniqueConstraint(fields=["newsletter", "day"], name="warm_up_day_once")]

    def __str__(self) -> str:
        return f"{self.newsletter} {self.day}: {self.opened}"


class CampaignMinute(models.Model):
    """What one minute of a campaign came to, added to by every lane about once a second: for rates and alarms.

    The ledger, not this, is what counts deliveries: a lane that dies takes its last second with it.
    """

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="minutes", db_index=False)
    minute = models.DateTimeField()
    sent = models.PositiveIntegerField(default=0)
    rejected = models.PositiveIntegerField(default=0)
    hard = models.PositiveIntegerField(default=0, help_text="Of the rejected: addresses that do not exist (5.1.x).")
    deferred = models.PositiveIntegerField(default=0)
    doubtful = models.PositiveIntegerField(default=0)
    other = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["minute"]
        constraints = [models.UniqueConstraint(fields=["campaign", "minute"], name="campaign_minute_once")]

    def __str__(self) -> str:
        return f"{self.campaign_id} {self.minute:%H:%M}: {self.sent}"


class Instance(models.Model):
    """The one row by which a database knows whether it was restored, moved, or asleep (sending/instance.py)."""

    mark = models.CharField(max_length=120)
    ticks = models.PositiveBigIntegerField(default=0)
    ticked_at = models.DateTimeField()

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(pk=1), name="instance_one_row")]

    def __str__(self) -> str:
        return self.mark

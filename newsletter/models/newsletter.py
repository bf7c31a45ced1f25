from datetime import timedelta

import idna
from django.db import models
from django.db.models import Q

from newsletter.models.text import header_line, iana_zone


class Newsletter(models.Model):
    """A publication: who sends it, in whose name, in which rhythm."""

    class Weekday(models.IntegerChoices):
        MONDAY = 0, "Monday"
        TUESDAY = 1, "Tuesday"
        WEDNESDAY = 2, "Wednesday"
        THURSDAY = 3, "Thursday"
        FRIDAY = 4, "Friday"
        SATURDAY = 5, "Saturday"
        SUNDAY = 6, "Sunday"

    class DoubtPolicy(models.TextChoices):
        RESEND = "resend", "send again with the same Message-ID (never zero copies)"
        SKIP = "skip", "leave it and show it as unknown (never two copies)"

    name = models.CharField(max_length=80, validators=[header_line])
    slug = models.SlugField(max_length=40, unique=True)
    description = models.CharField(
        max_length=200, blank=True, validators=[header_line], help_text="One sentence for the sign-up page."
    )
    language = models.CharField(max_length=12, default="en")

    from_name = models.CharField("sender's name", max_length=80, validators=[header_line])
    from_email = models.EmailField("sender's address")
    reply_to = models.EmailField(blank=True, help_text="Where answers go; the sender's address when empty.")
    postal_address = models.TextField(
        max_length=300,
        blank=True,
        help_text="Shown in the footer of every mail; the law asks for it. Nothing is sent without it.",
    )

    weekly = models.BooleanField("has a weekly slot", default=True)
    weekday = models.PositiveSmallIntegerField(choices=Weekday, default=Weekday.THURSDAY)
    wall_time = models.TimeField(
        "time of day", default="09:00", help_text="As a clock on the wall shows it in the zone below."
    )
    zone = models.CharField(
        max_length=40, default="UTC", validators=[iana_zone], help_text="IANA name, such as Europe/Brussels."
    )
    hold_seconds = models.PositiveIntegerField(
        "hold window (seconds)",
        default=300,
        help_text="How long people can stop an edition after it is frozen and before it leaves.",
    )
    doubt_policy = models.CharField(max_length=6, choices=DoubtPolicy, default=DoubtPolicy.RESEND)
    fresh_hours = models.PositiveSmallIntegerField(default=24, help_text="News up to this age is shown as new.")
    recent_hours = models.PositiveSmallIntegerField(default=168, help_text="Older news than this is shown as stale.")
    stories_per_edition = models.PositiveSmallIntegerField(default=12)

    warm_up_from = models.DateField(
        "warm up from",
        null=True,
        blank=True,
        help_text="First day of the warm-up plan for a new sender; empty: no ceiling.",
    )
    warm_up_first = models.PositiveIntegerField("messages on the first day", default=500)
    warm_up_growth = models.PositiveSmallIntegerField(
        "growth a day (per cent)", default=50, help_text="How much more each day may carry than the day before."
    )

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(condition=Q(weekday__lte=6), name="newsletter_weekday"),
            models.CheckConstraint(
                condition=Q(recent_hours__gte=models.F("fresh_hours")), name="newsletter_thresholds"
            ),
            models.CheckConstraint(condition=Q(warm_up_first__gte=1), name="newsletter_warm_up_moves"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def hold(self) -> timedelta:
        return timedelta(seconds=self.hold_seconds)

    @property
    def domain(self) -> str:
        """The sender's domain in ASCII: right side of Message-ID, List-Id and return path."""
        return idna.encode(self.from_email.rpartition("@")[2], uts46=True).decode()

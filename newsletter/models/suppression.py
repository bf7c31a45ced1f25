from django.db import models
from django.db.models.functions import Now

from newsletter.models.newsletter import Newsletter


class Suppression(models.Model):
    """An address that we do not mail, with the reason. Without a newsletter it holds for all of them."""

    class Reason(models.TextChoices):
        HARD_BOUNCE = "hard_bounce", "hard bounce"
        COMPLAINT = "complaint", "complaint"
        ASKED = "asked", "asked us never to write"
        EDITOR = "editor", "set by an editor"

    address = models.CharField(max_length=254, help_text="The normalised address.")
    newsletter = models.ForeignKey(
        Newsletter, null=True, blank=True, on_delete=models.CASCADE, related_name="suppressions"
    )
    reason = models.CharField(max_length=12, choices=Reason, default=Reason.EDITOR)
    note = models.CharField(max_length=200, blank=True)
    at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ["-at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["address"], condition=models.Q(newsletter=None), name="suppressed_once_for_all"
            ),
            models.UniqueConstraint(fields=["address", "newsletter"], name="suppressed_once_per_newsletter"),
        ]

    def __str__(self) -> str:
        return self.address

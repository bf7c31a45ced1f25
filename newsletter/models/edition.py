from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse

from newsletter.models.newsletter import Newsletter
from newsletter.models.text import header_line


class EditionQuerySet(models.QuerySet["Edition"]):
    def sent(self) -> "EditionQuerySet":
        """Editions that have gone out or are going out: what the archive shows, newest first."""
        return self.filter(campaigns__state__in=["sending", "paused", "done"]).distinct().order_by("-sent_at", "-id")

    def awaiting(self) -> "EditionQuerySet":
        """Approved editions for which no campaign stands."""
        return self.filter(state=Edition.State.APPROVED).exclude(campaigns__state__in=LIVE_CAMPAIGN)

    def at_their_slot(self, now: datetime) -> "EditionQuerySet":
        """Awaiting, their hour come, and never had a campaign: what a person cancelled no clock starts again."""
        return self.awaiting().filter(slot__lte=now, campaigns=None).select_related("newsletter")


LIVE_CAMPAIGN = ["draft", "missed", "frozen", "sending", "paused", "done"]  # all but cancelled


class Edition(models.Model):
    """The content of one issue. Moved by editions/compose.py only."""

    class State(models.TextChoices):
        DRAFT = "draft", "Draft"
        APPROVED = "approved", "Approved"

    newsletter = models.ForeignKey(Newsletter, on_delete=models.PROTECT, related_name="editions")
    slug = models.SlugField(max_length=80)
    state = models.CharField(max_length=10, choices=State, default=State.DRAFT, editable=False)
    version = models.PositiveIntegerField(default=1, editable=False)
    slot = models.DateTimeField(
        "planned for (UTC)", null=True, blank=True, help_text="When it leaves. Empty: only when somebody sends it."
    )
    subject = models.CharField(max_length=150, validators=[header_line])
    preheader = models.CharField(
        max_length=140, blank=True, validators=[header_line], help_text="What the inbox shows after the subject."
    )
    intro = models.TextField(max_length=2000, blank=True, help_text="Plain text; an empty line begins a new paragraph.")

    approved_at = models.DateTimeField(null=True, blank=True, editable=False)
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, editable=False, on_delete=models.PROTECT, related_name="+"
    )
    content_hash = models.CharField(max_length=64, blank=True, editable=False, help_text="Of what was approved.")
    sent_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = EditionQuerySet.as_manager()

    class Meta:
        ordering = [models.F("slot").desc(nulls_first=True), "-id"]
        permissions = [("send_edition", "Can approve, schedule, send, pause and cancel editions")]
        constraints = [
            models.UniqueConstraint(fields=["newsletter", "slug"], name="edition_slug_once"),
            models.UniqueConstraint(fields=["newsletter", "slot"], name="edition_slot_once"),
            models.CheckConstraint(
                condition=Q(state="draft") | (Q(state="approved", approved_at__isnull=False) & ~Q(content_hash="")),
                name="edition_approved_is_hashed",
            ),
        ]

    def __str__(self) -> str:
        return self.subject or self.slug

    def get_absolute_url(self) -> str:
        return reverse("edition", args=[self.newsletter.slug, self.slug])


class EditionItem(models.Model):
    """A story's place in an edition.

    `copy` is the story as `catalog.StoryCopy.as_data()` gave it, refreshed while the edition is a draft and final on
    approval; the edition stays whole when the desk edits or deletes the story.
    """

    class Form(models.TextChoices):
        LEAD = "lead", "Lead"
        NORMAL = "normal", "Normal"
        BRIEF = "brief", "Brief"

    edition = models.ForeignKey(Edition, on_delete=models.CASCADE, related_name="items")
    story = models.ForeignKey("curation.Story", null=True, on_delete=models.SET_NULL, related_name="+")
    position = models.PositiveSmallIntegerField(default=0)
    form = models.CharField(max_length=6, choices=Form, default=Form.NORMAL)
    copy = models.JSONField(editable=False)
    content_hash = models.CharField(max_length=64, editable=False)

    class Meta:
        ordering = ["position", "id"]
        verbose_name = "story in the edition"
        verbose_name_plural = "stories in the edition"
        constraints = [models.UniqueConstraint(fields=["edition", "story"], name="story_once_per_edition")]

    def __str__(self) -> str:
        return str(self.copy.get("headline", "")) if self.copy else "story"

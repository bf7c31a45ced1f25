from datetime import timedelta

from django.conf import settings
from django.core.validators import URLValidator
from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from simple_history.models import HistoricalRecords

from curation.models.article import Article
from curation.models.audience import Audience
from curation.models.source import Source
from curation.models.text import one_line


class State(models.TextChoices):
    COLLECTED = "collected", "Collected"
    DRAFTED = "drafted", "Drafted"
    IN_REVIEW = "in_review", "In review"
    APPROVED = "approved", "Approved"
    PUBLISHED = "published", "Published"
    CORRECTED = "corrected", "Corrected"
    SPIKED = "spiked", "Spiked"
    WITHDRAWN = "withdrawn", "Withdrawn"


PUBLIC = (State.APPROVED, State.PUBLISHED, State.CORRECTED)  # what may be shown and sent


class Group(models.Model):
    """Stories that tell one event."""

    name = models.CharField(max_length=140, validators=[one_line])

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.name


class StoryQuerySet(models.QuerySet["Story"]):
    def public(self) -> "StoryQuerySet":
        """Stories a reader may see: approved, published or corrected."""
        return self.filter(state__in=PUBLIC)

    def newest(self) -> "StoryQuerySet":
        """Newest news first; stories whose moment is unknown come last."""
        return self.order_by(F("published_at").desc(nulls_last=True), "-id")

    def matching(self, words: str) -> "StoryQuerySet":
        """Stories whose headline, hook or source holds every word."""
        stories = self
        for word in words.split():
            stories = stories.filter(
                Q(headline__icontains=word) | Q(hook__icontains=word) | Q(source__name__icontains=word)
            )
        return stories

    def with_parts(self) -> "StoryQuerySet":
        """Everything a page or the catalog shows, in a fixed number of queries."""
        return self.select_related("source", "table").prefetch_related(
            "audience_links__audience", "claims__evidence__article", "events", "related_links__related"
        )


class Story(models.Model):
    """One piece of news with everything the desk knows about it. Only review/workflow.py moves its state."""

    State = State

    slug = models.SlugField(max_length=80, unique=True)
    state = models.CharField(max_length=12, choices=State, default=State.COLLECTED, editable=False)
    version = models.PositiveIntegerField(default=1, editable=False)  # counts saves, so that a later editor is told
    source = models.ForeignKey(Source, on_delete=models.PROTECT, related_name="stories")
    articles = models.ManyToManyField(Article, blank=True, related_name="stories")
    group = models.ForeignKey(Group, null=True, blank=True, on_delete=models.SET_NULL, related_name="stories")

    original_url = models.URLField(
        "original link",
        max_length=500,
        blank=True,
        validators=[URLValidator(schemes=["http", "https"])],
        help_text="An address that was fetched or named in a feed. Leave empty when unknown: it is then shown as text.",
    )
    original_headline = models.CharField(max_length=300, blank=True, validators=[one_line])
    published_at = models.DateTimeField("published (UTC)", null=True, blank=True)
    published_estimated = models.BooleanField("published is an estimate", default=False)
    collected_at = models.DateTimeField("collected (UTC)", null=True, blank=True)
    stated_minutes = models.PositiveIntegerField(
        "collected in, as stated",
        null=True,
        blank=True,
        help_text=(
            "Minutes from publication to collection, as an imported page states them while the moments are unknown."
        ),
    )

    headline = models.CharField(max_length=90, validators=[one_line])
    hook = models.CharField(
        max_length=120, blank=True, validators=[one_line], help_text="One sentence that adds to the headline."
    )
    what_to_do_next = models.CharField(
        max_length=140, blank=True, validators=[one_line], help_text="Begins with a verb."
    )
    audiences = models.ManyToManyField(Audience, through="StoryAudience", related_name="stories")
    related = models.ManyToManyField("self", through="RelatedStory", symmetrical=False, blank=True)

    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    history = HistoricalRecords(excluded_fields=["version"])
    objects = StoryQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        verbose_name_plural = "stories"
        permissions = [("review_story", "Can approve, send back, spike, publish and withdraw stories")]
        constraints = [
            models.CheckConstraint(condition=Q(state__in=State.values), name="story_state_known"),
            models.CheckConstraint(condition=~Q(headline=""), name="story_has_headline"),
        ]
        indexes = [models.Index(fields=["state", "-published_at"], name="story_by_state")]

    def __str__(self) -> str:
        return self.headline

    def get_absolute_url(self) -> str:
        return reverse("story", args=[self.slug])

    @property
    def is_public(self) -> bool:
        return self.state in PUBLIC

    @property
    def collected_minutes(self) -> int | None:
        """Minutes from publication to collection; None when unknown, estimated or impossible."""
        if self.published_at is None or self.collected_at is None:
            return self.stated_minutes if self.published_at is None else None
        if self.published_estimated or self.collected_at < self.published_at:
            return None
        return int((self.collected_at - self.published_at) / timedelta(minutes=1))

    @property
    def published_in_future(self) -> bool:
        """True when the source dates itself more than a day after we read it: the date wants a second look."""
        if self.published_at is None or self.collected_at is None:
            return False
        return self.published_at > self.collected_at + timedelta(days=1)


class StoryAudience(models.Model):
    story = models.ForeignKey(Story, on_delete=models.CASCADE, related_name="audience_links")
    audience = models.ForeignKey(Audience, on_delete=models.PROTECT)
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["position", "id"]
        constraints = [models.UniqueConstraint(fields=["story", "audience"], name="audience_once_per_story")]
        verbose_name = "audience"

    def __str__(self) -> str:
        return str(self.audience)


class RelatedStory(models.Model):
    story = models.ForeignKey(Story, on_delete=models.CASCADE, related_name="related_links")
    related = models.ForeignKey(Story, on_delete=models.CASCADE, related_name="+")
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["position", "id"]
        verbose_name = "related update"
        constraints = [
            models.UniqueConstraint(fields=["story", "related"], name="related_once"),
            models.CheckConstraint(condition=~Q(story=F("related")), name="related_never_itself"),
        ]

    def __str__(self) -> str:
        return str(self.related)


class StoryMove(models.Model):
    """One change of a story's state: who, when, why. Append-only; written by review/workflow.py alone."""

    story = models.ForeignKey(Story, on_delete=models.CASCADE, related_name="moves")
    from_state = models.CharField(max_length=12, choices=State)
    to_state = models.CharField(max_length=12, choices=State)
    at = models.DateTimeField()
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT)
    actor_name = models.CharField(
        max_length=150, help_text="Kept as text too: an editor's account, or the command that acted."
    )
    reason = models.TextField(blank=True)

    class Meta:
        ordering = ["at", "id"]

    def __str__(self) -> str:
        return f"{self.get_from_state_display()} to {self.get_to_state_display()}"

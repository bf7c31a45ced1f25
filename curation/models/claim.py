from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Length
from django.db.models.lookups import LessThanOrEqual
from simple_history.models import HistoricalRecords

from curation.models.article import Article
from curation.models.audience import Audience
from curation.models.story import Story
from curation.models.text import one_line


class Origin(models.TextChoices):
    SOURCE = "source", "from the source"
    COMPUTED = "computed", "computed"
    MACHINE = "machine", "drafted by a machine"
    EDITOR = "editor", "written by an editor"


class Kind(models.TextChoices):
    WHAT_CHANGED = "what_changed", "what changed"
    WHY_IT_MATTERS = "why_it_matters", "why it matters"
    TAKEAWAY = "takeaway", "key takeaway"
    TECHNICAL = "technical", "technical deep dive"
    IMPLICATION = "implication", "future implication"


LIMITS: dict[str, int] = {
    Kind.WHAT_CHANGED: 140,
    Kind.WHY_IT_MATTERS: 260,
    Kind.TAKEAWAY: 240,
    Kind.TECHNICAL: 240,
    Kind.IMPLICATION: 240,
}
LEAD_LIMITS: dict[str, int] = {Kind.TECHNICAL: 40, Kind.IMPLICATION: 140}  # the term; the prediction
MOST: dict[str, int] = {Kind.WHAT_CHANGED: 3, Kind.TAKEAWAY: 5, Kind.TECHNICAL: 5, Kind.IMPLICATION: 3}
AUDIENCE_FORM_LIMIT = 140  # "why it matters" as one audience reads it


def _within_limits() -> Q:
    kinds = [
        Q(kind=kind) & Q(LessThanOrEqual(Length("text"), limit)) & _lead_fits(kind) for kind, limit in LIMITS.items()
    ]
    condition = Q()
    for each in kinds:
        condition |= each
    return condition


def _lead_fits(kind: str) -> Q:
    if kind not in LEAD_LIMITS:
        return Q(lead="")
    return ~Q(lead="") & Q(LessThanOrEqual(Length("lead"), LEAD_LIMITS[kind]))


class Claim(models.Model):
    """A statement of a story that needs evidence.

    `lead` is the term of a technical point or the prediction of an implication (whose `text` is the rationale).
    A "why it matters" claim with an audience is that audience's own form of the general one.
    """

    Kind = Kind
    Origin = Origin

    story = models.ForeignKey(Story, on_delete=models.CASCADE, related_name="claims")
    kind = models.CharField(max_length=20, choices=Kind)
    position = models.PositiveSmallIntegerField(default=0)
    lead = models.CharField(max_length=140, blank=True, validators=[one_line])
    text = models.CharField(max_length=260, validators=[one_line])
    audience = models.ForeignKey(
        Audience, null=True, blank=True, on_delete=models.PROTECT, help_text="Empty: for everyone."
    )
    origin = models.CharField(max_length=10, choices=Origin, default=Origin.EDITOR, editable=False)

    history = HistoricalRecords()

    class Meta:
        ordering = ["position", "id"]
        constraints = [
            models.CheckConstraint(condition=_within_limits(), name="claim_within_limits"),
            models.CheckConstraint(condition=~Q(text=""), name="claim_has_text"),
            models.CheckConstraint(
                condition=Q(audience=None) | (Q(kind=Kind.WHY_IT_MATTERS) & Q(LessThanOrEqual(Length("text"), 140))),
                name="claim_audience_form_is_short",
            ),
            models.UniqueConstraint(
                fields=["story", "audience"], condition=Q(kind=Kind.WHY_IT_MATTERS), name="why_once_per_audience"
            ),
            models.UniqueConstraint(
                fields=["story"],
                condition=Q(kind=Kind.WHY_IT_MATTERS, audience=None),
                name="why_once_for_everyone",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.lead}: {self.text}" if self.lead else self.text


class Evidence(models.Model):
    """A quote from a stored source text that carries a claim; `start` and `end` are character offsets in that text."""

    claim = models.ForeignKey(Claim, on_delete=models.CASCADE, related_name="evidence")
    article = models.ForeignKey(Article, on_delete=models.PROTECT, related_name="evidence")
    quote = models.CharField(max_length=400)
    start = models.PositiveIntegerField()
    end = models.PositiveIntegerField()
    text_hash = models.CharField(max_length=64)

    class Meta:
        ordering = ["id"]
        verbose_name_plural = "evidence"
        constraints = [
            models.CheckConstraint(condition=Q(end__gt=F("start")), name="evidence_span_not_empty"),
            models.UniqueConstraint(fields=["claim", "article", "start", "end"], name="evidence_once_per_claim"),
        ]

    def __str__(self) -> str:
        return self.quote

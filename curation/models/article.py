import hashlib
from typing import Any

from django.core.validators import URLValidator
from django.db import models

from curation.models.source import Source
from curation.models.text import one_line, plain_text


class Article(models.Model):
    """A stored source text: what evidence is quoted from. Its text never changes; a new version is a new article."""

    class Kind(models.TextChoices):
        PUBLISHED = "published", "the publisher's words"
        DESK_NOTE = "desk_note", "the desk's own note, not the publisher's words"

    source = models.ForeignKey(Source, on_delete=models.PROTECT, related_name="articles")
    kind = models.CharField(max_length=20, choices=Kind, default=Kind.PUBLISHED)
    title = models.CharField(max_length=300, blank=True, validators=[one_line])
    url = models.URLField(max_length=500, blank=True, validators=[URLValidator(schemes=["http", "https"])])
    language = models.CharField(max_length=12, default="en")
    text = models.TextField(validators=[plain_text])
    text_hash = models.CharField(max_length=64, editable=False, help_text="SHA-256 of the text in UTF-8.")
    collected_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["source", "text_hash"], name="article_once_per_source"),
        ]

    def __str__(self) -> str:
        return self.title or f"{self.source} {self.text_hash[:8]}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.text_hash = hash_text(self.text)
        super().save(*args, **kwargs)


def hash_text(text: str) -> str:
    """SHA-256 of the text in UTF-8, as 64 hex digits: what evidence is pinned to."""
    return hashlib.sha256(text.encode()).hexdigest()

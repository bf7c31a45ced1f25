from django.db import models

from newsletter.models.newsletter import Newsletter
from newsletter.models.text import header_line


class Segment(models.Model):
    """A saved rule that names a group of subscribers; the first segment that matches a reader wins.

    `rule` is checked data (audience/segments.py), never SQL, code or a template. `audience` is whose stories come first
    in this segment's variant, and whose "why it matters" it reads; empty for a general reader.
    """

    newsletter = models.ForeignKey(Newsletter, on_delete=models.CASCADE, related_name="segments")
    slug = models.SlugField(max_length=40)
    name = models.CharField(max_length=80, validators=[header_line])
    audience = models.CharField(max_length=40, blank=True)
    rule = models.JSONField(default=dict, blank=True)
    position = models.PositiveSmallIntegerField(default=0, help_text="The first segment that matches wins.")

    class Meta:
        ordering = ["newsletter", "position", "id"]
        constraints = [models.UniqueConstraint(fields=["newsletter", "slug"], name="segment_slug_once")]

    def __str__(self) -> str:
        return self.name

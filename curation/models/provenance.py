from django.conf import settings
from django.db import models

from curation.models.claim import Origin
from curation.models.story import Story


class Provenance(models.Model):
    """Where a field's words came from: one row for each time they were written. Append-only."""

    story = models.ForeignKey(Story, on_delete=models.CASCADE, related_name="provenance")
    field = models.CharField(max_length=80, help_text="The field, as in a story file: tldr.what_changed, hook, …")
    origin = models.CharField(max_length=10, choices=Origin)
    at = models.DateTimeField()
    editor = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT)
    model = models.CharField(max_length=80, blank=True, help_text="The language model, when a machine wrote it.")
    prompt_version = models.CharField(max_length=40, blank=True)
    run = models.CharField(max_length=80, blank=True, help_text="The run or file it came with.")
    change = models.TextField(blank=True, help_text="What was changed, in words.")

    class Meta:
        ordering = ["at", "id"]
        verbose_name_plural = "provenance"

    def __str__(self) -> str:
        return f"{self.field}: {self.get_origin_display()}"

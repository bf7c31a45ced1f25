from django.core.validators import RegexValidator
from django.db import models

from curation.models.text import one_line


class Audience(models.Model):
    """Who should care about a story. Six are given; an owner can add."""

    code = models.CharField(
        max_length=40,
        primary_key=True,
        validators=[
            RegexValidator(r"\A[a-z][a-z0-9-]*\Z", "Small letters, digits and hyphens, beginning with a letter.")
        ],
    )
    label = models.CharField(max_length=40, unique=True, validators=[one_line])
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["position", "code"]

    def __str__(self) -> str:
        return self.label

from django.core.validators import URLValidator
from django.db import models
from django_countries.fields import Country, CountryField

from curation.models.text import one_line


class Source(models.Model):
    """A publisher whose news we read: a site, a feed, a company's press room."""

    name = models.CharField(max_length=80, unique=True, validators=[one_line])
    country = CountryField(blank=True, help_text="Where the publisher sits; the flag is derived from it.")
    home_url = models.URLField(
        "home page",
        max_length=500,
        blank=True,
        validators=[URLValidator(schemes=["http", "https"])],
        help_text="Leave empty when unknown: an address is never guessed.",
    )

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    @property
    def country_name(self) -> str:
        """The country in words, empty when unknown: flags alone are not readable everywhere."""
        return str(Country(str(self.country)).name) if self.country else ""

    @property
    def flag(self) -> str:
        return str(Country(str(self.country)).unicode_flag) if self.country else ""

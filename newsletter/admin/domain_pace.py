from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from newsletter.audience.addresses import BadAddress, normalise
from newsletter.models import DomainPace


class DomainPaceForm(forms.ModelForm):
    class Meta:
        model = DomainPace
        fields = ["domain", "per_minute"]
        help_texts = {
            "domain": "The part of addresses after the @, such as gmail.com; names below it are not meant.",
            "per_minute": "Over all campaigns and machines. Letters above it wait for a place of their own.",
        }

    def clean_domain(self) -> str:
        """In the one form of all its spellings; an @ before it is forgiven."""
        domain = self.cleaned_data["domain"].strip().removeprefix("@")
        try:
            return normalise(f"a@{domain}", test_environment=True).address.removeprefix("a@")
        except BadAddress as bad:
            raise ValidationError(f"“{domain}” is no domain as it stands in addresses. {bad.reason}") from None


@admin.register(DomainPace)
class DomainPaceAdmin(ModelAdmin):
    """At most so many messages a minute to one domain. Lanes read a change within half a minute."""

    form = DomainPaceForm
    list_display = ["domain", "per_minute"]
    list_editable = ["per_minute"]
    search_fields = ["domain"]

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "per_minute":
            kwargs["min_value"] = 1
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return ["domain"] if obj else []

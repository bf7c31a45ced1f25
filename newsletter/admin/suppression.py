from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from newsletter.audience.addresses import BadAddress, normalise
from newsletter.models import Suppression


class SuppressionForm(forms.ModelForm):
    class Meta:
        model = Suppression
        fields = ["address", "newsletter", "reason", "note"]

    def clean_address(self) -> str:
        """The normal form, so that every spelling of the address is meant."""
        try:
            return normalise(self.cleaned_data["address"]).address
        except BadAddress as bad:
            raise ValidationError(bad.reason) from None


@admin.register(Suppression)
class SuppressionAdmin(ModelAdmin):
    """Addresses we do not mail. Add one here when somebody asks never to hear from us."""

    form = SuppressionForm
    list_display = ["address", "scope", "reason", "at", "note"]
    list_filter = ["reason", "newsletter"]
    search_fields = ["address", "note"]
    list_select_related = ["newsletter"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return ["address", "newsletter", "at"] if obj else []

    @admin.display(description="holds for", ordering="newsletter")
    def scope(self, suppression: Suppression) -> str:
        return str(suppression.newsletter or "every newsletter")

from dataclasses import replace
from typing import Any

from django import forms
from django.http import HttpRequest
from django.utils import timezone
from unfold.admin import TabularInline

from curation import catalog
from newsletter.audience import preferences
from newsletter.models import Subscription


class SubscriptionForm(forms.ModelForm):
    """A reader's choices; stored as the settings page stores them, so that the change is on record."""

    interests = forms.MultipleChoiceField(
        required=False, widget=forms.CheckboxSelectMultiple(attrs={"class": "compose-ticks"})
    )

    class Meta:
        model = Subscription
        fields = ["depth"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["interests"].choices = catalog.audiences()  # type: ignore[attr-defined]
        if self.instance.pk:
            self.fields["interests"].initial = list(self.instance.interests.values_list("audience", flat=True))

    def save(self, commit: bool = True) -> Subscription:
        subscription: Subscription = self.instance
        if commit:
            choices = replace(
                preferences.read(subscription),
                interests=frozenset(self.cleaned_data["interests"]),
                depth=self.cleaned_data["depth"],
            )
            preferences.change(subscription=subscription, choices=choices, means="editor", now=timezone.now())
        return subscription


class SubscriptionInline(TabularInline):
    """What a reader reads. Beginning and ending a subscription goes through sign-up and leaving, never through here."""

    model = Subscription
    form = SubscriptionForm
    fields = ["newsletter", "state", "interests", "depth", "origin", "confirmed_at", "left_at"]
    readonly_fields = ["newsletter", "state", "origin", "confirmed_at", "left_at"]
    extra = 0
    hide_title = True

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("newsletter.change_subscriber")

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("newsletter.view_subscriber") or self.has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

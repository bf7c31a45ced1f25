from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils import timezone
from unfold.admin import ModelAdmin
from unfold.widgets import UnfoldAdminSelectWidget

from newsletter.admin import words
from newsletter.admin.subscription import SubscriptionInline
from newsletter.audience import leaving, signup
from newsletter.audience.addresses import BadAddress, normalise
from newsletter.models import Consent, Newsletter, Subscriber, Subscription
from newsletter.tasks import send_confirmation

WORDING = "An editor entered the address on this person's wish; the person confirms by mail."


class SubscriberForm(forms.ModelForm):
    """A new reader is asked by mail, as on the sign-up page: an editor proposes, only the address itself can agree."""

    newsletter = forms.ModelChoiceField(
        Newsletter.objects.all(),
        required=False,
        widget=UnfoldAdminSelectWidget,
        help_text="A mail asks the person to confirm; until then nothing is sent.",
    )

    class Meta:
        model = Subscriber
        fields = ["email", "name", "language", "zone"]

    def clean_email(self) -> str:
        try:
            found = normalise(self.cleaned_data["email"])
        except BadAddress as bad:
            raise ValidationError(bad.reason) from None
        if Subscriber.objects.filter(address=found.address).exclude(pk=self.instance.pk).exists():
            raise ValidationError(f"{found.email} is here already, perhaps in another spelling: search for it.")
        self.instance.address = found.address
        return found.email


@admin.register(Subscriber)
class SubscriberAdmin(ModelAdmin):
    """A reader: address, choices, and the proof that we may write."""

    form = SubscriberForm
    inlines = [SubscriptionInline]
    list_display = ["email", "name", "reads", "created_at"]
    list_filter = ["subscriptions__state", "subscriptions__newsletter"]
    search_fields = ["address", "email", "name"]
    search_help_text = "Any part of the address or the name"
    actions = ["end_subscriptions"]
    fieldsets = [(None, {"fields": ["email", "name", "language", "zone", "consents"]})]
    add_fieldsets = [(None, {"fields": ["email", "name", "newsletter"]})]

    class Media:
        css = {"all": ["desk/compose.css"]}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Subscriber]:
        return super().get_queryset(request).prefetch_related("subscriptions__newsletter")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """The address is what was confirmed: another one is another reader."""
        return ["email", "consents"] if obj else []

    def get_inlines(self, request: HttpRequest, obj: Any) -> list[Any]:
        return list(self.inlines) if obj else []

    def save_model(self, request: HttpRequest, obj: Subscriber, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        newsletter = None if change else form.cleaned_data.get("newsletter")
        if newsletter:
            asked = signup.ask(
                newsletter=newsletter, email=obj.email, means="editor", wording=WORDING, ip=None, now=timezone.now()
            )
            if asked.mail_to is None:
                messages.warning(
                    request, "No mail was sent: the address is suppressed. See Suppressions for the reason."
                )
            else:
                send_confirmation.delay_on_commit(subscription_id=asked.mail_to)  # type: ignore[attr-defined]
                messages.info(request, f"A mail asks {obj.email} to confirm.")

    @admin.display(description="reads")
    def reads(self, subscriber: Subscriber) -> str:
        return ", ".join(f"{each.newsletter} ({each.get_state_display()})" for each in subscriber.subscriptions.all())

    @admin.display(description="consent, in order")
    def consents(self, subscriber: Subscriber) -> str:
        rows = Consent.objects.filter(subscription__subscriber=subscriber).select_related("subscription__newsletter")
        return render_to_string("admin/newsletter/subscriber/_consents.html", {"consents": rows})

    @admin.action(description="End every subscription of the ticked readers", permissions=["change"])
    def end_subscriptions(self, request: HttpRequest, queryset: QuerySet[Subscriber]) -> None:
        now = timezone.now()
        ended = sum(
            leaving.leave(subscription=subscription, means="editor", now=now)
            for subscription in Subscription.objects.filter(subscriber__in=queryset)
        )
        messages.success(request, f"Ended {words.count(ended, 'subscription')}.")

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.safestring import mark_safe
from unfold.admin import ModelAdmin
from unfold.decorators import display

from newsletter.admin import words
from newsletter.editions import plan
from newsletter.models import Newsletter
from newsletter.models.text import is_zone


@admin.register(Newsletter)
class NewsletterAdmin(ModelAdmin):
    """A publication's sender, rhythm and policies."""

    list_display = ["name", "sender", "next_slot", "active_readers"]
    search_fields = ["name", "from_name", "from_email"]
    prepopulated_fields = {"slug": ["name"]}
    readonly_fields = ["next_slot", "warm_up_plan"]
    warn_unsaved_form = True
    fieldsets = [
        (None, {"fields": ["name", "slug", "description", "language"]}),
        ("Sender", {"classes": ["tab"], "fields": ["from_name", "from_email", "reply_to", "postal_address"]}),
        (
            "Weekly slot",
            {
                "classes": ["tab"],
                "fields": ["weekly", "weekday", "wall_time", "zone", "next_slot", "stories_per_edition"],
            },
        ),
        ("Policy", {"classes": ["tab"], "fields": ["hold_seconds", "doubt_policy", "fresh_hours", "recent_hours"]}),
        (
            "Warm-up",
            {
                "classes": ["tab"],
                "description": "For a sender that mailbox providers do not know yet: a ceiling a day (UTC), which "
                "grows. What a day cannot take leaves on the next. Before the first day there is no ceiling.",
                "fields": ["warm_up_from", "warm_up_first", "warm_up_growth", "warm_up_plan"],
            },
        ),
    ]

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "warm_up_first":
            kwargs["min_value"] = 1
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if db_field.name == "postal_address" and field:
            field.widget.attrs["rows"] = 4
        return field

    def get_prepopulated_fields(self, request: HttpRequest, obj: Any = None) -> dict[str, Any]:
        return {} if obj else dict(self.prepopulated_fields)

    @display(description="from")
    def sender(self, newsletter: Newsletter) -> str:
        return f"{newsletter.from_name} <{newsletter.from_email}>"

    @display(description="next slot")
    def next_slot(self, newsletter: Newsletter) -> str:
        if newsletter.pk is None:
            return "Save the newsletter to see when its next edition leaves."
        if not newsletter.weekly:
            return "none: editions leave only when somebody sends them"
        if not is_zone(newsletter.zone):  # a form that was refused is drawn again with what was typed
            return "unknown: correct the zone first"
        now = timezone.now()
        return words.slot(plan.slot_after(newsletter, after=now), zone=newsletter.zone, now=now)

    @display(description="what it comes to")
    def warm_up_plan(self, newsletter: Newsletter) -> str:
        if newsletter.pk is None or newsletter.warm_up_from is None:
            return "No ceiling. Set the first day and save to see the plan, day by day."
        readers = self.active_readers(newsletter)
        return format_html_join(mark_safe("<br>"), "{}", ((line,) for line in words.warm_up(newsletter, readers)))

    @display(description="readers")
    def active_readers(self, newsletter: Newsletter) -> int:
        return newsletter.subscriptions.mailable(newsletter).count()

from datetime import timedelta
from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from unfold.admin import TabularInline
from unfold.decorators import display

from curation.catalog import StoryCopy, Thresholds, freshness
from newsletter.models import Edition, EditionItem


def chips(copy: StoryCopy) -> SafeString:
    """The story's audiences as chips, by their codes; the full names are in the titles."""
    if not copy.audiences:
        return mark_safe('<span class="compose-chip compose-chip-none">no audience</span>')
    return format_html_join(
        " ", '<span class="compose-chip" title="{}">{}</span>', ((label, code) for code, label in copy.audiences)
    )


class EditionItemInline(TabularInline):
    """The stories of an edition in order. What a story says is edited at the desk; here only its place and length."""

    model = EditionItem
    fields = ["headline", "form", "audiences", "source", "age", "position"]
    readonly_fields = ["headline", "audiences", "source", "age"]
    ordering_field = "position"
    hide_ordering_field = True
    hide_title = True
    extra = 0
    verbose_name_plural = "stories, in reading order"

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # stories come through the picker, which takes their copy

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("newsletter.view_edition") or self.has_change_permission(request, obj)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("newsletter.change_edition")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_change_permission(request, obj)

    @display(description="headline")
    def headline(self, item: EditionItem) -> SafeString:
        return format_html(
            '<span class="compose-headline">{}</span><span class="compose-hook">{}</span>',
            item.copy["headline"],
            item.copy["hook"],
        )

    @display(description="audiences")
    def audiences(self, item: EditionItem) -> SafeString:
        return chips(StoryCopy.from_data(item.copy))

    @display(description="source")
    def source(self, item: EditionItem) -> str:
        return str(item.copy["source"])

    @display(description="when it leaves")
    def age(self, item: EditionItem) -> SafeString:
        level = freshness_of(item.edition, StoryCopy.from_data(item.copy))
        return format_html('<span class="compose-fresh compose-fresh-{}">{}</span>', level, level)


def freshness_of(edition: Edition, copy: StoryCopy) -> str:
    """How fresh the story will be when the edition leaves; when that is unknown or past, how fresh it is now."""
    now = timezone.now()
    newsletter = edition.newsletter
    thresholds = Thresholds(timedelta(hours=newsletter.fresh_hours), timedelta(hours=newsletter.recent_hours))
    return freshness(copy.published_at, now=max(edition.slot or now, now), thresholds=thresholds)

"""The worklist: what each story is, whose it is, for whom, how old, and where it stands."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.timesince import timesince
from django_countries import countries
from unfold.decorators import display

from curation import wording
from curation.freshness import freshness
from curation.models import Story
from curation.models.story import State

COLOURS = {
    State.DRAFTED.label: "info",
    State.IN_REVIEW.label: "warning",
    State.APPROVED.label: "success",
    State.PUBLISHED.label: "success",
    State.CORRECTED.label: "primary",
    State.SPIKED.label: "danger",
    State.WITHDRAWN.label: "danger",
}


class CountryFilter(admin.SimpleListFilter):
    """The countries that stories come from."""

    title = "country"
    parameter_name = "country"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        codes = Story.objects.exclude(source__country="").values_list("source__country", flat=True).distinct()
        return sorted(((code, countries.name(code)) for code in codes.order_by()), key=lambda pair: pair[1])

    def queryset(self, request: HttpRequest, queryset: QuerySet[Story]) -> QuerySet[Story]:
        return queryset.filter(source__country=self.value()) if self.value() else queryset


class StoryList:
    """The columns, filters and search of StoryAdmin's list."""

    list_display = ["state_badge", "headline", "from_source", "audience_chips", "age", "changed"]
    list_display_links = ["headline"]
    list_filter = ["state", "audiences", "source", CountryFilter]
    list_filter_sheet = True
    list_per_page = 50
    search_fields = ["headline", "hook", "slug", "source__name", "original_headline"]
    search_help_text = "Headline, hook, slug, source"
    ordering = ["-updated_at", "-id"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Story]:
        stories: QuerySet[Story] = super().get_queryset(request)  # type: ignore[misc]
        return stories.select_related("source").prefetch_related("audience_links__audience")

    @display(description="State", ordering="state", label=COLOURS)
    def state_badge(self, story: Story) -> str:
        return State(story.state).label

    @display(description="Source", ordering="source__name")
    def from_source(self, story: Story) -> SafeString:
        source = story.source
        return format_html(
            '{} {}<br><span class="desk-quiet">{}</span>',
            source.flag,
            source.name,
            source.country_name or "country unknown",
        )

    @display(description="Audiences")
    def audience_chips(self, story: Story) -> SafeString:
        labels = [(link.audience.label,) for link in story.audience_links.all()]
        return format_html_join("", '<span class="desk-chip">{}</span>', labels)

    @display(description="Age", ordering="published_at")
    def age(self, story: Story) -> SafeString:
        badge = wording.FRESHNESS_BADGES[freshness(story.published_at, now=timezone.now())]
        old = f"{timesince(story.published_at, depth=1)} old" if story.published_at else "unknown"
        note = ", dated in the future" if story.published_in_future else ""
        return format_html('{}<br><span class="desk-quiet">{}{}</span>', badge, old, note)

    @display(description="Changed", ordering="updated_at")
    def changed(self, story: Story) -> SafeString:
        return format_html(
            '<time datetime="{}" title="{} UTC">{} ago</time>',
            story.updated_at.isoformat(),
            f"{story.updated_at:%d %B %Y, %H:%M}",
            timesince(story.updated_at, depth=1),
        )

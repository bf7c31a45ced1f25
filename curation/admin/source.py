from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from unfold.admin import ModelAdmin
from unfold.decorators import display

from curation.models import Source


@admin.register(Source)
class SourceAdmin(ModelAdmin):
    list_display = ["name", "where", "home_url", "story_count"]
    search_fields = ["name", "home_url"]
    fields = ["name", "country", "home_url"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Source]:
        return super().get_queryset(request).annotate(story_total=Count("stories"))

    @display(description="Country", ordering="country")
    def where(self, source: Source) -> str:
        return f"{source.flag} {source.country_name}" if source.country else "unknown"

    @display(description="Stories", ordering="story_total")
    def story_count(self, source: Source) -> int:
        return source.story_total  # type: ignore[attr-defined]

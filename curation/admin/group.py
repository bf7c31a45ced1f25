from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from unfold.admin import ModelAdmin
from unfold.decorators import display

from curation.models import Group


@admin.register(Group)
class GroupAdmin(ModelAdmin):
    """Stories that tell one event."""

    list_display = ["name", "story_count"]
    search_fields = ["name"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Group]:
        return super().get_queryset(request).annotate(story_total=Count("stories"))

    @display(description="Stories", ordering="story_total")
    def story_count(self, group: Group) -> int:
        return group.story_total  # type: ignore[attr-defined]

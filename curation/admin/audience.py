from django.contrib import admin
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from curation.models import Audience


@admin.register(Audience)
class AudienceAdmin(ModelAdmin):
    """Who should care. The code is written into segments and stories, so it stays once given."""

    list_display = ["label", "code", "position"]
    ordering_field = "position"
    search_fields = ["code", "label"]
    fields = ["code", "label", "position"]

    def get_readonly_fields(self, request: HttpRequest, obj: Audience | None = None) -> list[str]:
        return ["code"] if obj else []

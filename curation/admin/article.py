from django.contrib import admin
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from curation.models import Article


@admin.register(Article)
class ArticleAdmin(ModelAdmin):
    """Stored source texts. A text is written once: evidence quotes it by place, so it must never move."""

    list_display = ["title", "source", "kind", "language", "collected_at"]
    list_filter = ["kind", "source", "language"]
    list_select_related = ["source"]
    search_fields = ["title", "source__name", "text_hash", "url"]
    autocomplete_fields = ["source"]
    fields = ["source", "kind", "title", "url", "language", "collected_at", "text", "text_hash"]

    def get_readonly_fields(self, request: HttpRequest, obj: Article | None = None) -> list[str]:
        return ["text_hash", "text", "source"] if obj else ["text_hash"]

    def get_fields(self, request: HttpRequest, obj: Article | None = None) -> list[str]:
        return self.fields if obj else [name for name in self.fields if name != "text_hash"]

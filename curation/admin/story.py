from typing import Any

from django.contrib import admin, messages
from django.db import transaction
from django.forms import Form, ModelForm
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from simple_history.admin import SimpleHistoryAdmin
from unfold.admin import ModelAdmin

from curation.admin.story_form import StoryForm
from curation.admin.story_list import StoryList
from curation.admin.story_moves import StoryMoves
from curation.admin.story_parts import PARTS
from curation.models import Claim, ComparisonTable, Story
from curation.models.claim import Origin
from curation.models.story import State
from curation.review import changes
from curation.storyfile.content import changed
from curation.storyfile.write import content_of

TABS = {
    "general": "Story",
    "tldr": "TL;DR",
    "insight": "Deep insight",
    "timeline": "Timeline & related",
    "evidence": "Evidence",
    "making": "How this was made",
}
AI_GENERATED = "deep_insight.ai_generated"  # follows from who wrote the parts, so nobody writes it


@admin.register(Story)
class StoryAdmin(StoryMoves, StoryList, SimpleHistoryAdmin, ModelAdmin):
    """A story with all its parts in tabs. Saving records who wrote what; the state moves by its buttons only."""

    form = StoryForm
    inlines = PARTS
    change_form_template = "admin/curation/story/change_form.html"
    autocomplete_fields = ["source", "group", "articles"]
    prepopulated_fields = {"slug": ["headline"]}
    warn_unsaved_form = True
    show_full_result_count = False

    fieldsets = [
        (
            "Words",
            {"classes": ["general"], "fields": ["opened_version", "headline", "hook", "what_to_do_next", "slug"]},
        ),
        (
            "Origin",
            {
                "classes": ["general"],
                "fields": ["source", "original_url", "original_headline", "articles", "group"],
            },
        ),
        (
            "Times (UTC)",
            {
                "classes": ["general"],
                "fields": ["published_at", "published_estimated", "collected_at", "stated_minutes"],
            },
        ),
        ("Comparison", {"classes": ["insight"], "fields": ["comparison"]}),
    ]

    def get_fieldsets(self, request: HttpRequest, obj: Story | None = None) -> Any:
        note = ("Correction", {"classes": ["general"], "fields": ["correction_note"]})
        return (
            [note, *self.fieldsets] if _was_read(obj) and self.has_change_permission(request, obj) else self.fieldsets
        )

    def get_readonly_fields(self, request: HttpRequest, obj: Story | None = None) -> list[str]:
        return ["slug"] if obj and obj.is_public else []  # its page's address has been given out

    def get_prepopulated_fields(self, request: HttpRequest, obj: Story | None = None) -> Any:
        return {} if obj else self.prepopulated_fields

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        withdrawn = isinstance(obj, Story) and obj.state == State.WITHDRAWN  # what stands there is final
        return not withdrawn and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        shown = isinstance(obj, Story) and (obj.is_public or obj.state == State.WITHDRAWN)
        return not shown and super().has_delete_permission(request, obj)

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        actions = super().get_actions(request)
        actions.pop("delete_selected", None)  # it would not look at each story's state
        return actions

    def view_on_site(self, story: Story) -> str:
        return story.get_absolute_url()

    # --- The form and its tabs

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        if request.method != "POST" or object_id is None or not object_id.isdecimal():
            return super().changeform_view(request, object_id, form_url, extra_context)
        with transaction.atomic():  # locked before it is read, so that nobody's move or text is written over
            Story.objects.select_for_update().filter(pk=object_id).first()
            return super().changeform_view(request, object_id, form_url, extra_context)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, obj: Story | None = None, **kwargs: Any
    ) -> HttpResponse:
        context["desk_tabs"] = _tabs(context, has_story=obj is not None)
        context["desk_first_wrong"] = next((tab["slug"] for tab in context["desk_tabs"] if tab["errors"]), "")
        if obj is not None:
            claims = obj.claims.prefetch_related("evidence__article__source")
            context["desk_claims"] = [claim for kind in Claim.Kind.values for claim in claims if claim.kind == kind]
            context["desk_may_quote"] = {
                verb: obj.state != State.WITHDRAWN and request.user.has_perm(f"curation.{verb}_evidence")
                for verb in ("add", "change", "delete")
            }
            context["desk_moves"] = obj.moves.select_related("actor")
            context["desk_provenance"] = obj.provenance.select_related("editor").order_by("-at", "-id")[:200]
        return super().render_change_form(request, context, *args, obj=obj, **kwargs)

    # --- Saving

    def save_model(self, request: HttpRequest, obj: Story, form: Form, change: Any) -> None:
        form.before = content_of(obj) if change else None  # type: ignore[attr-defined]
        if not change or set(form.changed_data) - {"comparison", "articles", "correction_note"}:
            super().save_model(request, obj, form, change)

    def save_related(self, request: HttpRequest, form: ModelForm, formsets: Any, change: Any) -> None:
        super().save_related(request, form, formsets, change)
        story = form.instance
        _save_comparison(story, form)
        after, before = content_of(story), form.before  # type: ignore[attr-defined]
        fields = [field for field, value in after.items() if value is not None] if before is None else []
        fields = fields or (changed(before, after) if before else [])
        fields += [name for name in ("slug", "group") if before and name in form.changed_data]
        note = form.cleaned_data.get("correction_note", "")
        if set(fields) - {AI_GENERATED}:
            self._record(request, story, fields, note=note)
        elif note:
            messages.warning(request, "Nothing was changed, so the note was not kept.")

    def _record(self, request: HttpRequest, story: Story, fields: list[str], *, note: str) -> None:
        written = [
            changes.Change(field, Origin.EDITOR, "Written at the desk.") for field in fields if field != AI_GENERATED
        ]
        reason = note or f"Changed after approval: {', '.join(fields)}."
        moved = changes.record(story, written, actor=request.user, now=timezone.now(), reason=reason)  # type: ignore[arg-type]
        if moved == State.IN_REVIEW:
            messages.warning(request, "The story was approved. Its words changed, so it went back to review.")
        elif moved == State.CORRECTED:
            messages.info(request, "The correction is shown on the story's page.")
        elif note:
            messages.warning(request, "No words of the story were changed, so the note was not kept.")


def _was_read(story: Story | None) -> bool:
    return story is not None and story.state in (State.PUBLISHED, State.CORRECTED)


def _save_comparison(story: Story, form: ModelForm) -> None:
    if "comparison" not in form.changed_data:
        return
    wanted = form.cleaned_data["comparison"]
    table = ComparisonTable.objects.filter(story=story).first()
    if wanted is None:
        if table:
            table.delete()
        return
    table = table or ComparisonTable(story=story)
    table.corner, table.columns, table.rows = wanted["corner"], wanted["columns"], wanted["rows"]
    table.origin = Origin.EDITOR
    table.save()


def _tabs(context: dict[str, Any], *, has_story: bool) -> list[dict[str, Any]]:
    """The tabs with their fieldsets, lists and number of errors."""
    adminform, formsets = context["adminform"], context["inline_admin_formsets"]
    errors = adminform.form.errors
    tabs = []
    for slug, title in TABS.items():
        fieldsets = [each for each in adminform if slug in each.classes]
        parts = [each for each in formsets if each.opts.tab_name == slug]
        names = [name for each in fieldsets for line in each.fields for name in _names(line)]
        wrong = sum(name in errors for name in names)
        wrong += sum(each.formset.total_error_count() for each in parts if each.formset.is_bound)
        if fieldsets or parts or has_story:
            tabs.append({"slug": slug, "title": title, "fieldsets": fieldsets, "parts": parts, "errors": wrong})
    return tabs


def _names(line: Any) -> list[str]:
    return [line] if isinstance(line, str) else list(line)

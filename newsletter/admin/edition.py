from typing import Any
from zoneinfo import ZoneInfo

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from unfold.admin import ModelAdmin
from unfold.decorators import display

from newsletter.admin import edition_verbs, matrix, picker, preview, schedule, words
from newsletter.admin.edition_form import EditionForm
from newsletter.admin.edition_item import EditionItemInline
from newsletter.admin.edition_status import status_of
from newsletter.editions import compose
from newsletter.models import Edition


@admin.register(Edition)
class EditionAdmin(ModelAdmin):
    """The compose page: words, stories in order, who sees what, and the verbs that move an edition on."""

    form = EditionForm
    inlines = [EditionItemInline]
    list_display = ["subject", "newsletter", "status", "leaves", "stories"]
    list_filter = ["state", "newsletter"]
    search_fields = ["subject", "slug"]
    list_select_related = ["newsletter"]
    prepopulated_fields = {"slug": ["subject"]}
    warn_unsaved_form = True
    fieldsets = [
        (None, {"fields": ["subject", "preheader"]}),
        ("Introduction and hour", {"fields": ["intro", "slot"]}),
    ]
    add_fieldsets = [(None, {"fields": ["newsletter", "subject", "slug"]})]

    class Media:
        css = {"all": ["desk/compose.css"]}
        js = ["desk/compose.js"]

    # --- Who may -------------------------------------------------------------------------------------------------

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A locked edition is shown, not edited."""
        allowed = super().has_change_permission(request, obj)
        return allowed and not (isinstance(obj, Edition) and compose.is_locked(obj))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Drafts that nobody has scheduled; what was sent stays."""
        allowed = super().has_delete_permission(request, obj)
        return allowed and not (isinstance(obj, Edition) and (compose.is_locked(obj) or obj.campaigns.exists()))

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        return {}  # editions are handled one by one, on their own page

    def get_prepopulated_fields(self, request: HttpRequest, obj: Any = None) -> dict[str, Any]:
        return {} if obj else dict(self.prepopulated_fields)

    def get_inlines(self, request: HttpRequest, obj: Any) -> list[Any]:
        return list(self.inlines) if obj else []

    # --- The page ------------------------------------------------------------------------------------------------

    def get_urls(self) -> list[URLPattern]:
        own = [
            ("stories/", picker.stories_page, "stories"),
            ("preview/", preview.preview_page, "preview"),
            ("preview/frame/", preview.preview_frame, "preview_frame"),
            ("schedule/", schedule.schedule_page, "schedule"),
            ("<slug:verb>/act/", edition_verbs.act, "act"),
        ]
        return [
            path(
                f"<int:edition_id>/{tail}",
                self.admin_site.admin_view(self._page(view)),
                name=f"newsletter_edition_{name}",
            )
            for tail, view, name in own
        ] + super().get_urls()

    def _page(self, view: Any) -> Any:
        return lambda request, **kwargs: view(self, request, **kwargs)

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Moments on this page, read or typed, are on the newsletter's clocks."""
        edition = self.get_object(request, object_id) if object_id else None
        if edition is None:
            return super().changeform_view(request, object_id, form_url, extra_context)
        if request.method == "POST" and (refusal := compose.lock_reason(edition)):
            messages.error(request, f"Nothing was saved. {refusal}")
            return HttpResponseRedirect(reverse("admin:newsletter_edition_change", args=[edition.pk]))
        now = timezone.now()
        context = {"status": status_of(edition, now=now), "matrix": matrix.matrix(edition), **(extra_context or {})}
        context["may_send"] = request.user.has_perm("newsletter.send_edition")
        context["may_change"] = request.user.has_perm("newsletter.change_edition")
        with timezone.override(ZoneInfo(edition.newsletter.zone)):
            response = super().changeform_view(request, object_id, form_url, context)
            return response.render() if isinstance(response, TemplateResponse) else response

    def get_view_on_site_url(self, obj: Any = None) -> str | None:
        """Its page in the archive, which stands only once it has left."""
        return super().get_view_on_site_url(obj) if obj is not None and obj.sent_at else None

    def save_model(self, request: HttpRequest, obj: Edition, form: Any, change: bool) -> None:
        if change:
            obj.version += 1  # the form has taken its turn: the row is held, and nobody else has this number
        super().save_model(request, obj, form, change)

    # --- The list ------------------------------------------------------------------------------------------------

    @display(description="status", label={"Draft": "warning", "Approved": "info", "Sent": "success"})
    def status(self, edition: Edition) -> str:
        return "Sent" if edition.sent_at else edition.get_state_display()

    @display(description="planned for", ordering="slot")
    def leaves(self, edition: Edition) -> str:
        if edition.slot is None:
            return "when somebody sends it"
        return words.slot(edition.slot, zone=edition.newsletter.zone, now=timezone.now())

    @display(description="stories")
    def stories(self, edition: Edition) -> int:
        return edition.items.count()

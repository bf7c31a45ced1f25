"""The quotes that carry a story's claims: opened from the story's Evidence tab, and coming back to it."""

from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from unfold.admin import ModelAdmin
from unfold.widgets import UnfoldAdminTextareaWidget

from curation.admin.fields import count_characters
from curation.models import Article, Claim, Evidence, Story
from curation.models.claim import Origin
from curation.models.story import State
from curation.review import changes


class EvidenceForm(forms.ModelForm):
    """A quote is typed; its place in the article's text is found."""

    story: ClassVar[Story]  # set for each request

    class Meta:
        model = Evidence
        fields = ["claim", "article", "quote"]
        widgets = {"quote": UnfoldAdminTextareaWidget(attrs={"rows": 4})}
        help_texts = {
            "article": "The source texts joined to the story, under Story, Articles.",
            "quote": "Word for word as it stands in the article's text.",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fields: dict[str, Any] = self.fields
        if not fields:
            return  # somebody who may only look
        fields["claim"].queryset = self.story.claims.order_by("kind", "position", "id")
        fields["claim"].label_from_instance = _labelled
        fields["article"].queryset = self.story.articles.select_related("source")
        for name in ("claim", "article"):
            widget = fields[name].widget
            widget.can_add_related = widget.can_change_related = widget.can_delete_related = False
        count_characters(fields["quote"], 400)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        claim, article, quote = (cleaned.get(name) for name in ("claim", "article", "quote"))
        if not (claim and article and quote):
            return cleaned
        quote = next((each for each in (quote, quote.replace("\r\n", "\n")) if each in article.text), None)
        if quote is None:
            self.add_error("quote", f"These words do not stand in “{article}”. Copy them from its text.")
            return cleaned
        start = self._start(article, quote)
        place = {"start": start, "end": start + len(quote)}
        twins = Evidence.objects.filter(claim=claim, article=article, **place).exclude(pk=self.instance.pk)
        if twins.exists():  # nobody adds one in between: the story is locked
            self.add_error("quote", "This claim has this quote already.")
        for name, value in {**place, "text_hash": article.text_hash}.items():
            setattr(self.instance, name, value)
        return cleaned | {"quote": quote}

    def _start(self, article: Article, quote: str) -> int:
        """Where the quote stands first; a quote that stays what it was stays where it was."""
        kept = self.instance
        if kept.pk and kept.article_id == article.pk and article.text[kept.start : kept.end] == quote:
            return kept.start
        return article.text.index(quote)


@admin.register(Evidence)
class EvidenceAdmin(ModelAdmin):
    form = EvidenceForm
    warn_unsaved_form = True

    def has_module_permission(self, request: HttpRequest) -> bool:
        return False  # it has no list of its own: quotes are read where their claims stand

    def has_change_permission(self, request: HttpRequest, obj: Evidence | None = None) -> bool:
        return _stands_open(obj) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Evidence | None = None) -> bool:
        return _stands_open(obj) and super().has_delete_permission(request, obj)

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:curation_story_changelist"))

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        extra = {**(extra_context or {}), "show_save_and_add_another": False, "show_save_and_continue": False}
        with transaction.atomic():  # locked before it is read, as where the story's words are saved
            if request.method == "POST":
                Story.objects.select_for_update().filter(pk=_story_id(request, object_id)).first()
            if object_id is None:
                story = Story.objects.filter(pk=_story_id(request, object_id)).first()
                if story is None:
                    messages.error(request, "Open a story and add the quote there, under Evidence.")
                    return self.changelist_view(request)
                if story.state == State.WITHDRAWN:
                    raise PermissionDenied
            return super().changeform_view(request, object_id, form_url, extra)

    def get_form(self, request: HttpRequest, obj: Evidence | None = None, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, **kwargs)
        form.story = obj.claim.story if obj else Story.objects.get(pk=_story_id(request, None))
        return form

    # --- Saving

    def save_model(self, request: HttpRequest, obj: Evidence, form: Any, change: bool) -> None:
        if change and not form.changed_data:
            return
        super().save_model(request, obj, form, change)
        _record(request, obj.claim.story, "A quote was changed." if change else "A quote was added.")

    def delete_model(self, request: HttpRequest, obj: Evidence) -> None:
        story = Story.objects.select_for_update().get(pk=obj.claim.story_id)
        super().delete_model(request, obj)
        _record(request, story, "A quote was removed.")

    def response_post_save_add(self, request: HttpRequest, obj: Evidence) -> HttpResponse:
        return _back(obj.claim.story_id)

    def response_post_save_change(self, request: HttpRequest, obj: Evidence) -> HttpResponse:
        return _back(obj.claim.story_id)

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        story = _story_id(request, object_id)  # not to be found any more when the quote is gone
        response = super().delete_view(request, object_id, extra_context)
        return _back(story) if story and response.status_code == 302 else response


def _labelled(claim: Claim) -> str:
    return f"{claim.get_kind_display().capitalize()}: {claim}"


def _stands_open(evidence: Evidence | None) -> bool:
    return evidence is None or evidence.claim.story.state != State.WITHDRAWN


def _story_id(request: HttpRequest, object_id: str | None) -> int:
    """The story that a quote belongs to, or is to be added to; 0 when there is none."""
    if object_id is None:
        named = request.GET.get("story", "")
        return int(named) if named.isdecimal() and len(named) < 19 else 0
    if not object_id.isdecimal() or len(object_id) > 18:
        return 0
    return Evidence.objects.filter(pk=object_id).values_list("claim__story", flat=True).first() or 0


def _record(request: HttpRequest, story: Story, what: str) -> None:
    written = [changes.Change("citations", Origin.EDITOR, what)]
    changes.record(story, written, actor=request.user, now=timezone.now(), reason=what)  # type: ignore[arg-type]


def _back(story: int) -> HttpResponse:
    return HttpResponseRedirect(reverse("admin:curation_story_change", args=[story]) + "#evidence")

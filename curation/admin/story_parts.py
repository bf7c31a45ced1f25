"""The lists inside a story's form: claims by kind, audiences, the timeline, related updates."""

from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.db import models
from django.http import HttpRequest
from django.utils import timezone
from unfold.admin import TabularInline
from unfold.forms import PaginationInlineFormSet

from curation.admin.fields import count_characters, small_text
from curation.models import Claim, RelatedStory, StoryAudience, TimelineEvent
from curation.models.claim import AUDIENCE_FORM_LIMIT, LEAD_LIMITS, LIMITS, MOST
from curation.models.insight import order_problems


class OrderedForm(forms.ModelForm):
    """A row of an ordered list. A new row has no position yet: it goes to the end."""

    fixed: ClassVar[tuple[str, ...]] = ()  # what a row is about; to change it, delete the row and add another

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["position"].required = False
        for name in self.fixed:
            self.fields[name].disabled = self.instance.pk is not None
        if self.instance.pk is None:
            self.initial["position"] = None

    @property
    def changed_data(self) -> list[str]:
        """Sorting numbers every row of the page, so a number alone does not make an empty row a new one."""
        changed = super().changed_data
        return [] if self.instance.pk is None and changed == ["position"] else changed


class OrderedFormSet(PaginationInlineFormSet):
    def clean(self) -> None:
        super().clean()
        for number, form in enumerate(self.kept()):
            if form.cleaned_data.get("position") is None:
                form.instance.position = form.cleaned_data["position"] = 1000 + number

    def kept(self) -> list[Any]:
        """The rows that will stand after saving and are valid, in their order."""
        rows = [form for form in self.forms if form.is_valid() and (form.instance.pk or form.has_changed())]
        rows = [form for form in rows if form not in self.deleted_forms]
        return sorted(rows, key=lambda form: 9999 if (at := form.cleaned_data.get("position")) is None else at)

    def refuse_twins(self, field: str, what: str) -> None:
        values = [form.cleaned_data.get(field) for form in self.kept()]
        if twins := {str(value) for value in values if value is not None and values.count(value) > 1}:
            raise ValidationError(f"{', '.join(sorted(twins))}: {what}")

    def save_existing(self, form: Any, obj: Any, commit: bool = True) -> Any:
        if hasattr(obj, "origin") and set(form.changed_data) - {"position"}:
            form.instance.origin = Claim.Origin.EDITOR  # its words are the editor's now
        return super().save_existing(form, obj, commit)


class StoryPart(TabularInline):
    """A list in one of the desk's tabs."""

    tab_name: ClassVar[str]
    template = "admin/curation/story/part.html"
    formset = OrderedFormSet
    form = OrderedForm
    ordering_field = "position"
    hide_ordering_field = True
    hide_title = True
    extra = 0


class ClaimFormSet(OrderedFormSet):
    kind: str

    @classmethod
    def get_default_prefix(cls) -> str:
        return cls.kind

    def clean(self) -> None:
        super().clean()
        most = MOST.get(self.kind)
        if most is not None and len(self.kept()) > most:
            raise ValidationError(f"There are {len(self.kept())}; {most} at most. Delete what weighs least.")

    def save_new(self, form: Any, commit: bool = True) -> Any:
        form.instance.kind = self.kind
        return super().save_new(form, commit)


def _formset_of(kind: str, base: type[ClaimFormSet]) -> type[OrderedFormSet]:
    """The formset of one kind: the lists of claims stand in one form, so each needs names of its own."""
    return type("FormSet", (base,), {"kind": kind})


class ClaimPart(StoryPart):
    """The claims of one kind; each kind is a subclass."""

    model = Claim
    kind: ClassVar[str]
    fields: Any = ("text", "position")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.formset = _formset_of(self.kind, ClaimFormSet)
        self.max_num = MOST.get(self.kind)

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        return super().get_queryset(request).filter(kind=self.kind)

    def formfield_for_dbfield(self, db_field: models.Field, request: HttpRequest, **kwargs: Any) -> Any:
        limits = {"text": LIMITS[self.kind], "lead": LEAD_LIMITS.get(self.kind)}
        limit = limits.get(db_field.name)
        if limit is None:
            return super().formfield_for_dbfield(db_field, request, **kwargs)
        kwargs |= {"max_length": limit, "widget": small_text()}
        if db_field.name == "lead":
            kwargs |= {"required": True, "label": self.lead_label}
        return count_characters(super().formfield_for_dbfield(db_field, request, **kwargs), limit)

    lead_label = ""


class WhatChanged(ClaimPart):
    tab_name, kind = "tldr", Claim.Kind.WHAT_CHANGED
    verbose_name, verbose_name_plural = "what changed", "What changed (1 to 3)"


class WhyForm(OrderedForm):
    fixed = ("audience",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["text"].widget.attrs["data-limit-audience"] = str(AUDIENCE_FORM_LIMIT)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        text = cleaned.get("text", "")
        if cleaned.get("audience") and len(text) > AUDIENCE_FORM_LIMIT:
            self.add_error(
                "text", f"This has {len(text)} characters; an audience's own form has {AUDIENCE_FORM_LIMIT}."
            )
        return cleaned


class WhyFormSet(ClaimFormSet):
    def clean(self) -> None:
        super().clean()
        self.refuse_twins("audience", "an audience has one form of its own; put both into one row.")
        if sum(form.cleaned_data.get("audience") is None for form in self.kept()) > 1:
            raise ValidationError("Two rows are for everyone; keep one, and give the other an audience.")


class WhyItMatters(ClaimPart):
    tab_name, kind = "tldr", Claim.Kind.WHY_IT_MATTERS
    form = WhyForm
    fields = ("audience", "text", "position")
    verbose_name = "why it matters"
    verbose_name_plural = "Why it matters (for everyone 260, for an audience 140 characters)"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.formset = _formset_of(self.kind, WhyFormSet)

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        field = super().formfield_for_foreignkey(db_field, request, **kwargs)
        if field is not None and db_field.name == "audience":
            field.empty_label = "everyone"
        return field


class Takeaways(ClaimPart):
    tab_name, kind = "insight", Claim.Kind.TAKEAWAY
    verbose_name, verbose_name_plural = "takeaway", "Key takeaways (up to 5)"


class Technical(ClaimPart):
    tab_name, kind, lead_label = "insight", Claim.Kind.TECHNICAL, "Term"
    fields = ("lead", "text", "position")
    verbose_name, verbose_name_plural = "technical point", "Technical deep dive (up to 5)"


class Implications(ClaimPart):
    tab_name, kind, lead_label = "insight", Claim.Kind.IMPLICATION, "Prediction"
    fields = ("lead", "text", "position")
    verbose_name, verbose_name_plural = "prediction", "Future implications (up to 3; the text is the rationale)"


class AudienceForm(OrderedForm):
    fixed = ("audience",)


class AudienceFormSet(OrderedFormSet):
    def clean(self) -> None:
        super().clean()
        self.refuse_twins("audience", "is chosen twice.")


class Audiences(StoryPart):
    tab_name = "tldr"
    model = StoryAudience
    form, formset = AudienceForm, AudienceFormSet
    fields = ("audience", "position")
    max_num = 3
    verbose_name, verbose_name_plural = "audience", "Who should care (1 to 3, the first matters most)"


class TimelineFormSet(OrderedFormSet):
    def clean(self) -> None:
        super().clean()
        collected = self.instance.collected_at or timezone.now()
        rows = self.kept()
        dates = [(n, f.cleaned_data["date"], f.cleaned_data["planned"]) for n, f in enumerate(rows)]
        for number, reason in order_problems(dates, until=collected.date()):
            rows[number].add_error("date", f"{reason[0].upper()}{reason[1:]}.")


class Timeline(StoryPart):
    tab_name = "timeline"
    model = TimelineEvent
    formset = TimelineFormSet
    fields = ("date", "text", "planned", "position")
    max_num = 8
    verbose_name, verbose_name_plural = "event", "Timeline (up to 8, in the order of time)"

    def formfield_for_dbfield(self, db_field: models.Field, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name != "text":
            return super().formfield_for_dbfield(db_field, request, **kwargs)
        return count_characters(super().formfield_for_dbfield(db_field, request, widget=small_text()), 140)


class RelatedForm(OrderedForm):
    fixed = ("related",)


class RelatedFormSet(OrderedFormSet):
    def clean(self) -> None:
        super().clean()
        self.refuse_twins("related", "is listed twice.")
        for form in self.kept():
            if form.cleaned_data.get("related") == self.instance:
                form.add_error("related", "A story is not an update of itself.")


class Related(StoryPart):
    tab_name = "timeline"
    model = RelatedStory
    fk_name = "story"
    form, formset = RelatedForm, RelatedFormSet
    fields = ("related", "position")
    autocomplete_fields = ("related",)
    max_num = 5
    verbose_name, verbose_name_plural = "related update", "Related updates (up to 5)"


PARTS: tuple[type[StoryPart], ...] = (
    Audiences, WhatChanged, WhyItMatters, Takeaways, Technical, Implications, Timeline, Related
)  # fmt: skip

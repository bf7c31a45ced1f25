from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.forms.fields import InvalidJSONInput
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget

from curation import catalog
from newsletter.admin import words
from newsletter.audience import segments
from newsletter.models import Segment

SAMPLE = 5
EXAMPLE = '{"field": "audience", "op": "in", "value": ["researchers"]}'


class RuleField(forms.JSONField):
    """JSON that may be nested deeper than Python can read: that is a mistake in the form, and the input stays."""

    def to_python(self, value: Any) -> Any:
        try:
            rule = super().to_python(value)
            self.prepare_value(rule)  # what cannot be shown again is not taken either
        except RecursionError:
            raise ValidationError("The rule is nested too deeply. Make it flatter.", code="nested") from None
        return rule

    def bound_data(self, data: Any, initial: Any) -> Any:
        try:
            rule = super().bound_data(data, initial)
            self.prepare_value(rule)
        except RecursionError:
            return InvalidJSONInput(data)
        return rule


class SegmentForm(forms.ModelForm):
    audience = forms.ChoiceField(
        required=False,
        widget=UnfoldAdminSelectWidget,
        help_text="Whose stories come first in this segment's mail, and whose “why it matters” it reads.",
    )
    rule = RuleField(
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 8, "spellcheck": "false"}),
        help_text=f"Empty: everyone. Else a rule such as {EXAMPLE}, joined by “all”, “any” and “not”.",
        error_messages={"invalid": "This is no JSON: look for a missing quote, comma or bracket."},
    )

    class Meta:
        model = Segment
        fields = ["newsletter", "name", "slug", "audience", "rule", "position"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "audience" in self.fields:
            self.fields["audience"].choices = [("", "a general reader"), *catalog.audiences()]  # type: ignore[attr-defined]

    def clean_rule(self) -> Any:
        rule = self.cleaned_data["rule"]
        rule = {} if rule is None else rule
        if problems := segments.check(rule):
            raise ValidationError(problems)
        return rule


@admin.register(Segment)
class SegmentAdmin(ModelAdmin):
    """Groups of readers. The first one that matches a reader, by position, decides what they get."""

    form = SegmentForm
    list_display = ["name", "newsletter", "audience", "who", "readers", "position"]
    list_filter = ["newsletter"]
    search_fields = ["name", "slug"]
    list_select_related = ["newsletter"]
    prepopulated_fields = {"slug": ["name"]}
    readonly_fields = ["who", "readers", "sample"]
    fieldsets = [
        (None, {"fields": ["newsletter", "name", "slug", "audience", "position"]}),
        ("Who belongs to it", {"fields": ["rule", "who", "readers", "sample"]}),
    ]

    @admin.display(description="in words")
    def who(self, segment: Segment) -> str:
        try:
            return segments.in_words(segment.rule)
        except segments.BadRule as bad:
            return " ".join(bad.problems)

    @admin.display(description="readers now")
    def readers(self, segment: Segment) -> str:
        """Readers in several segments are counted in each; in a campaign only the first has them."""
        if segment.pk is None:
            return "Save the segment to count its readers."
        try:
            return words.count(segments.members(segment).count(), "reader")
        except segments.BadRule:
            return "cannot be counted: the rule is not sound"

    @admin.display(description="for example")
    def sample(self, segment: Segment) -> SafeString | str:
        if segment.pk is None:
            return ""
        try:
            some = list(segments.members(segment).select_related("subscriber")[:SAMPLE])
        except segments.BadRule:
            return ""
        names = format_html_join("", "<li>{}</li>", ((reader.subscriber.email,) for reader in some))
        return format_html('<ul class="compose-list">{}</ul>', names) if some else "nobody yet"

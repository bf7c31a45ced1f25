from datetime import UTC
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from unfold.widgets import UnfoldAdminTextareaWidget

from curation.admin.fields import GridField, count_characters, grid_text, small_text
from curation.models import Provenance, Story
from curation.models.story import State

LIMITS = {"headline": 90, "hook": 120, "what_to_do_next": 140, "original_headline": 300}


class StoryForm(forms.ModelForm):
    """The desk's form of a story. It holds the version it was opened with, so that a later editor is told."""

    opened_version = forms.IntegerField(widget=forms.HiddenInput, required=False)
    comparison = GridField(
        label="Comparison",
        help_text=(
            "2 to 4 columns, the subject first; 1 to 6 rows; 60 characters a cell; empty means no comparison. "
            "As text: one line a row, cells parted by “ | ”, the first line holds the corner and the columns."
        ),
    )
    correction_note = forms.CharField(
        max_length=500,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
        help_text="Readers have seen this story. Say what you corrected and why; the note is shown on its page.",
    )

    class Meta:
        model = Story
        fields = [
            "slug", "headline", "hook", "what_to_do_next", "source", "group", "articles", "original_url",
            "original_headline", "published_at", "published_estimated", "collected_at", "stated_minutes",
        ]  # fmt: skip
        widgets = {name: small_text(1) for name in ("headline", "hook", "what_to_do_next")}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["opened_version"].initial = self.instance.version
        self.fields["comparison"].initial = grid_text(getattr(self.instance, "table", None))
        if self.instance.state not in (State.PUBLISHED, State.CORRECTED):
            del self.fields["correction_note"]
        else:
            count_characters(self.fields["correction_note"], 500)
        for name, limit in LIMITS.items():
            if name in self.fields:
                count_characters(self.fields[name], limit)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if self.instance.pk and cleaned.get("opened_version") != self.instance.version:
            raise ValidationError(self._clash(), code="version")
        return cleaned

    def _clash(self) -> str:
        """Who was here in the meantime. The instance was read under a lock, so its version is the newest."""
        last = Provenance.objects.filter(story=self.instance).select_related("editor").last()
        who = (last.editor.get_username() if last.editor else last.run) if last else ""
        at = (last.at if last else self.instance.updated_at).astimezone(UTC)
        return (
            f"{who or 'Somebody'} saved this story at {at:%H:%M on %d %B %Y} UTC (version {self.instance.version}). "
            "Your text is below and nothing of it is stored; copy what you need, then reload the page."
        )

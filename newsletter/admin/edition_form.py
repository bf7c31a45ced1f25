from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.datastructures import MultiValueDict

from newsletter.editions import compose
from newsletter.models import Edition

SUBJECT_ADVICE = 60  # about what a phone's inbox shows


class EditionForm(forms.ModelForm):
    """The words and the hour of an edition, as one editor read them: `seen_version` tells whether they still stand."""

    seen_version = forms.IntegerField(widget=forms.HiddenInput, required=False)

    class Meta:
        model = Edition
        fields = ["subject", "preheader", "intro", "slot"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["seen_version"].initial = self.instance.version
        self._count("subject", advice=SUBJECT_ADVICE)
        self._count("preheader", advice=100)
        self._count("intro", advice=None)
        if "intro" in self.fields:
            self.fields["intro"].widget.attrs["rows"] = 5
        if self.instance.pk and "slot" in self.fields:
            zone = self.instance.newsletter.zone
            self.fields["slot"].label = f"Planned for ({zone})"
            self.fields["slot"].help_text = f"As clocks show it in {zone}. Empty: only when somebody sends it."

    def clean_slot(self) -> Any:
        slot = self.cleaned_data.get("slot")
        twins = Edition.objects.filter(newsletter_id=self.instance.newsletter_id, slot=slot).exclude(
            pk=self.instance.pk
        )
        if slot and (twin := twins.first()):
            raise ValidationError(f"“{twin}” is planned for that moment: an hour has one edition. Choose another.")
        return slot

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        if self.instance.pk:
            self._take_turn()
        return cleaned

    def _take_turn(self) -> None:
        """The later of two editors is told and keeps the input; saving again then is a decision, not an accident."""
        try:
            compose.take_turn(self.instance.pk, version=self.cleaned_data.get("seen_version") or 0)
        except compose.VersionClash as clash:
            self.add_error(
                None, f"{clash} Open the edition in another tab to compare; saving again puts yours in place."
            )
            newest = Edition.objects.values_list("version", flat=True).get(pk=self.instance.pk)
            self.data = MultiValueDict({**dict(self.data.lists()), "seen_version": [str(newest)]})  # type: ignore[attr-defined]
        except compose.ComposeRefused as refused:
            self.add_error(None, str(refused))

    def _count(self, name: str, *, advice: int | None) -> None:
        if name in self.fields:
            attrs = self.fields[name].widget.attrs
            attrs["data-compose-count"] = str(self.instance._meta.get_field(name).max_length)
            if advice:
                attrs["data-compose-advice"] = str(advice)

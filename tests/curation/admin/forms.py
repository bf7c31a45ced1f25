"""What a browser would send: the form of a page, with changes."""

from html.parser import HTMLParser
from typing import Any

from django.test import Client


class _Form(HTMLParser):
    """Collects the fields of the story's form as a browser would send them."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.fields: dict[str, Any] = {}
        self._area = self._select = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        at = {name: value or "" for name, value in attrs}
        name = at.get("name", "")
        if "disabled" in at and tag != "option":
            return
        if tag == "textarea" and name:
            self._area = name
            self.fields[name] = ""
        elif tag == "select" and name:
            self._select = name
        elif tag == "option" and self._select and "selected" in at:
            self.fields.setdefault(self._select, []).append(at.get("value", ""))
        elif tag == "input" and name and at.get("type") not in ("submit", "button"):
            if at.get("type") in ("checkbox", "radio"):
                if "checked" in at:
                    self.fields[name] = at.get("value", "on")
            else:
                self.fields[name] = at.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            area = self.fields.get(self._area)
            if isinstance(area, str):
                self.fields[self._area] = area.removeprefix("\n")
            self._area = ""
        elif tag == "select":
            self._select = ""

    def handle_data(self, data: str) -> None:
        if self._area:
            self.fields[self._area] += data


def fields_of(html: str) -> dict[str, Any]:
    form = _Form()
    form.feed(html)
    return {name: value for name, value in form.fields.items() if "__prefix__" not in name}


def opened(client: Client, url: str) -> dict[str, Any]:
    """The form as it stands on the page."""
    page = client.get(url)
    assert page.status_code == 200, page
    return fields_of(page.content.decode())


def add_row(form: dict[str, Any], prefix: str, **values: Any) -> None:
    """Press "Add another" in a list and fill in the row."""
    number = int(form[f"{prefix}-TOTAL_FORMS"])
    form[f"{prefix}-TOTAL_FORMS"] = str(number + 1)
    form.update({f"{prefix}-{number}-{name}": value for name, value in values.items()})

"""A page as a reader or a machine takes it in: visible text, headings, addresses, structured data."""

import json
from html.parser import HTMLParser
from typing import Any


class Page(HTMLParser):
    """Parses a whole page; `text` is what stands in its body, white space folded."""

    def __init__(self, html: bytes | str) -> None:
        super().__init__(convert_charrefs=True)
        self.headings: list[tuple[int, str]] = []
        self.links: list[tuple[str, str, str]] = []  # (tag, rel, address)
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.json_ld = ""
        self._open: list[str] = []
        self._words: list[str] = []
        self.feed(html.decode() if isinstance(html, bytes) else html)
        self.text = " ".join("".join(self._words).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.tags.append((tag, values))
        if tag not in ("meta", "link", "input", "br", "rect", "path"):
            self._open.append(tag)
        if tag in ("h1", "h2", "h3", "h4", "h5", "h6"):
            self.headings.append((int(tag[1]), ""))
        for name in ("href", "src", "action"):
            if name in values:
                self.links.append((tag, values.get("rel", ""), values[name]))
        if tag in ("p", "li", "dt", "dd", "td", "th", "h1", "h2", "h3", "div", "section"):
            self._words.append(" ")

    def handle_endtag(self, tag: str) -> None:
        if tag in self._open:
            while self._open.pop() != tag:
                pass

    def handle_data(self, data: str) -> None:
        if "script" in self._open:
            self.json_ld += data
        elif "body" in self._open:
            self._words.append(data)
            for level in range(1, 7):
                if f"h{level}" in self._open:
                    self.headings[-1] = (level, (self.headings[-1][1] + data).strip())

    def data(self) -> dict[str, Any]:
        return json.loads(self.json_ld)

    def attributes(self, tag: str, **wanted: str) -> list[dict[str, str]]:
        return [values for name, values in self.tags if name == tag and wanted.items() <= values.items()]

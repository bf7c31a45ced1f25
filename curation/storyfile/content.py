"""A story's content as a flat set of fields, the same for a file read and a story written (pure).

The names are those of provenance rows. Two stories are equal when these are, and what changed is what differs here.
"""

from collections.abc import Callable, Mapping
from typing import Any

from curation.models.claim import Kind, Origin

Place = tuple[str, int | str | None]  # a claim's kind, and its number in the list or its audience

LISTS: dict[str, str] = {
    Kind.WHAT_CHANGED: "/tldr/what_changed",
    Kind.TAKEAWAY: "/deep_insight/key_takeaways/items",
    Kind.TECHNICAL: "/deep_insight/technical_deep_dive/items",
    Kind.IMPLICATION: "/deep_insight/future_implications/items",
}
WHY = "/tldr/why_it_matters"
WHY_FOR = "/tldr/why_it_matters_for"


def _codes(items: list[Mapping[str, Any]]) -> list[str]:
    return [item["code"] for item in items]


def _slugs(items: list[Mapping[str, Any]]) -> list[str]:
    return [item["slug"] for item in items]


def _table(table: Mapping[str, Any]) -> dict[str, Any]:
    return {"corner": table.get("corner", "Feature"), "columns": table["columns"], "rows": table["rows"]}


def _events(items: list[Mapping[str, Any]]) -> list[tuple[Any, ...]]:
    return [(item["date"], item["text"], bool(item.get("planned"))) for item in items]


def _articles(items: list[Mapping[str, Any]]) -> list[tuple[Any, ...]]:
    names = ("key", "kind", "title", "language", "text", "url")
    return [tuple(item.get(name) or "" for name in names) for item in items]


# Field as provenance names it -> where it stands in the file, how two of them compare, where its words come from.
FIELDS: dict[str, tuple[str, Callable[[Any], Any] | None, str]] = {
    "source.name": ("source.name", None, Origin.SOURCE),
    "source.country": ("source.country", None, Origin.SOURCE),
    "source.url": ("source.url", None, Origin.SOURCE),
    "original_url": ("original_url", None, Origin.SOURCE),
    "original_headline": ("original_headline", None, Origin.SOURCE),
    "published_at": ("published_at", None, Origin.SOURCE),
    "published_estimated": ("published_estimated", None, Origin.SOURCE),
    "collected_at": ("collected_at", None, Origin.COMPUTED),
    "collected": ("collected.minutes", None, Origin.COMPUTED),
    "headline": ("headline", None, ""),
    "hook": ("hook.text", None, ""),
    "tldr.what_changed": ("tldr.what_changed", None, ""),
    "tldr.why_it_matters": ("tldr.why_it_matters", None, ""),
    "tldr.why_it_matters_for": ("tldr.why_it_matters_for", None, ""),
    "tldr.what_to_do_next": ("tldr.what_to_do_next", None, ""),
    "tldr.who_should_care": ("tldr.who_should_care", _codes, ""),
    "deep_insight.ai_generated": ("deep_insight.ai_generated", None, Origin.COMPUTED),
    "deep_insight.key_takeaways": ("deep_insight.key_takeaways.items", None, ""),
    "deep_insight.competitor_analysis": ("deep_insight.competitor_analysis", _table, ""),
    "deep_insight.technical_deep_dive": ("deep_insight.technical_deep_dive.items", None, ""),
    "deep_insight.future_implications": ("deep_insight.future_implications.items", None, ""),
    "deep_insight.timeline": ("deep_insight.timeline.items", _events, ""),
    "citations": ("citations", None, Origin.SOURCE),
    "related_updates": ("related_updates.items", _slugs, ""),
    "articles": ("articles", _articles, Origin.SOURCE),
}


def content(data: Mapping[str, Any]) -> dict[str, Any]:
    """Every content field of a story file's data; what is absent, null or empty is None."""
    found = {}
    for field, (path, simplify, _) in FIELDS.items():
        value = _at(data, path)
        found[field] = simplify(value) if simplify and value is not None else value
    if found["published_at"]:
        found["collected"] = None  # computed from the moments, so it is no content of its own
    return found


def _at(data: Mapping[str, Any], path: str) -> Any:
    value: Any = data
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return None if value in ("", [], {}, None) or value is False else value


def changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """The fields that differ, in the file's order."""
    return [field for field in FIELDS if before[field] != after[field]]


_WORDS: dict[str, str] = {  # fields whose own names are no words for a reader
    "source.name": "source",
    "source.country": "the source's country",
    "source.url": "the source's address",
    "original_url": "original link",
    "published_at": "time of publication",
    "published_estimated": "time of publication",
    "collected_at": "time of collection",
    "collected": "time of collection",
    "tldr.why_it_matters_for": "why it matters",
    "deep_insight.ai_generated": "who drafted it",
    "citations": "evidence",
    "articles": "source texts",
}


def in_words(fields: list[str]) -> str:
    """The fields as a reader is told of them: headline, what changed."""
    return ", ".join(dict.fromkeys(_WORDS.get(field, field.split(".")[-1].replace("_", " ")) for field in fields))


def origin_of(field: str, *, machine: bool) -> str:
    """Where a field's words come from, when the file says whether a machine drafted it."""
    return FIELDS[field][2] or (Origin.MACHINE if machine else Origin.EDITOR)


def pointers(data: Any) -> dict[str, Place]:
    """The JSON pointer of every claim in the data -> its place, in the page's order. Bears damaged data."""
    found: dict[str, Place] = {}
    for kind, base in LISTS.items():
        items = _walk(data, base)
        numbers = range(len(items)) if isinstance(items, list) else range(0)
        found |= {f"{base}/{number}": (kind, number) for number in numbers}
        if kind == Kind.WHAT_CHANGED and isinstance(_walk(data, WHY), str):
            found[WHY] = (Kind.WHY_IT_MATTERS, None)
            forms = _walk(data, WHY_FOR)
            forms = forms if isinstance(forms, dict) else {}
            found |= {f"{WHY_FOR}/{code}": (Kind.WHY_IT_MATTERS, code) for code in forms}
    return found


def _walk(data: Any, pointer: str) -> Any:
    for name in pointer.strip("/").split("/"):
        data = data.get(name) if isinstance(data, dict) else None
    return data


def pointer(kind: str, place: int | str | None) -> str:
    """The JSON pointer of a claim."""
    if kind == Kind.WHY_IT_MATTERS:
        return WHY if place is None else f"{WHY_FOR}/{place}"
    return f"{LISTS[kind]}/{place}"

"""What the parts of a story file must be to each other: one check a function, all run, none stops another.

Each reads the raw data and bears it damaged: what has the wrong form is named by the shape, not here. Pure.
"""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django_countries.fields import Country

from curation.models.article import hash_text
from curation.models.insight import order_problems
from curation.storyfile.content import pointers

Problem = tuple[str, str]  # place, reason


@dataclass(frozen=True)
class Around:
    """What a file is checked against besides itself."""

    audiences: Collection[str]
    today: date


def problems(data: Any, around: Around) -> list[Problem]:
    """Everything that does not fit together, in the file's order."""
    return [problem for check in CHECKS for problem in check(data, around)]


def _flag(data: Any, _: Around) -> Iterator[Problem]:
    country, flag = _text(data, "source", "country"), _text(data, "source", "flag")
    if country and flag and flag != Country(country).unicode_flag:
        yield "source.flag", f"is not the flag of {country}; leave it out, it is derived from the country"


def _minutes(data: Any, _: Around) -> Iterator[Problem]:
    stated = _at(data, "collected", "minutes")
    published, collected = _moment(data, "published_at"), _moment(data, "collected_at")
    if not isinstance(stated, int) or published is None:
        return
    if collected is None:
        yield "collected.minutes", "needs collected_at beside published_at; give both moments, or neither"
        return
    counted = int((collected - published) / timedelta(minutes=1))
    if counted != stated or published > collected or _at(data, "published_estimated") is True:
        yield "collected.minutes", f"says {stated}, but the moments say {counted}; leave it out, it is computed"


def _audiences(data: Any, around: Around) -> Iterator[Problem]:
    allowed = ", ".join(around.audiences)
    codes = [code for _, item in _items(data, "tldr", "who_should_care") if (code := _text(item, "code"))]
    for number, code in enumerate(codes):
        if code not in around.audiences:
            yield f"tldr.who_should_care.{number}.code", f"“{code[:40]}” is not an audience; allowed: {allowed}"
        elif code in codes[:number]:
            yield f"tldr.who_should_care.{number}.code", f"“{code}” is named twice"
    forms = _at(data, "tldr", "why_it_matters_for")
    for code in forms if isinstance(forms, dict) else ():
        if code not in around.audiences:
            yield f"tldr.why_it_matters_for.{code[:40]}", f"is not an audience; allowed: {allowed}"


def _ragged_rows(data: Any, _: Around) -> Iterator[Problem]:
    table = ("deep_insight", "competitor_analysis")
    columns = _at(data, *table, "columns")
    for number, row in _items(data, *table, "rows"):
        cells = _at(row, "cells")
        if isinstance(columns, list) and isinstance(cells, list) and len(cells) != len(columns):
            reason = f"has {len(cells)} cells; there are {len(columns)} columns"
            yield f"deep_insight.competitor_analysis.rows.{number}.cells", reason


def _timeline(data: Any, around: Around) -> Iterator[Problem]:
    collected = _moment(data, "collected_at")
    until = collected.date() if collected else around.today
    events = [
        (number, _text(item, "date"), _at(item, "planned") is True)
        for number, item in _items(data, "deep_insight", "timeline", "items")
    ]
    for number, reason in order_problems(events, until=until):
        yield f"deep_insight.timeline.items.{number}.date", reason


def _related(data: Any, _: Around) -> Iterator[Problem]:
    seen = {_text(data, "slug"): "is this story itself"}
    for number, item in _items(data, "related_updates", "items"):
        if (slug := _text(item, "slug")) and slug in seen:
            yield f"related_updates.items.{number}.slug", f"“{slug}” {seen[slug]}"
        seen.setdefault(slug, "is named twice")


def _articles(data: Any, _: Around) -> Iterator[Problem]:
    keys: set[str] = set()
    texts: dict[str, str] = {}
    for number, item in _items(data, "articles"):
        key, text = _text(item, "key"), _text(item, "text")
        if key and key in keys:
            yield f"articles.{number}.key", f"“{key[:80]}” is given to two articles"
        if text and text in texts:
            yield f"articles.{number}.text", f"is the same as that of “{texts[text][:80]}”; store a text once"
        keys.add(key)
        texts.setdefault(text, key)


def _citations(data: Any, _: Around) -> Iterator[Problem]:
    claims = pointers(data)
    texts = {_text(item, "key"): _text(item, "text") for _, item in _items(data, "articles")}
    seen: set[tuple[Any, ...]] = set()
    for number, item in _items(data, "citations"):
        where = f"citations.{number}"
        claim, source = _text(item, "claim"), _text(item, "source")
        if claim and claim not in claims:
            yield f"{where}.claim", f"“{claim[:80]}” leads to no claim of this story"
        if source in texts:
            yield from _quote(where, item, texts[source])
        elif source:
            known = ", ".join(filter(None, texts)) or "none"
            yield f"{where}.source", f"“{source[:80]}” is not the key of an article here; known: {known[:200]}"
        once = (claim, source, repr(_at(item, "start")), repr(_at(item, "end")))
        if once in seen:
            yield where, "stands twice; cite a span once for a claim"
        seen.add(once)


def _quote(where: str, item: Any, text: str) -> Iterator[Problem]:
    quote, start, end = _text(item, "quote"), _at(item, "start"), _at(item, "end")
    if quote and isinstance(start, int) and isinstance(end, int) and not 0 <= start < end:
        yield f"{where}.end", f"must lie after start; start is {start}, end {end}"
    elif quote and isinstance(start, int) and isinstance(end, int) and text[start:end] != quote:
        at = text.find(quote)
        cure = f"it stands at {at}:{at + len(quote)}" if at >= 0 else "it stands nowhere in the article"
        yield f"{where}.quote", f"does not stand at {start}:{end} of the article; {cure}"
    stated = _text(item, "text_hash")
    if stated and stated != hash_text(text):
        yield f"{where}.text_hash", f"is not that of the article's text, which is {hash_text(text)}"


CHECKS: tuple[Callable[[Any, Around], Iterator[Problem]], ...] = (
    _flag,
    _minutes,
    _audiences,
    _ragged_rows,
    _timeline,
    _citations,
    _related,
    _articles,
)


def _at(data: Any, *path: str) -> Any:
    for name in path:
        data = data.get(name) if isinstance(data, dict) else None
    return data


def _text(data: Any, *path: str) -> str:
    """The text there; empty when it is something else, which the shape reports."""
    value = _at(data, *path)
    return value if isinstance(value, str) else ""


def _items(data: Any, *path: str) -> list[tuple[int, Any]]:
    value = _at(data, *path)
    return list(enumerate(value)) if isinstance(value, list) else []


def _moment(data: Any, name: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(_text(data, name))
        return moment.astimezone(UTC) if moment.tzinfo else None
    except (ValueError, OverflowError):
        return None

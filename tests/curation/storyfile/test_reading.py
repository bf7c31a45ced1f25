"""A bad file is refused with every problem at once, each with its place and its cure."""

import json
from datetime import date
from typing import Any

import pytest

from curation.storyfile import StoryFileError, read
from tests.curation.samples import bytes_of, changed, full, seed

pytestmark = pytest.mark.django_db
TODAY = date(2026, 11, 19)


def problems(data: Any) -> list[str]:
    with pytest.raises(StoryFileError) as error:
        read(data if isinstance(data, bytes | str) else bytes_of(data), today=TODAY)
    return error.value.problems


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        ("headlin", "x", "headlin: unknown field; known here: schema, slug, status, source"),
        ("tldr.what", "x", "tldr.what: unknown field; known here: what_changed, why_it_matters,"),
        ("deep_insight.timeline.items.0.who", "x", "items.0.who: unknown field; known here: date, text, planned"),
        ("headline", "x" * 91, "headline: has 91 characters; 90 at most"),
        ("headline", "  ", "headline: is empty"),
        ("headline", 7, "headline: must be text"),
        ("headline", "Two\nlines", "headline: holds U+000A at 3; keep it on one line, without control characters"),
        ("hook.text", "a\u0085b", "hook.text: holds U+0085 at 1"),
        ("hook.text", "a\u202eb", "hook.text: holds U+202E at 1"),
        ("hook", "text", "hook: must be an object"),
        ("tldr.what_changed", [], "tldr.what_changed: has 0 entries; 1 at least"),
        ("tldr.what_changed", ["x"] * 4, "tldr.what_changed: has 4 entries; 3 at most"),
        ("tldr.what_changed.1", "x" * 141, "tldr.what_changed.1: has 141 characters; 140 at most"),
        ("tldr.why_it_matters", "x" * 261, "tldr.why_it_matters: has 261 characters; 260 at most"),
        ("tldr.why_it_matters_for.researchers", "x" * 141, "researchers: has 141 characters; 140 at most"),
        ("tldr.why_it_matters_for.bakers", "x", "tldr.why_it_matters_for.bakers: is not an audience; allowed: res"),
        ("tldr.who_should_care.0.code", "bakers", "who_should_care.0.code: “bakers” is not an audience; allowed:"),
        ("tldr.who_should_care.0.code", "researchers", "who_should_care.1.code: “researchers” is named twice"),
        ("deep_insight.key_takeaways.items.0", "x" * 241, "items.0: has 241 characters; 240 at most"),
        ("deep_insight.technical_deep_dive.items.0.term", "x" * 41, "term: has 41 characters; 40 at most"),
        ("deep_insight.future_implications.items.0.prediction", "x" * 141, "has 141 characters; 140 at most"),
        ("deep_insight.competitor_analysis.rows.0.cells", ["a"], "rows.0.cells: has 1 cells; there are 2 columns"),
        ("deep_insight.competitor_analysis.rows.0.cells.0", "x" * 61, "cells.0: has 61 characters; 60 at most"),
        ("deep_insight.competitor_analysis.columns", ["a"], "columns: has 1 entries; 2 at least"),
        ("deep_insight.timeline.items.0.date", "2026-12", "items.0.date: 2026-12 lies after 2026-11-16; mark it as"),
        ("deep_insight.timeline.items.1.date", "2024-12", "items.1.date: 2024-12 stands after 2025; put the events"),
        ("deep_insight.timeline.items.1.date", "2026-02-30", "items.1.date: “2026-02-30” is not in the calendar"),
        ("deep_insight.timeline.items.1.date", "May 2026", "“May 2026” is not a date; write YYYY, YYYY-MM or"),
        ("deep_insight.timeline.items.1.text", "x" * 141, "items.1.text: has 141 characters; 140 at most"),
        ("deep_insight.ai_generated", "yes", "deep_insight.ai_generated: must be true or false"),
        ("source.country", "UK", "source.country: “UK” is not a country of ISO 3166"),
        ("source.flag", "🇩🇪", "source.flag: is not the flag of FR"),
        ("source.url", "javascript:alert(1)", "source.url: “javascript:alert(1)” is not an http or https address"),
        ("original_url", "ftp://example.org/x", "original_url: “ftp://example.org/x” is not an http or https address"),
        ("original_url", "https://example.org/" + "x" * 500, "original_url: has 520 characters; 500 at most"),
        ("published_at", "2026-11-16T08:00:00", "published_at: “2026-11-16T08:00:00” has no offset from UTC"),
        ("published_at", "yesterday", "published_at: “yesterday” is not a moment"),
        ("collected_at", 1_700_000_000, "collected_at: “1700000000” is not a moment"),
        ("collected_at", "0001-01-01T00:00:00+14:00", "collected_at: “0001-01-01T00:00:00+14:00” lies outside"),
        ("collected", {"minutes": 80}, "collected.minutes: says 80, but the moments say 81"),
        ("collected", {"minutes": -1}, "collected.minutes: input should be greater than or equal to 0"),
        ("status", "done", "status: must be one of 'new', 'grouped'"),
        ("slug", "Not A Slug", "slug: string should match pattern"),
        ("schema", "story/2", "schema: must be one of 'story/1'"),
        ("related_updates.items", [{"slug": "laboratory-opens-model"}], "slug: “laboratory-opens-model” is this story"),
        ("related_updates.items", [{"slug": "a"}, {"slug": "a"}], "related_updates.items.1.slug: “a” is named twice"),
        ("articles.1.key", "article-1", "articles.1.key: “article-1” is given to two articles"),
        ("articles.0.text", "a\x00b", "articles.0.text: holds U+0000 at 1; control characters are not allowed"),
        ("citations.0.claim", "/tldr/what_changed/9", "citations.0.claim: “/tldr/what_changed/9” leads to no claim"),
        ("citations.0.claim", "/headline", "citations.0.claim: “/headline” leads to no claim of this story"),
        ("citations.0.source", "article-9", "“article-9” is not the key of an article here; known: article-1, note-1"),
        ("citations.0.start", 20, "citations.0.quote: does not stand at 20:45 of the article; it stands at 19:45"),
        ("citations.0.quote", "never said", "it stands nowhere in the article"),
        ("citations.0.end", 3, "citations.0.end: must lie after start; start is 19, end 3"),
        ("citations.0.text_hash", "0" * 64, "citations.0.text_hash: is not that of the article's text, which is"),
    ],
)  # fmt: skip
def test_names_the_place_and_the_reason(path: str, value: Any, told: str) -> None:
    found = problems(changed(full(), path, value))
    assert any(told in problem for problem in found), found


def test_tells_all_problems_at_once() -> None:
    data = full()
    for path, value in (("headline", ""), ("source.country", "XX"), ("tldr.who_should_care.0.code", "bakers")):
        changed(data, path, value)
    changed(data, "deep_insight.competitor_analysis.rows.0.cells", ["a", "b", "c"])
    changed(data, "citations.0.start", 1)
    assert {problem.split(":")[0] for problem in problems(data)} == {
        "headline",
        "source.country",
        "tldr.who_should_care.0.code",
        "deep_insight.competitor_analysis.rows.0.cells",
        "citations.0.quote",
    }


def test_names_what_is_missing() -> None:
    assert problems({"schema": "story/1"}) == [
        f"{name}: is missing" for name in ("slug", "source", "headline", "hook", "tldr")
    ]


@pytest.mark.parametrize("damage", [None, [], "text", 7, {"tldr": []}, {"tldr": {"who_should_care": [1, {"code": 2}]}}])
def test_bears_data_of_any_form(damage: Any) -> None:
    assert problems(damage)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (b'{"slug": "a",\n "slug": "b"}', "line 1, column 2: the key “slug” stands twice"),
        (b'{"a": 1,\n "b": {"c": 1, "c": 2}}', "line 2, column 8: the key “c” stands twice"),
        (b'{"a": 1,\n\n "b": NaN}', "line 3, column 7: NaN is not JSON"),
        (b'{"a": [1, -Infinity]}', "line 1, column 11: -Infinity is not JSON"),
        (b'{"a": 1,\n "b" 2}', "line 2, column 6: Expecting ':' delimiter"),
        (b"", "line 1, column 1: Expecting value"),
        (b'{"a": "\xff"}', "line 1: byte 7 is not UTF-8"),
        (b"[" * 100_000, "file: is nested too deeply"),
        (b'{"a":\n ' + b"9" * 5000 + b"}", "line 2: a number has too many digits"),
        (b'{"a": "tab\there"}', "line 1, column 11: Invalid control character"),
        (b" " * 1_000_001, "file: has 1,000,001 bytes; a story file has 1,000,000 at most"),
    ],
)
def test_names_the_line_of_broken_json(text: bytes, told: str) -> None:
    (problem,) = problems(text)
    assert problem.startswith(told)


def test_refuses_half_characters_in_values_and_keys() -> None:
    data = bytes_of(full()).decode()
    for text, told in (
        (data.replace("Laboratory opens its model", "Half \\ud83d of it"), "this text holds half a character"),
        (data.replace("https://wire.example.org/model", "https://e.org/\\udc00"), "this text holds half a character"),
        (data.replace('"hook"', '"hook\\ud83d"'), "a key of the object that begins here holds half a character"),
    ):
        (problem,) = problems(text)
        assert told in problem


def test_takes_a_byte_order_mark_and_icons_and_titles() -> None:
    assert read(b"\xef\xbb\xbf" + bytes_of(seed())).headline == "Xiaomi Launches $2.2B AI Talent Program"


def test_an_event_to_come_is_taken_when_it_is_marked_as_planned() -> None:
    data = changed(full(), "deep_insight.timeline.items.2.planned", False)
    assert "2027-03-01 lies after 2026-11-16" in problems(data)[0]
    assert read(bytes_of(full())).deep_insight.timeline.items[2].planned


def test_without_a_moment_of_collection_today_is_the_limit() -> None:
    data = full()
    del data["collected_at"], data["published_at"]
    changed(data, "deep_insight.timeline.items.1.date", "2026-11-20")
    assert "lies after 2026-11-19" in problems(data)[0]
    assert read(bytes_of(data), today=date(2026, 11, 20))


def test_dates_of_unlike_precision_are_compared_as_far_as_both_go() -> None:
    data = full()
    dates = ["2024", "2024-03", "2024", "2025-01-01"]
    data["deep_insight"]["timeline"]["items"] = [{"date": date, "text": "x"} for date in dates]
    assert read(json.dumps(data))


def test_a_key_with_control_characters_is_told_without_them() -> None:
    data = full()
    data["\x1b[31mred\n"] = 1
    assert not any("\x1b" in problem or "\n" in problem for problem in problems(data))

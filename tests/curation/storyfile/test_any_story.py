"""Whatever a valid file holds survives being stored and written again."""

import string
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from curation.models import Article, Source, Story
from curation.models.article import hash_text
from curation.storyfile import Outcome, read, store, write
from tests.curation.samples import bytes_of
from tests.makers import NOW

pytestmark = pytest.mark.django_db
LETTERS = st.characters(
    exclude_categories=("Cc", "Cs"),
    exclude_characters="\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069",
)
CODES = ("researchers", "engineers", "founders", "investors", "product", "policy")


def line(limit: int) -> st.SearchStrategy[str]:
    return st.text(LETTERS, min_size=1, max_size=limit).filter(lambda text: bool(text.strip()))


def few(each: st.SearchStrategy[Any], least: int, most: int) -> st.SearchStrategy[list[Any]]:
    return st.lists(each, min_size=least, max_size=most)


moments = st.sampled_from(["2026-11-16T08:00:00Z", "2026-11-16T10:30:00.250001+02:00", "2025-01-31T23:59:59-11:00"])
slugs = st.text(string.ascii_lowercase + string.digits + "-", min_size=1, max_size=80)


@st.composite
def tables(draw: st.DrawFn) -> dict[str, Any]:
    width = draw(st.integers(2, 4))
    row = st.fixed_dictionaries({"feature": line(60), "cells": few(line(60), width, width)})
    return {"corner": draw(line(20)), "columns": draw(few(line(60), width, width)), "rows": draw(few(row, 1, 6))}


@st.composite
def timelines(draw: st.DrawFn) -> dict[str, Any]:
    dates = st.sampled_from(["1956", "1997-05", "2016-03-09", "2022-11-30", "2024", "2031-01"])
    return {
        "items": [
            {"date": date, "text": draw(line(140)), **({"planned": True} if date > "2026" else {})}
            for date in sorted(draw(st.lists(dates, max_size=8)))
        ]
    }


@st.composite
def with_evidence(draw: st.DrawFn, data: dict[str, Any]) -> dict[str, Any]:
    texts = draw(st.lists(line(300), max_size=3, unique=True))
    kinds = [draw(st.sampled_from(["published", "desk_note"])) for _ in texts]
    data["articles"] = [
        {"key": f"k{number}", "kind": kind, "language": "en", "text": text}
        for number, (kind, text) in enumerate(zip(kinds, texts, strict=True))
    ]
    claims = ["/tldr/why_it_matters", *(f"/tldr/what_changed/{n}" for n in range(len(data["tldr"]["what_changed"])))]
    cited = {}
    for _ in range(draw(st.integers(0, 4)) if texts else 0):
        number = draw(st.integers(0, len(texts) - 1))
        text = texts[number]
        start = draw(st.integers(0, len(text) - 1))
        end = draw(st.integers(start + 1, len(text)))
        if text[start:end].strip():
            claim = draw(st.sampled_from(claims))
            cited[claim, number, start, end] = {
                "claim": claim, "source": f"k{number}", "quote": text[start:end], "start": start, "end": end,
                "text_hash": hash_text(text),
            }  # fmt: skip
    data["citations"] = list(cited.values())
    return data


@st.composite
def files(draw: st.DrawFn) -> dict[str, Any]:
    point = {"term": line(40), "explanation": line(240)}
    implication = {"prediction": line(140), "rationale": line(240)}
    insight = st.fixed_dictionaries(
        {"ai_generated": st.booleans()},
        optional={
            "key_takeaways": st.fixed_dictionaries({"items": few(line(240), 0, 5)}),
            "competitor_analysis": tables(),
            "technical_deep_dive": st.fixed_dictionaries({"items": few(st.fixed_dictionaries(point), 0, 5)}),
            "future_implications": st.fixed_dictionaries({"items": few(st.fixed_dictionaries(implication), 0, 3)}),
            "timeline": timelines(),
        },
    )
    tldr = st.fixed_dictionaries(
        {
            "what_changed": few(line(140), 1, 3),
            "why_it_matters": line(260),
            "who_should_care": st.lists(st.sampled_from(CODES), min_size=1, max_size=3, unique=True).map(
                lambda codes: [{"code": code} for code in codes]
            ),
        },
        optional={
            "why_it_matters_for": st.dictionaries(st.sampled_from(CODES), line(140), max_size=6),
            "what_to_do_next": line(140),
        },
    )
    data = draw(
        st.fixed_dictionaries(
            {
                "schema": st.just("story/1"),
                "slug": slugs,
                "status": st.sampled_from(["new", "drafted", "in_review", "approved", "published"]),
                "source": st.fixed_dictionaries(
                    {"name": line(80)}, optional={"country": st.sampled_from(["CN", "FR", "US"])}
                ),
                "headline": line(90),
                "hook": st.fixed_dictionaries({"text": line(120)}),
                "tldr": tldr,
            },
            optional={
                "original_url": st.just("https://example.org/a?b=c#d"),
                "original_headline": line(300),
                "published_estimated": st.booleans(),
                "deep_insight": insight,
            },
        )
    )
    known = draw(st.sampled_from(["both", "published", "collected", "stated", "none"]))
    if known in ("both", "published"):
        data["published_at"] = draw(moments)
    if known in ("both", "collected"):
        data["collected_at"] = "2026-11-18T00:00:00Z"
    if known in ("stated", "collected"):
        data["collected"] = {"minutes": draw(st.integers(0, 5000))}
    return draw(with_evidence(data))


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=files())
def test_survives_storing_and_writing(data: dict[str, Any]) -> None:
    for rows in (Story, Article, Source):  # a source known from an example before would lend this one its country
        rows.objects.all().delete()
    file = read(bytes_of(data))
    assert store(file, by="import_story", now=NOW) == Outcome.CREATED
    export = write(Story.objects.with_parts().get(slug=data["slug"]))
    again = read(bytes_of(export))
    assert again == file
    assert store(again, by="import_story", now=NOW) == Outcome.UNCHANGED

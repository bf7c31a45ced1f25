"""Story files for tests: the seed as it was given, and one that uses everything a file may hold."""

import copy
import json
from pathlib import Path
from typing import Any

from curation.models.article import hash_text

SEED = Path(__file__).parent.parent / "data" / "seed-story.json"
DEMO = Path(__file__).parents[2] / "curation" / "demo" / "stories"

TEXT = "Example Laboratory opened its model on Monday.\nThe weights weigh 14 GB, the licence is Apache 2.0."
NOTE = "The desk compared the model cards: both name the same evaluation."


def seed() -> dict[str, Any]:
    return json.loads(SEED.read_text())


def _citation(claim: str, key: str, text: str, quote: str) -> dict[str, Any]:
    start = text.index(quote)
    return {
        "claim": claim, "source": key, "quote": quote, "start": start, "end": start + len(quote),
        "text_hash": hash_text(text),
    }  # fmt: skip


_FULL: dict[str, Any] = {
    "schema": "story/1",
    "slug": "laboratory-opens-model",
    "status": "approved",
    "source": {"name": "Example Wire", "country": "FR", "url": "https://wire.example.org/"},
    "original_url": "https://wire.example.org/model",
    "original_headline": "Un laboratoire ouvre son modèle",
    "published_at": "2026-11-16T08:00:00Z",
    "collected_at": "2026-11-16T09:21:00Z",
    "headline": "Laboratory opens its model",
    "hook": {"text": "Weights and data are free for anybody"},
    "tldr": {
        "what_changed": ["The weights are public.", "The licence is Apache 2.0."],
        "why_it_matters": "Anybody can check what was claimed.",
        "why_it_matters_for": {"researchers": "Results can be repeated.", "engineers": "It runs on one card."},
        "what_to_do_next": "Read the model card.",
        "who_should_care": [{"code": "engineers"}, {"code": "researchers"}],
    },
    "deep_insight": {
        "ai_generated": True,
        "key_takeaways": {"items": ["The weights weigh 14 GB.", "The data is described, not given."]},
        "competitor_analysis": {
            "corner": "Point",
            "columns": ["Laboratory", "Rival | Co"],
            "rows": [{"feature": "Licence", "cells": ["Apache 2.0", "closed"]}],
        },
        "technical_deep_dive": {"items": [{"term": "Experts", "explanation": "Eight, of which two are active."}]},
        "future_implications": {
            "items": [{"prediction": "Others will follow.", "rationale": "The licence allows it."}]
        },
        "timeline": {
            "items": [
                {"date": "2025", "text": "The laboratory is founded."},
                {"date": "2026-11", "text": "The model is opened."},
                {"date": "2027-03-01", "text": "A larger one is due.", "planned": True},
            ]
        },
    },
    "citations": [
        _citation("/tldr/what_changed/0", "article-1", TEXT, "opened its model on Monday"),
        _citation("/tldr/why_it_matters", "note-1", NOTE, "both name the same evaluation"),
        _citation("/tldr/why_it_matters_for/engineers", "article-1", TEXT, "14 GB"),
        _citation("/deep_insight/key_takeaways/items/0", "article-1", TEXT, "The weights weigh 14 GB"),
        _citation("/deep_insight/future_implications/items/0", "article-1", TEXT, "Apache 2.0"),
    ],
    "related_updates": {"items": []},
    "articles": [
        {"key": "article-1", "kind": "published", "title": "Model", "language": "en", "text": TEXT,
         "url": "https://wire.example.org/model"},
        {"key": "note-1", "kind": "desk_note", "language": "en", "text": NOTE},
    ],
}  # fmt: skip


def full() -> dict[str, Any]:
    return copy.deepcopy(_FULL)


def changed(data: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """The data with the value at the dotted path; a number in the path is a place in a list."""
    *way, last = [int(name) if name.isdecimal() else name for name in path.split(".")]
    part: Any = data
    for name in way:
        part = part[name]
    part[last] = value
    return data


def bytes_of(data: Any) -> bytes:
    return json.dumps(data, ensure_ascii=False).encode()

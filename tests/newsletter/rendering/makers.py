"""Values for the rendering tests, made without a database."""

import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from django_countries import countries

from curation.catalog import Event, Point, StoryCopy, Table, Thresholds
from newsletter.editions.variants import Entry, Placed, arrange
from newsletter.rendering.context import Issue, Publication, Sight
from newsletter.rendering.slots import Slots

NOW = datetime(2026, 11, 19, 9, 0, tzinfo=UTC)  # a Thursday
SITE = "https://news.example.org"
DEMO = Path(__file__).parents[3] / "curation" / "demo" / "stories"
LABELS = {
    "researchers": "Researchers & Academics",
    "engineers": "Developers & Engineers",
    "founders": "Founders & Executives",
    "investors": "Investors & Analysts",
    "product": "Product & Design",
    "policy": "Policy & Legal",
}


def make_copy(number: int = 1, **fields: Any) -> StoryCopy:
    """A story with every part that a mail can show."""
    values: dict[str, Any] = {
        "id": number,
        "slug": f"story-{number}",
        "path": f"/stories/story-{number}/",
        "state": "approved",
        "headline": f"Laboratory number {number} opens its model",
        "hook": "Weights and data are free for anybody to use",
        "source": "Example Wire",
        "country": "FR",
        "country_name": "France",
        "flag": "🇫🇷",
        "original_url": f"https://wire.example.com/news/{number}",
        "published_at": NOW,
        "collected_at": NOW,
        "audiences": (("researchers", LABELS["researchers"]),),
        "what_changed": (f"Laboratory {number} published its weights.",),
        "why_it_matters": "Anybody can now check what was claimed.",
        "why_by_audience": (("researchers", "The result can be repeated on one machine."),),
        "what_to_do_next": "Read the model card before you build on it.",
        "takeaways": ("The licence allows commercial use.",),
        "table": None,
        "technical": (Point("Sparse attention", "Half of the layers look at a window only."),),
        "implications": (Point("Others will follow.", "Two have said so."),),
        "timeline": (Event("2026-11", "The model is announced.", planned=False),),
        "machine_made": True,
    }
    return StoryCopy(**{**values, **fields})


def make_full_copy(number: int) -> StoryCopy:
    """A story in which every field that a mail shows is as long as the content model allows."""
    return make_copy(
        number,
        headline=_long(f"Headline {number}", 90),
        hook=_long("The hook", 120),
        original_url=f"https://wire.example.com/{'path-' * 20}{number}",
        what_changed=(_long("It changed", 140),),
        why_it_matters=_long("It matters", 260),
        why_by_audience=(),
        what_to_do_next=_long("Read", 140),
        audiences=tuple(LABELS.items())[:3],
        takeaways=(_long("Take this", 240),),
        technical=(Point(_long("Term", 40), _long("It means", 240)),),
    )


def make_publication(**fields: Any) -> Publication:
    values: dict[str, Any] = {
        "name": "The Weekly Recap",
        "language": "en",
        "from_name": "The Desk",
        "from_email": "recap@example.org",
        "reply_to": "desk@example.org",
        "domain": "example.org",
        "list_id": "weekly-recap.example.org",
        "postal_address": "1 Example Street\n1000 Brussels, Belgium",
        "zone": "Europe/Brussels",
        "thresholds": Thresholds(),
    }
    return Publication(**{**values, **fields})


def make_issue(**fields: Any) -> Issue:
    values: dict[str, Any] = {
        "subject": "Open weights, closed doors: the week in AI",
        "preheader": "Two laboratories published, one regulator answered.",
        "intro": "A quiet week, and a useful one.\n\nThree stories deserve your coffee.",
        "web_url": f"{SITE}/archive/weekly-recap/2026-47/",
        "now": NOW,
    }
    return Issue(**{**values, **fields})


def make_sight(
    stories: Iterable[StoryCopy] = (), *, audience: str = "researchers", segment: str = "Researchers"
) -> Sight:
    """What the segment reads: the first three stories as leads."""
    stories = list(stories) or [make_copy(number) for number in (1, 2, 3, 4)]
    entries = [Entry(story, "lead" if index < 3 else "normal") for index, story in enumerate(stories)]
    return Sight(segment, audience, arrange(entries, audience=audience))


def make_slots(**fields: Any) -> Slots:
    values: dict[str, Any] = {
        "to_name": "Ada Lovelace",
        "to_email": "ada@example.org",
        "message_id": "1a2b3c.4d5e6f@example.org",
        "date": NOW,
        "leave_token": "leave-" + "L" * 42,
        "settings_token": "settings_" + "S" * 39,
    }
    return Slots(**{**values, **fields})


@cache
def demo_stories() -> tuple[StoryCopy, ...]:
    """The demo's stories as the door would give them."""
    files = sorted(DEMO.glob("*.json"))
    return tuple(_from_file(index + 1, json.loads(file.read_text())) for index, file in enumerate(files))


def as_form(placed: Placed, form: Any) -> Placed:
    return replace(placed, form=form)


def _from_file(number: int, data: dict[str, Any]) -> StoryCopy:
    tldr, insight, source = data["tldr"], data.get("deep_insight") or {}, data["source"]
    code = source.get("country") or ""
    table = insight.get("competitor_analysis")
    published = data.get("published_at")
    return make_copy(
        number,
        slug=data["slug"],
        path=f"/stories/{data['slug']}/",
        headline=data["headline"],
        hook=data["hook"]["text"],
        source=source["name"],
        country=code,
        country_name=str(countries.name(code)) if code else "",
        flag="".join(chr(0x1F1E6 + ord(letter) - ord("A")) for letter in code),
        original_url=data.get("original_url") or "",
        published_at=datetime.fromisoformat(published.replace("Z", "+00:00")) if published else None,
        audiences=tuple((each["code"], LABELS[each["code"]]) for each in tldr["who_should_care"]),
        what_changed=tuple(tldr["what_changed"]),
        why_it_matters=tldr["why_it_matters"],
        why_by_audience=tuple((tldr.get("why_it_matters_for") or {}).items()),
        what_to_do_next=tldr["what_to_do_next"],
        takeaways=tuple((insight.get("key_takeaways") or {}).get("items", ())),
        table=table
        and Table(
            table["corner"],
            tuple(table["columns"]),
            tuple((row["feature"], tuple(row["cells"])) for row in table["rows"]),
        ),
        technical=tuple(
            Point(each["term"], each["explanation"])
            for each in (insight.get("technical_deep_dive") or {}).get("items", ())
        ),
        implications=(),
        timeline=(),
        machine_made=bool(insight.get("ai_generated")),
    )


def _long(start: str, length: int) -> str:
    words = f"{start} with models, laboratories, regulators and readers in mind, measured again and again and reported"
    return (words + " in plain words" * 20)[: length - 1].rstrip() + "."

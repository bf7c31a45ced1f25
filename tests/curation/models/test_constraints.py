"""What the database itself refuses, on SQLite and PostgreSQL alike."""

from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import DatabaseError, transaction

from curation.models import Article, Claim, Evidence, RelatedStory, Source, StoryAudience
from curation.models.claim import LEAD_LIMITS, LIMITS
from curation.models.insight import table_problems
from curation.models.text import one_line, plain_text
from tests.makers import make_story

pytestmark = pytest.mark.django_db
KINDS = [kind for kind in Claim.Kind.values if kind != Claim.Kind.WHY_IT_MATTERS]


def refused(make: Any, **fields: Any) -> bool:
    try:
        with transaction.atomic():
            make(**fields)
    except DatabaseError:
        return True
    return False


@pytest.mark.parametrize("kind", KINDS)
def test_a_claim_has_the_length_of_its_kind_in_characters(kind: str) -> None:
    story = make_story()
    lead = "x" if kind in LEAD_LIMITS else ""
    fields: dict[str, Any] = {"story": story, "kind": kind, "lead": lead}
    assert not refused(Claim.objects.create, **fields, text="😀" * LIMITS[kind])
    assert refused(Claim.objects.create, **fields, text="😀" * (LIMITS[kind] + 1))
    assert refused(Claim.objects.create, **fields, text="")


@pytest.mark.parametrize("kind", KINDS)
def test_only_terms_and_predictions_have_a_lead(kind: str) -> None:
    fields: dict[str, Any] = {"story": make_story(), "kind": kind, "text": "x"}
    limit = LEAD_LIMITS.get(kind)
    assert refused(Claim.objects.create, **fields, lead="x" * (limit + 1 if limit else 1))
    assert refused(Claim.objects.create, **fields, lead="") == (limit is not None)


def test_a_claim_has_a_known_kind() -> None:
    assert refused(Claim.objects.create, story=make_story(), kind="rumour", text="x")


def test_an_audiences_own_form_is_short_single_and_of_why_it_matters() -> None:
    story = make_story(audiences=("engineers",))
    why: dict[str, Any] = {"story": story, "kind": Claim.Kind.WHY_IT_MATTERS}
    assert refused(Claim.objects.create, **why, audience_id="engineers", text="twice")
    assert refused(Claim.objects.create, **why, text="for everyone, twice")
    assert refused(Claim.objects.create, **why, audience_id="policy", text="x" * 141)
    assert not refused(Claim.objects.create, **why, audience_id="policy", text="x" * 140)
    takeaway: dict[str, Any] = {"story": story, "kind": Claim.Kind.TAKEAWAY, "text": "x"}
    assert refused(Claim.objects.create, **takeaway, audience_id="policy")


def test_a_story_has_a_headline_a_known_state_and_a_slug_of_its_own() -> None:
    story = make_story()
    assert refused(make_story, headline="")
    assert refused(make_story, state="lost")
    assert refused(make_story, slug=story.slug)


def test_links_are_made_once_and_never_to_itself() -> None:
    story, other = make_story(), make_story()
    RelatedStory.objects.create(story=story, related=other)
    assert refused(RelatedStory.objects.create, story=story, related=other)
    assert refused(RelatedStory.objects.create, story=story, related=story)
    assert refused(StoryAudience.objects.create, story=story, audience_id="researchers")


def test_evidence_is_a_span_cited_once() -> None:
    story = make_story()
    article = Article.objects.create(source=story.source, text="Some words.")
    span: dict[str, Any] = {
        "claim": story.claims.first(), "article": article, "quote": "Some", "start": 0, "end": 4,
        "text_hash": article.text_hash,
    }  # fmt: skip
    assert refused(Evidence.objects.create, **span | {"end": 0})
    Evidence.objects.create(**span)
    assert refused(Evidence.objects.create, **span)
    assert refused(Article.objects.create, source=story.source, text="Some words.")
    assert refused(Source.objects.create, name=story.source.name)


@pytest.mark.parametrize("sign", ["\x00", "\x1b", "\x7f", "\x85", "\x9f", "\u202e", "\u2066"])
def test_control_characters_are_refused_in_every_text(sign: str) -> None:
    for validator in (one_line, plain_text):
        with pytest.raises(ValidationError):
            validator(f"a{sign}b")


@pytest.mark.parametrize("sign", ["\n", "\r", "\t", "\u2028"])
def test_line_breaks_are_refused_on_one_line_only(sign: str) -> None:
    plain_text(f"a{sign}b")
    with pytest.raises(ValidationError):
        one_line(f"a{sign}b")
    one_line("Grüße, 日本語, العربية, 👩‍🔬")


@pytest.mark.parametrize(
    ("columns", "rows", "told"),
    [
        (["A"], [], "2 to 4 columns"),
        (["A", "B"], [], "1 to 6 rows"),
        ("AB", [], "2 to 4 columns"),
        (["A", "B"], [{"feature": "f", "cells": ["x"]}], "Row 1 has 1 cells; there are 2 columns."),
        (["A", "B"], [{"feature": "f"}], "Row 1 must have a feature and a list of cells."),
        (["A", " "], [{"feature": "f", "cells": ["x", "y"]}], "Heading has an empty cell"),
        (["A", "B"], [{"feature": "f", "cells": ["x", "y" * 61]}], "has 61 characters; a cell holds 60."),
        (["A", "B"], [{"feature": "f", "cells": ["x", "y\nz"]}], "line break or a control character"),
    ],
)
def test_a_comparison_that_does_not_hold_says_where(columns: Any, rows: Any, told: str) -> None:
    assert any(told in problem for problem in table_problems(columns, rows))

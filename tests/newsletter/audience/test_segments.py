"""Segments: rules as data, what they find, and what is refused."""

import json
from datetime import timedelta

import pytest
from django.db.models import Case, IntegerField, Value, When

from newsletter.audience import segments
from newsletter.audience.segments import BadRule
from newsletter.models import Interest, Segment, Subscription, Suppression
from tests.makers import NOW, make_newsletter, make_segment, make_subscriber

pytestmark = pytest.mark.django_db


def test(field, op, value):
    return {"field": field, "op": op, "value": value}


test.__test__ = False  # a maker of rules, not a test

RESEARCHERS = test("audience", "in", ["researchers"])
ENGINEERS = test("audience", "in", ["engineers"])
FRENCH = test("language", "is", "fr")


@pytest.fixture
def newsletter(db):
    """Ada: researcher and engineer, English. Béa: engineer, French. Cai: neither, German, nameless, long here."""
    newsletter = make_newsletter()
    people = {
        "ada": (("researchers", "engineers"), {"name": "Ada", "language": "en"}, {"depth": "deep"}, 0),
        "bea": (("engineers",), {"name": "Béa", "language": "fr"}, {"depth": "short", "origin": "import"}, 20),
        "cai": ((), {"name": "", "language": "de"}, {"depth": "hooks", "origin": "demo"}, 400),
    }
    for who, (interests, reader, tie, days) in people.items():
        subscriber = make_subscriber(newsletter, *interests, email=f"{who}@example.org", **reader)
        subscriber.subscriptions.update(confirmed_at=NOW - timedelta(days=days), **tie)
    return newsletter


def found(newsletter, rule):
    rows = Subscription.objects.filter(segments.condition(rule, now=NOW), newsletter=newsletter)
    names = [email.partition("@")[0] for email in rows.values_list("subscriber__email", flat=True)]
    assert len(names) == len(set(names))
    return " ".join(sorted(names))


@pytest.mark.parametrize(
    ("rule", "who"),
    [
        ({}, "ada bea cai"),
        (RESEARCHERS, "ada"),
        (test("audience", "in", ["researchers", "engineers"]), "ada bea"),
        (FRENCH, "bea"),
        (test("language", "in", ["fr", "de"]), "bea cai"),
        (test("joined", "before", "2026-11-01"), "bea cai"),
        (test("joined", "before", "2026-11-19"), "bea cai"),
        (test("joined", "before", "2026-11-20"), "ada bea cai"),
        (test("joined", "after", "2026-11-18"), "ada"),
        (test("joined", "after", "2026-11-19"), ""),
        (test("joined", "within_days", 1), "ada"),
        (test("joined", "within_days", 20), "ada bea"),
        (test("origin", "is", "import"), "bea"),
        (test("origin", "in", ["import", "demo"]), "bea cai"),
        (test("depth", "is", "hooks"), "cai"),
        (test("depth", "in", ["hooks", "short"]), "bea cai"),
        (test("named", "is", True), "ada bea"),
        (test("named", "is", False), "cai"),
        ({"not": RESEARCHERS}, "bea cai"),
        ({"not": {"not": RESEARCHERS}}, "ada"),
        ({"all": [ENGINEERS, FRENCH]}, "bea"),
        ({"all": [ENGINEERS, {"not": FRENCH}]}, "ada"),
        ({"any": [RESEARCHERS, FRENCH]}, "ada bea"),
        ({"any": [RESEARCHERS, {"all": [test("named", "is", False), {"not": ENGINEERS}]}]}, "ada cai"),
        ({"not": {"any": [RESEARCHERS, FRENCH]}}, "cai"),
        ({"all": [RESEARCHERS]}, "ada"),
        ({"any": [RESEARCHERS, RESEARCHERS, ENGINEERS]}, "ada bea"),
    ],
    ids=json.dumps,
)
def test_a_rule_finds(newsletter, rule, who):
    assert segments.check(rule) == []
    assert found(newsletter, rule) == who
    everyone = {"ada", "bea", "cai"}
    if rule:
        assert set(found(newsletter, {"not": rule}).split()) == everyone - set(who.split())


def test_one_who_has_not_joined_yet_is_on_the_other_side_of_every_date(newsletter):
    make_subscriber(newsletter, email="waiting@example.org", state="pending")
    rule = test("joined", "within_days", 36_500)
    assert "waiting" not in found(newsletter, rule)
    assert found(newsletter, {"not": rule}) == "waiting"


def test_members_are_those_who_may_be_mailed_each_once(newsletter):
    make_subscriber(newsletter, "researchers", email="waiting@example.org", state="pending")
    make_subscriber(newsletter, "researchers", email="gone@example.org", state="left")
    make_subscriber(newsletter, "researchers", email="bounced@example.org")
    make_subscriber(make_newsletter(), "researchers", email="elsewhere@example.org")
    Suppression.objects.create(address="bounced@example.org", reason="hard_bounce")
    segment = make_segment(newsletter, "researchers", rule={"any": [RESEARCHERS, ENGINEERS]})
    names = sorted(segments.members(segment, now=NOW).values_list("subscriber__email", flat=True))
    assert names == ["ada@example.org", "bea@example.org"]


def test_the_same_condition_serves_update_and_case(newsletter):
    rule = {"all": [ENGINEERS, {"not": FRENCH}]}
    condition = segments.condition(rule, now=NOW)
    assert Subscription.objects.filter(condition).update(origin="touched") == 1
    ranks = Case(
        When(condition, then=Value(1)),
        When(segments.condition({}), then=Value(2)),
        output_field=IntegerField(),
    )
    assert sorted(Subscription.objects.annotate(rank=ranks).values_list("rank", flat=True)) == [1, 2, 2]


def test_a_rule_asks_one_statement_without_a_join(newsletter, django_assert_num_queries):
    rule = {"any": [RESEARCHERS, FRENCH, test("joined", "within_days", 3)]}
    with django_assert_num_queries(1) as statements:
        list(Subscription.objects.filter(segments.condition(rule)))
    assert " JOIN " not in statements[0]["sql"]


def nested(depth):
    return {"not": nested(depth - 1)} if depth > 1 else RESEARCHERS


def bottomless():
    root = node = {}
    for _ in range(50_000):
        node["not"] = {}
        node = node["not"]
    return root


@pytest.mark.parametrize(
    ("rule", "place", "words"),
    [
        (None, "rule:", "None is no rule"),
        ([], "rule:", "[] is no rule"),
        ("1=1", "rule:", "'1=1' is no rule"),
        (0, "rule:", "0 is no rule"),
        (False, "rule:", "False is no rule"),
        ({"sql": "1=1"}, "rule:", "['sql']"),
        ({"all": []}, "rule.all:", "at least one"),
        ({"all": {}}, "rule.all:", "must be a list"),
        ({"any": [{}]}, "rule.any[0]:", "it has the keys []"),
        ({"all": [RESEARCHERS], "any": [FRENCH]}, "rule:", "['all', 'any']"),
        ({"not": [RESEARCHERS]}, "rule.not:", "is no rule"),
        ({"all": [RESEARCHERS, {"not": {"any": [FRENCH, 7]}}]}, "rule.all[1].not.any[1]:", "7 is no rule"),
        ({"field": "audience", "op": "in"}, "rule:", "['field', 'op']"),
        ({**FRENCH, "extra": 1}, "rule:", "'extra'"),
        (test("email", "is", "x"), "rule.field:", "'email' is no field"),
        (test("subscriber__email__regex", "is", ".*"), "rule.field:", "no field"),
        (test(["language"], "is", "x"), "rule.field:", "no field"),
        (test(None, "is", "x"), "rule.field:", "no field"),
        (test("language", "regex", ".*"), "rule.op:", "'regex' does not go with language; use is, in"),
        (test("language", {}, "x"), "rule.op:", "does not go"),
        (test("audience", "is", "researchers"), "rule.op:", "use in"),
        (test("audience", "in", "researchers"), "rule.value", "must be a list"),
        (test("audience", "in", []), "rule.value", "must be a list"),
        (test("audience", "in", ["x"] * 51), "rule.value", "must be a list"),
        (test("audience", "in", ["researchers", 5]), "rule.value[1]", "must be a text"),
        (test("audience", "in", ["researchers", "nobody"]), "rule.value:", "no audience 'nobody'"),
        ({"not": {"any": [test("audience", "in", ["x"])]}}, "rule.not.any[0].value:", "no audience 'x'"),
        (test("language", "is", ""), "rule.value", "1 to 40"),
        (test("language", "is", "x" * 41), "rule.value", "1 to 40"),
        (test("language", "is", "e\x00n"), "rule.value", "on one line"),
        (test("language", "is", "e\r\nn"), "rule.value", "on one line"),
        (test("language", "is", {"raw": "x"}), "rule.value", "must be a text"),
        (test("joined", "before", "yesterday"), "rule.value", "must be a day"),
        (test("joined", "before", "2026-02-30"), "rule.value", "must be a day"),
        (test("joined", "before", "20260219"), "rule.value", "must be a day"),
        (test("joined", "before", "9999-12-31"), "rule.value", "must be a day"),
        (test("joined", "before", "0001-01-01"), "rule.value", "must be a day"),
        (test("joined", "before", "٢٠٢٦-٠١-٠١"), "rule.value", "must be a day"),
        (test("joined", "before", 20260101), "rule.value", "must be a day"),
        (test("joined", "within_days", 0), "rule.value", "whole number"),
        (test("joined", "within_days", -1), "rule.value", "whole number"),
        (test("joined", "within_days", 10**30), "rule.value", "whole number"),
        (test("joined", "within_days", True), "rule.value", "whole number"),
        (test("joined", "within_days", 1.5), "rule.value", "whole number"),
        (test("joined", "within_days", "7"), "rule.value", "whole number"),
        (test("depth", "is", "abyss"), "rule.value", "hooks, short, deep"),
        (test("depth", "in", ["deep", "abyss"]), "rule.value[1]", "hooks, short, deep"),
        (test("depth", "in", [["deep"]]), "rule.value[0]", "must be a text"),
        (test("named", "is", 1), "rule.value", "true or false"),
        (nested(6), "rule.not.not.not.not.not:", "more than 5 deep"),
        (bottomless(), "rule.not.not.not.not.not:", "more than 5 deep"),
        ({"any": [RESEARCHERS] * 50}, "rule:", "more than 50 parts"),
        ({"any": [RESEARCHERS] * 100_000}, "rule:", "more than 50 parts"),
        ({"any": [{"any": [FRENCH] * 20}] * 3}, "rule:", "more than 50 parts"),
    ],
    ids=lambda value: value if isinstance(value, str) else "rule",
)
def test_a_rule_that_is_no_sound_data_is_refused_with_its_place(rule, place, words):
    problems = segments.check(rule)
    assert any(problem.startswith(place) and words in problem for problem in problems), problems
    assert all(len(problem) < 300 for problem in problems)


def test_the_largest_allowed_rules_work(newsletter):
    assert found(newsletter, nested(5)) == "ada"
    assert found(newsletter, {"any": [RESEARCHERS] * 49}) == "ada"


def test_every_fault_is_told_not_only_the_first():
    assert len(segments.check({"all": [test("x", "is", 1), test("named", "is", 1), test("depth", "no", 1)]})) == 3


@pytest.mark.parametrize("rule", [{"raw": "1=1"}, [], test("email", "is", "x"), nested(6)])
def test_a_bad_rule_reaches_no_database(newsletter, rule):
    with pytest.raises(BadRule) as refused:
        segments.condition(rule)
    assert refused.value.problems
    with pytest.raises(BadRule):
        segments.in_words(rule)


def test_what_looks_like_sql_is_only_a_text(newsletter):
    for text in ("fr' OR '1'='1", "fr; DROP TABLE x", "%", "_r", "{{ 7 }}"):
        assert found(newsletter, test("language", "is", text)) == ""


def test_an_audience_that_is_gone_matches_nobody_and_breaks_nothing(newsletter):
    subscription = Subscription.objects.first()
    Interest.objects.create(subscription=subscription, audience="retired")
    rule = test("audience", "in", ["retired-too"])
    assert segments.check(rule)
    assert found(newsletter, rule) == ""


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ({}, "everyone"),
        (RESEARCHERS, "readers who asked for Researchers & Academics"),
        (
            test("audience", "in", ["engineers", "founders"]),
            "readers who asked for Developers & Engineers or Founders & Executives",
        ),
        (test("joined", "within_days", 30), "readers who joined in the last 30 days"),
        (test("joined", "before", "2026-01-05"), "readers who joined before 5 January 2026"),
        (
            {"all": [FRENCH, {"not": RESEARCHERS}]},
            "readers who read in fr and are not those who asked for Researchers & Academics",
        ),
        (
            {"any": [{"all": [FRENCH, test("named", "is", False)]}, test("depth", "is", "short")]},
            "readers who (read in fr and gave no name), or chose the depth 30 seconds",
        ),
    ],
    ids=json.dumps,
)
def test_a_rule_can_be_read_aloud(rule, words):
    assert segments.in_words(rule) == words


def test_a_new_segment_names_everyone(newsletter):
    segment = Segment.objects.create(newsletter=newsletter, slug="all", name="All")
    assert segments.members(segment).count() == 3

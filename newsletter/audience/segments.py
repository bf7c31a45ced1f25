"""Segments: a saved rule that names a group of readers, as checked data and never as SQL or code.

A rule is a tree of JSON values:

    {}                                                     everyone
    {"all": [node, ...]}   {"any": [node, ...]}   {"not": node}
    {"field": "audience", "op": "in", "value": ["researchers"]}

The fields and their comparisons stand in segment_fields.py.
"""

import reprlib
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import reduce
from operator import and_, or_
from typing import Any

from django.db.models import Q, QuerySet
from django.utils import timezone

from curation import catalog
from newsletter.audience.segment_fields import FIELDS
from newsletter.models import Segment, Subscription

DEEPEST = 5
MOST_NODES = 50
_GROUPS = ("all", "any")
_brief = reprlib.Repr()
_brief.maxlevel, _brief.maxstring, _brief.maxother = 2, 60, 60
_FORMS = 'use {"all": [...]}, {"any": [...]}, {"not": {...}} or {"field": ..., "op": ..., "value": ...}'

Rule = Mapping[str, Any]


class BadRule(ValueError):
    """A rule that may not be used; `problems` are those of `check`."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("The segment's rule cannot be used. " + " ".join(problems))
        self.problems = problems


def check(rule: object) -> list[str]:
    """What is wrong with the rule, a sentence a fault, each beginning with its place in it; empty when it is sound.

    Reads the house's audiences, one query.
    """
    return _faults(rule) or list(_unknown_audiences(rule, dict(catalog.audiences()), "rule"))


def condition(rule: Rule, *, now: datetime | None = None) -> Q:
    """The rule as a condition over Subscription rows; `now` is what "the last 30 days" end at.

    No joins: rows never multiply, and the condition also serves UPDATE, INSERT ... SELECT and Case/When. An audience
    that the house no longer has matches nobody. Raises BadRule.
    """
    if problems := _faults(rule):
        raise BadRule(problems)
    # Not an empty Q(): When() refuses that one.
    return _find(rule, now or timezone.now()) if rule else Q(pk__isnull=False)


def members(segment: Segment, *, now: datetime | None = None) -> QuerySet[Subscription]:
    """The subscriptions that the rule names among those that may be mailed now, each once.

    A reader may belong to several segments; in a campaign the first one by position has them (sending/recipients.py).
    """
    return Subscription.objects.mailable(segment.newsletter).filter(condition(segment.rule, now=now))


def in_words(rule: Rule) -> str:
    """The rule as a phrase, such as "readers who asked for Researchers & Academics"; raises BadRule."""
    if problems := _faults(rule):
        raise BadRule(problems)
    return f"readers who {_say(rule, dict(catalog.audiences()))}" if rule else "everyone"


def _faults(rule: object) -> list[str]:
    """Faults of form. The size is looked at first, so that a hostile tree costs no more than a small one."""
    if rule == {} and isinstance(rule, dict):
        return []
    budget = [MOST_NODES]
    problems = list(_of_node(rule, "rule", 1, budget))
    if budget[0] < 0:
        return [f"rule: it has more than {MOST_NODES} parts. Make it shorter, or make two segments of it."]
    return problems


def _of_node(node: object, path: str, depth: int, budget: list[int]) -> Iterator[str]:
    budget[0] -= 1
    if budget[0] < 0:
        return
    if depth > DEEPEST:
        yield f"{path}: it is nested more than {DEEPEST} deep. Make it flatter."
    elif not isinstance(node, dict):
        yield f"{path}: {_seen(node)} is no rule; {_FORMS}."
    elif set(node) == {"field", "op", "value"}:
        yield from _of_test(node, path)
    elif set(node) == {"not"}:
        yield from _of_node(node["not"], f"{path}.not", depth + 1, budget)
    elif len(node) == 1 and set(node) <= set(_GROUPS):
        yield from _of_group(node, path, depth, budget)
    else:
        yield f"{path}: it has the keys {_seen(sorted(map(str, node)))}; {_FORMS}."


def _of_group(node: Rule, path: str, depth: int, budget: list[int]) -> Iterator[str]:
    ((kind, parts),) = node.items()
    if not isinstance(parts, list) or not parts:
        yield f"{path}.{kind}: it must be a list with at least one rule, not {_seen(parts)}."
        return
    for place, part in enumerate(parts[: MOST_NODES + 1]):
        yield from _of_node(part, f"{path}.{kind}[{place}]", depth + 1, budget)


def _of_test(node: Rule, path: str) -> Iterator[str]:
    field = FIELDS.get(node["field"]) if isinstance(node["field"], str) else None
    if field is None:
        yield f"{path}.field: {_seen(node['field'])} is no field; use {', '.join(FIELDS)}."
        return
    accept = field.accept.get(node["op"]) if isinstance(node["op"], str) else None
    if accept is None:
        yield f"{path}.op: {_seen(node['op'])} does not go with {node['field']}; use {', '.join(field.accept)}."
    elif wrong := accept(node["value"]):
        yield f"{path}.value{wrong}, not {_seen(node['value'])}."


def _unknown_audiences(node: Any, known: Mapping[str, str], path: str) -> Iterator[str]:
    for place, part in _parts(node):
        yield from _unknown_audiences(part, known, f"{path}.{place}")
    if node.get("field") == "audience":
        for code in node["value"]:
            if code not in known:
                yield f"{path}.value: there is no audience {_seen(code)}; use {', '.join(known)}."


def _parts(node: Rule) -> Iterator[tuple[str, Rule]]:
    for kind in _GROUPS:
        for place, part in enumerate(node.get(kind, [])):
            yield f"{kind}[{place}]", part
    if "not" in node:
        yield "not", node["not"]


def _find(node: Rule, now: datetime) -> Q:
    if "field" in node:
        return FIELDS[node["field"]].find(node["op"], node["value"], now)
    if "not" in node:
        return ~_find(node["not"], now)
    ((kind, parts),) = node.items()
    return reduce(and_ if kind == "all" else or_, [_find(part, now) for part in parts])


def _say(node: Rule, labels: Mapping[str, str]) -> str:
    if "field" in node:
        return FIELDS[node["field"]].words(node["op"], node["value"], labels)
    if "not" in node:
        return f"are not those who {_bracketed(node['not'], labels)}"
    ((kind, parts),) = node.items()
    return (" and " if kind == "all" else ", or ").join(_bracketed(part, labels) for part in parts)


def _bracketed(node: Rule, labels: Mapping[str, str]) -> str:
    said = _say(node, labels)
    return f"({said})" if len(node.get("all") or node.get("any") or []) > 1 else said


def _seen(value: object) -> str:
    """The value as it stood, short enough to be shown."""
    return _brief.repr(value)

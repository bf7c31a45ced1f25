"""Made-up readers by the hundred thousand, for trying large campaigns: at example.org, where nobody reads (RFC 2606).

Each is confirmed, has a name and language of some script or no name at all, and what the segment's rule asks for. Their
consents say that nobody was asked.
"""

import secrets
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import chain, combinations, islice, product
from typing import Any

from django.db import ProgrammingError, connection, transaction

from newsletter.audience import segments
from newsletter.models import Consent, Newsletter, Segment, Subscriber, Subscription

MEANS = "synthetic"  # also their origin, unless the rule asks for another
WORDING = "Synthetic reader: made up to try a large campaign, never asked."
MOST_AT_ONCE = 16**6  # what six hexadecimal digits number
MOST_TRIALS = 1_000
# One in eight without a name, one in four with one beyond ASCII.
PEOPLE = (
    ("", "en"),
    ("Ada Lindqvist", "sv"),
    ("陈宇", "zh"),
    ("Grace", "en"),
    ("Carlos Vega", "es"),
    ("Siobhán O'Neill", "en"),
    ("Kwame Mensah", "en"),
    ("Maria Rossi", "it"),
    ("", "en"),
    ("Daniel Kim", "en"),
    ("佐藤 遥", "ja"),
    ("Priya Raman", "en"),
    ("Ingrid Solberg", "nb"),
    ("ليلى حداد", "ar"),
    ("Pekka Virtanen", "fi"),
    ("Lucie Moreau", "fr"),
    ("", "fr"),
    ("Rohan Iyer", "en"),
    ("Дмитро Коваль", "uk"),
    ("Amara Okafor", "en"),
    ("Greta Olsen", "da"),
    ("Zoë Müller-Lüdenscheidt", "de"),
    ("Victor Hugo Salas", "es"),
    ("Aisha Bello", "en"),
    ("", "de"),
    ("Helena Costa", "pt"),
    ("นิรันดร์ สุขใจ", "th"),
    ("Ivan Horvat", "hr"),
    ("Claire Jansen", "nl"),
    ("יעל כהן", "he"),
    ("Farid Aziz", "en"),
    ("Meera Shah", "en"),
)


class CannotSynthesise(Exception):
    """No made-up reader would match the segment's rule; the message says what to do."""


@dataclass(frozen=True)
class Kind:
    """What the made-up readers have in common. `people` are the names and languages that they take in turn."""

    interests: tuple[str, ...]
    people: tuple[tuple[str, str], ...]
    depth: str
    origin: str
    confirmed_at: datetime


def make_readers(segment: Segment, count: int, *, now: datetime) -> int:
    """Add so many confirmed readers whom the segment's rule finds; gives how many. Each call adds others.

    An earlier segment may match them too and then wins them in a campaign. One transaction, which holds the
    newsletter's row. Raises segments.BadRule and CannotSynthesise.
    """
    if problems := segments.check(segment.rule):
        raise segments.BadRule(problems)
    if not 1 <= count <= MOST_AT_ONCE:
        raise CannotSynthesise(f"{count} readers cannot be made: give a number from 1 to {MOST_AT_ONCE}.")
    with transaction.atomic():
        Newsletter.objects.select_for_update().get(pk=segment.newsletter_id)
        kind = _fitting(segment, now=now)
        _trust_parents()
        _insert(kind, count, newsletter_id=segment.newsletter_id, now=now)
    return count


def _fitting(segment: Segment, *, now: datetime) -> Kind:
    """The first kind whose readers the rule finds, all of them; the database judges, on rows it forgets again."""
    for kind in islice(_kinds(segment.rule, now=now), MOST_TRIALS):
        trial = transaction.savepoint()
        made = _insert(kind, len(kind.people), newsletter_id=segment.newsletter_id, now=now)
        found = segments.members(segment, now=now).filter(subscriber__address__startswith=made).count()
        transaction.savepoint_rollback(trial)
        if found == len(kind.people):
            return kind
    raise CannotSynthesise(
        f"No made-up reader matches the rule of “{segment}” (readers who {segments.in_words(segment.rule)}): it may "
        "contradict itself. Name a segment with a simpler rule."
    )


def _kinds(rule: Mapping[str, Any], *, now: datetime) -> Iterator[Kind]:
    """Every mix of what the rule speaks of, the plainest first; what it does not speak of stays usual."""
    asked = list(_tests(rule))
    values = {field: [value for name, value in asked if name == field] for field, _ in asked}
    codes = dict.fromkeys(chain.from_iterable(values.get("audience", [])))
    languages = [None, *_flat(values.get("language", []))]
    depths = (
        dict.fromkeys([Subscription.Depth.DEEP.value, *Subscription.Depth.values]) if "depth" in values else ["deep"]
    )
    origins = [MEANS, *_flat(values.get("origin", []))]
    named = [None, True, False] if "named" in values else [None]
    joined = [now, *chain.from_iterable(_around(value, now=now) for value in values.get("joined", []))]
    groups = chain.from_iterable(combinations(codes, size) for size in range(len(codes) + 1))
    for depth, origin, moment, name, language, interests in product(depths, origins, joined, named, languages, groups):
        yield Kind(interests, _people(name, language), depth, origin, moment)


def _people(named: bool | None, language: str | None) -> tuple[tuple[str, str], ...]:
    fitting = [person for person in PEOPLE if named is None or bool(person[0]) == named]
    return tuple((name, language or own) for name, own in fitting)


def _around(value: str | int, *, now: datetime) -> list[datetime]:
    """Moments on both sides of what a rule says of the day of joining."""
    if isinstance(value, int):
        return [now - timedelta(days=value + 1)]
    midnight = datetime.combine(date.fromisoformat(value), time(), tzinfo=UTC)
    return [midnight - timedelta(hours=1), midnight + timedelta(hours=1), midnight + timedelta(hours=25)]


def _tests(node: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    if "field" in node:
        yield node["field"], node["value"]
    for part in [*node.get("all", []), *node.get("any", []), *([node["not"]] if "not" in node else [])]:
        yield from _tests(part)


def _flat(values: Iterable[str | list[str]]) -> list[str]:
    return list(dict.fromkeys(chain.from_iterable([each] if isinstance(each, str) else each for each in values)))


# --- The rows: four statements, whatever the number ---------------------------------------------------------------

_SUBSCRIBERS = """
    WITH RECURSIVE numbers(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < %s),
    people(place, name, language) AS (VALUES {people})
    INSERT INTO newsletter_subscriber (key, email, address, name, language, zone, created_at)
    SELECT %s || {hex}, %s || {hex} || '@example.org', %s || {hex} || '@example.org', name, language, '', %s
    FROM numbers JOIN people ON place = n %% %s
"""
_SUBSCRIPTIONS = """
    INSERT INTO newsletter_subscription (subscriber_id, newsletter_id, state, depth, origin, created_at, confirmed_at)
    SELECT id, %s, 'active', %s, %s, %s, %s FROM newsletter_subscriber WHERE id > %s AND address LIKE %s
"""
_NEW = """
    FROM newsletter_subscription AS tie JOIN newsletter_subscriber AS person ON person.id = tie.subscriber_id
    WHERE person.id > %s AND person.address LIKE %s
"""
_INTERESTS = f"INSERT INTO newsletter_interest (subscription_id, audience) SELECT tie.id, %s {_NEW}"
_CONSENTS = f"""
    INSERT INTO newsletter_consent (subscription_id, act, at, means, wording, detail)
    SELECT tie.id, %s, %s, %s, %s, '' {_NEW}
"""
# Six digits, so that text and numbers have one order and every index grows at its end.
_HEX = {"postgresql": "lpad(to_hex(n), 6, '0')", "sqlite": "printf('%%06x', n)"}


def _trust_parents() -> None:
    """Where our role may, leave out the foreign keys' look at each row, half of the work: each row's parent is read
    in the statement that makes it. Until the transaction ends."""
    if connection.vendor == "postgresql":
        with suppress(ProgrammingError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL session_replication_role = replica")


def _insert(kind: Kind, count: int, *, newsletter_id: int, now: datetime) -> str:
    """Make the rows; gives what all their addresses, and no others, begin with."""
    mark = secrets.token_hex(5)
    prefix = f"synthetic.{mark}."
    before = Subscriber.objects.order_by("-id").values_list("id", flat=True).first() or 0
    at, confirmed_at = map(connection.ops.adapt_datetimefield_value, (now, kind.confirmed_at))
    subscribers = _SUBSCRIBERS.format(
        people=", ".join(["(%s, %s, %s)"] * len(kind.people)), hex=_HEX[connection.vendor]
    )
    people: list[Any] = [value for place, person in enumerate(kind.people) for value in (place, *person)]
    new: list[Any] = [before, f"{prefix}%"]
    with connection.cursor() as cursor:
        cursor.execute(subscribers, [count, *people, mark, prefix, prefix, at, len(kind.people)])
        cursor.execute(_SUBSCRIPTIONS, [newsletter_id, kind.depth, kind.origin, at, confirmed_at, *new])
        for code in kind.interests:
            cursor.execute(_INTERESTS, [code, *new])
        cursor.execute(_CONSENTS, [Consent.Act.CONFIRMED, at, MEANS, WORDING, *new])
    return prefix

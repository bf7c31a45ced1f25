"""The turn of a lane in the ledger: settle what was answered, stretch the lease, open the next rows. One transaction.

On PostgreSQL it is one statement, planned once a connection; no row back means that the epoch has moved on, and then
nothing was settled either. SQLite's twin is a few statements in one IMMEDIATE transaction. Both read the same rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import connection, transaction

from newsletter.models import Chunk
from newsletter.sending import ledger
from newsletter.sending.clock import from_now
from newsletter.sending.outcomes import Letter, Settlement

if TYPE_CHECKING:
    import psycopg

# What Subscription.objects.mailable says, for one delivery `d` and its subscriber `s`.
MAILABLE = """(
    EXISTS (
        SELECT 1 FROM newsletter_subscription
        WHERE subscriber_id = d.subscriber_id AND newsletter_id = %(newsletter)s AND state = 'active'
    ) AND NOT EXISTS (
        SELECT 1 FROM newsletter_suppression
        WHERE address = s.address AND (newsletter_id IS NULL OR newsletter_id = %(newsletter)s)
    )
)"""
_SENDING = "EXISTS (SELECT 1 FROM newsletter_campaign WHERE id = %(campaign)s AND state = 'sending')"
_NEXT = f"""
    SELECT d.id, d.number, d.variant_id, d.message_id, s.name, s.email, s.key, d.attempts, d.doubts, d.paced,
           {MAILABLE} AS mailable
    FROM newsletter_delivery d JOIN newsletter_subscriber s ON s.id = d.subscriber_id
    WHERE d.campaign_id = %(campaign)s AND d.number > %(after)s AND d.number < %(end)s
      AND (d.state = 'queued' OR (d.state = 'deferred' AND d.next_attempt_at <= %(now)s)) AND {_SENDING}
    ORDER BY d.number LIMIT %(size)s
"""  # noqa: S608  (made of our own words)
# A snapshot shows no change of its own statement: `following` reads only rows that no settlement of this turn is about.
_TURN = f"""
    WITH following AS MATERIALIZED ({_NEXT}), held AS (
        UPDATE newsletter_chunk SET lease_until = clock_timestamp() + %(lease)s * interval '1 second',
            window_from = COALESCE(%(oldest)s, (SELECT min(number) FROM following)),
            window_to = GREATEST(%(newest)s, (SELECT max(number) FROM following))
        WHERE id = %(chunk)s AND epoch = %(epoch)s RETURNING id
    ), settled AS (
        UPDATE newsletter_delivery d
        SET state = n.state, reply = CASE WHEN n.paced THEN d.reply ELSE COALESCE(n.reply, '') END,
            attempts = n.attempts, doubts = n.doubts, next_attempt_at = n.next_attempt_at, paced = n.paced,
            settled_at = CASE WHEN n.state NOT IN ('deferred', 'in_doubt') THEN %(now)s END,
            doubted_at = CASE WHEN n.state = 'in_doubt' THEN COALESCE(d.doubted_at, %(now)s) ELSE d.doubted_at END
        FROM unnest(string_to_array(%(ids)s, ' ')::bigint[], string_to_array(%(states)s, ' '),
                    string_to_array(%(replies)s, E'\\n'), string_to_array(%(attempts)s, ' ')::smallint[],
                    string_to_array(%(doubts)s, ' ')::smallint[], string_to_array(%(moments)s, ' ', '-')::timestamptz[],
                    string_to_array(%(paced)s, ' ')::boolean[])
            AS n (id, state, reply, attempts, doubts, next_attempt_at, paced)
        WHERE d.id = n.id AND d.state IN ('queued', 'deferred') AND EXISTS (SELECT 1 FROM held) RETURNING 1
    ), gone AS (
        UPDATE newsletter_delivery d
        SET state = 'suppressed', settled_at = %(now)s, next_attempt_at = NULL, paced = FALSE
        FROM following WHERE d.id = following.id AND NOT following.mailable AND d.state IN ('queued', 'deferred')
            AND EXISTS (SELECT 1 FROM held)
    )
    SELECT (SELECT count(*) FROM settled), {_SENDING}, following.*
    FROM held LEFT JOIN following ON TRUE ORDER BY following.number
"""  # noqa: S608
_TURN_BINARY = _TURN.replace(")s", ")b")  # binary parameters: no text to write here and to parse there


@dataclass(frozen=True, slots=True)
class Turn:
    """What a turn is about: numbers `after` to `end` (both excluded) are not opened yet, `oldest` is the first that is
    opened and stays unsettled (None: none), `size` is how many to open at most."""

    campaign: int
    newsletter: int
    chunk: int
    epoch: int
    after: int
    end: int
    oldest: int | None
    size: int


@dataclass(frozen=True, slots=True)
class Opened:
    """What a turn came to. `gone`: opened and found to have left; `last`: the number up to which rows were read."""

    letters: list[Letter]
    gone: int
    last: int
    settled: int
    sending: bool
    is_all: bool  # nothing else in the chunk is due beyond `last`


def take(turn: Turn, settlements: Sequence[Settlement], *, now: datetime) -> Opened | None:
    """Take the turn; None when the chunk has passed on to another holder, and then nothing was written."""
    if connection.vendor == "postgresql":
        return _in_one_statement(turn, settlements, now=now)
    return _in_one_transaction(turn, settlements, now=now)


def _in_one_statement(turn: Turn, settlements: Sequence[Settlement], *, now: datetime) -> Opened | None:
    values = _about(turn) | {
        "now": now,
        "lease": settings.SEND_LEASE_SECONDS,
        "newest": None if turn.oldest is None else turn.after,
        **_columns(settlements),
    }
    connection.ensure_connection()
    with connection.wrap_database_errors:
        rows = _prepared(connection.connection).execute(_TURN_BINARY, values, prepare=True, binary=True).fetchall()
    if not rows:
        return None
    settled, sending = rows[0][:2]
    return _opened(turn, [row[2:] for row in rows if row[2] is not None], settled=settled, sending=sending)


def _columns(settlements: Sequence[Settlement]) -> dict[str, str]:
    """Arrays as text, each made in one go: psycopg would look at every value of a list twice. Replies are one line."""
    return {
        "ids": " ".join([str(each.delivery) for each in settlements]),
        "states": " ".join([each.state for each in settlements]),
        "replies": "\n".join([each.reply for each in settlements]),
        "attempts": " ".join([str(each.attempts) for each in settlements]),
        "doubts": " ".join([str(each.doubts) for each in settlements]),
        "moments": " ".join([at.isoformat() if (at := each.next_attempt_at) else "-" for each in settlements]),
        "paced": " ".join([str(each.paced) for each in settlements]),
    }


def _prepared(raw: "psycopg.Connection[Any]") -> "psycopg.Cursor[Any]":
    """A cursor that binds on the server and plans once. Django's own merges values into the text: a plan each time."""
    import psycopg
    from psycopg.types.numeric import Int8BinaryDumper

    if raw.prepare_threshold is None:  # not yet a lane's connection
        raw.prepare_threshold = 0
        raw.execute("SET plan_cache_mode = force_generic_plan")
    cursor = psycopg.Cursor(raw)
    cursor.adapters.register_dumper(int, Int8BinaryDumper)  # one type for every number, so that one plan serves all
    return cursor


def _in_one_transaction(turn: Turn, settlements: Sequence[Settlement], *, now: datetime) -> Opened | None:
    with transaction.atomic():
        held = Chunk.objects.filter(pk=turn.chunk, epoch=turn.epoch)
        if not held.update(lease_until=from_now(timedelta(seconds=settings.SEND_LEASE_SECONDS))):
            return None
        settled = ledger.settle(settlements, chunk_id=turn.chunk, epoch=turn.epoch, now=now)
        with connection.cursor() as cursor:
            cursor.execute(_NEXT, _about(turn) | {"now": connection.ops.adapt_datetimefield_value(now)})
            rows = cursor.fetchall()
            cursor.execute(f"SELECT {_SENDING}", {"campaign": turn.campaign})
            (sending,) = cursor.fetchone()
        ledger.settle_gone([row[0] for row in rows if not row[-1]], now=now)
        numbers = [row[1] for row in rows] + ([] if turn.oldest is None else [turn.oldest, turn.after])
        held.update(window_from=min(numbers, default=None), window_to=max(numbers, default=None))
    return _opened(turn, rows, settled=settled, sending=sending)


def _about(turn: Turn) -> dict[str, Any]:
    return {name: getattr(turn, name) for name in Turn.__slots__}


def _opened(turn: Turn, rows: Sequence[Sequence[Any]], *, settled: int, sending: bool) -> Opened:
    letters = [Letter(*row[:-1]) for row in rows if row[-1]]
    last = rows[-1][1] if rows else turn.after
    return Opened(
        letters,
        gone=len(rows) - len(letters),
        last=last,
        settled=settled,
        sending=bool(sending),
        is_all=len(rows) < turn.size or last + 1 >= turn.end,
    )

"""The database's clock: the only one on which leases and due times of several machines can be compared."""

import time
from collections.abc import Callable
from datetime import datetime, timedelta

from django.db import connection
from django.db.models import DateTimeField, ExpressionWrapper, Value
from django.db.models.functions import Now
from django.utils.dateparse import parse_datetime
from django.utils.timezone import is_naive, make_aware

_NOW = {
    "postgresql": "SELECT clock_timestamp()",
    "sqlite": "SELECT strftime('%Y-%m-%d %H:%M:%f', 'now') || '+00:00'",
}


def database_now() -> datetime:
    """The present moment as the database has it, aware."""
    with connection.cursor() as cursor:
        cursor.execute(_NOW[connection.vendor])
        (value,) = cursor.fetchone()
    moment = value if isinstance(value, datetime) else parse_datetime(value)
    if moment is None:
        raise ValueError(f"The database gave {value!r} as its time.")
    return make_aware(moment) if is_naive(moment) else moment


def steady_clock() -> Callable[[], datetime]:
    """The database's clock, read once and carried on by this machine's: for work that asks many times in a minute."""
    moment, then = database_now(), time.monotonic()
    return lambda: moment + timedelta(seconds=time.monotonic() - then)


def from_now(span: timedelta) -> ExpressionWrapper:
    """The moment after such a span on the database's clock, as an expression."""
    return ExpressionWrapper(Now() + Value(span), output_field=DateTimeField())

"""Is this the database that sent until now? One that was restored from a backup, copied to another place or asleep for
hours knows less than the world does, so it sends nothing by itself: what was under way is paused, and a person looks.

The one row of Instance holds a mark of the place where the database lies, and counts the ticks. VAR_DIR/instance holds
the count that this machine last saw: a database that is behind it was restored from an older backup, though it lies in
the same place. Several machines have a file each; a machine without one believes the database.
"""

import contextlib
import logging
import os
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.db.models import F

from newsletter.models import Campaign, Edition, Instance
from newsletter.sending import campaigns
from newsletter.sending.clock import database_now

logger = logging.getLogger(__name__)

_PLACE = """
    SELECT (SELECT system_identifier FROM pg_control_system()),
           substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8),
           (SELECT oid FROM pg_database WHERE datname = current_database())
"""
_PLACE_AS_ANYBODY = "SELECT '', '', (SELECT oid FROM pg_database WHERE datname = current_database())"


@dataclass(frozen=True)
class Change:
    """What is not as it was. `is_older`: the database may lack what was sent after its backup was made."""

    reason: str
    is_older: bool = True


def check(*, now: datetime) -> str:
    """Count a tick and tell what has changed since the one before, in words; empty when all is well.

    After a change every campaign that is held or being sent is paused with these words before anything else is done,
    and after a restore or a move what is at its slot is missed. The new state is noted last: a check that dies half-way
    is done again by the next.
    """
    change = _change(now=now)
    if change is not None:
        _stop(change, now=now)
    _note(now=now)
    return change.reason if change else ""


def is_trusted() -> bool:
    """Whether a check would find all well. A lane asks before it takes its first chunk."""
    return _change(now=database_now()) is None


def _change(*, now: datetime) -> Change | None:
    seen = _read_file()  # before the row: what a file says was in the database first
    row = Instance.objects.filter(pk=1).first()
    if row is None:  # the first start of this database
        return None
    name, _, place = row.mark.partition(" ")
    if place != _place():
        return Change("This database was restored or moved to another place.")
    if seen[0] == name and seen[1] > row.ticks:
        return Change("This database was restored from an older backup.")
    if now - row.ticked_at > timedelta(hours=settings.LATE_AFTER_HOURS):
        return Change(f"Nothing was running here since {row.ticked_at:%d %B at %H:%M} UTC.", is_older=False)
    return None


def _stop(change: Change, *, now: datetime) -> None:
    again = " Who got it after the backup was made would get it again." if change.is_older else ""
    reason = f"{change.reason} Look at what was sent, then resume or cancel.{again}"
    live = Campaign.objects.filter(state__in=[Campaign.State.FROZEN, Campaign.State.SENDING])
    if not change.is_older:
        live = live.exclude(state=Campaign.State.FROZEN, held_until__gt=now)  # its hour has not come: nothing is late
    stopped = _miss_what_is_due(reason, now=now) if change.is_older else 0
    for campaign in live:
        with contextlib.suppress(campaigns.NotMoved):  # another tick, or a person, was quicker
            campaigns.pause(campaign, actor=campaigns.TIMETABLE, now=now, reason=reason)
            stopped += 1
    if stopped:
        logger.warning("campaigns wait for a person", extra={"detail": f"{stopped}: {change.reason}"})


def _miss_what_is_due(reason: str, *, now: datetime) -> int:
    """What stands before its freeze here may have been frozen and sent after the backup was made."""
    for edition in Edition.objects.at_their_slot(now):
        with contextlib.suppress(campaigns.AlreadyStarted):
            campaigns.start(edition, slot=edition.slot, actor=campaigns.TIMETABLE, now=now)
    missed = 0
    for campaign in Campaign.objects.drafts_at_their_slot(now):
        with contextlib.suppress(campaigns.NotMoved):
            campaigns.miss(campaign, now=now, reason=reason)
            missed += 1
    return missed


def _note(*, now: datetime) -> None:
    """Count the tick, in the row first and then in the file.

    In another place it is another database from now on, with a name of its own: the one it was copied from may live.
    """
    place = _place()
    fresh = f"{secrets.token_hex(4)} {place}"
    with transaction.atomic():
        row, _ = Instance.objects.select_for_update().get_or_create(pk=1, defaults={"mark": fresh, "ticked_at": now})
        mark = row.mark if row.mark.endswith(f" {place}") else fresh
        Instance.objects.filter(pk=1).update(mark=mark, ticks=F("ticks") + 1, ticked_at=now)
        row.refresh_from_db()
    _write_file(mark.partition(" ")[0], row.ticks)


def _place() -> str:
    """Where the database lies: another after a restore, a copy or (PostgreSQL) the fail-over to a replica.

    At most 80 characters, so that it stands in Instance.mark beside the name.
    """
    if connection.vendor == "sqlite":
        file = Path(str(connection.settings_dict["NAME"])).resolve()
        return f"sqlite:{file.stat().st_ino}:{str(file)[-50:]}"
    try:
        with transaction.atomic():
            return _ask(_PLACE)
    except DatabaseError:  # not for this user, or not on this kind of server: the file's count is left
        return _ask(_PLACE_AS_ANYBODY)


def _ask(query: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(query)
        return "postgresql:" + ":".join(str(part) for part in cursor.fetchone())


def _file() -> Path:
    return Path(settings.VAR_DIR, "instance")


def _read_file() -> tuple[str, int]:
    """The database's name and the ticks it had; nothing where there is no file, or none that can be read."""
    try:
        name, ticks = _file().read_text(encoding="ascii").split()
        return name, int(ticks)
    except (OSError, ValueError):
        return "", 0


def _write_file(name: str, ticks: int) -> None:
    made = _file().with_name(f".instance.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        made.write_text(f"{name} {ticks}\n", encoding="ascii")
        made.replace(_file())
    except OSError as error:
        logger.warning("cannot note the ticks", extra={"detail": f"{_file()}: {error}"})

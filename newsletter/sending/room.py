"""Room on the disk: asked for before a campaign is frozen, and watched while it is sent.

On SQLite the deliveries lie on this machine; its journals always do. What PostgreSQL needs where it runs cannot be seen
from here.
"""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.db import connection

from newsletter.sending import journal

BYTES_A_DELIVERY = 600  # on SQLite; measured: 290 with its indexes once it is settled, 210 in the write-ahead log
BYTES_FOR_VARIANTS = 20_000_000  # the rendered variants of a campaign
TIMES = 2  # so much more must be free than will be needed
LEAST_FREE = 32_000_000  # less stops the sending: a lane writes little, but all of it must be written


@dataclass(frozen=True)
class Need:
    """What will be written on one disk."""

    what: str
    folder: Path
    size: int


def reasons_against(readers: int) -> list[str]:
    """What speaks against freezing a campaign for so many readers, with its cure; empty when there is room."""
    return [words for need in _needs(readers) if (words := _too_little(need, free=_free(need.folder)))]


def shortage() -> str:
    """Why sending had better stop before a disk is full; empty while there is room. Cheap: no query."""
    for folder in {need.folder for need in _needs(0)}:
        if (free := _free(folder)) < LEAST_FREE:
            return (
                f"Only {_megabytes(free)} are free on the disk of {folder}, and sending wants "
                f"{_megabytes(LEAST_FREE)}: make room there. Nothing is lost; it goes on by itself."
            )
    return ""


def _needs(readers: int) -> Iterator[Need]:
    if connection.vendor == "sqlite":
        file = Path(str(connection.settings_dict["NAME"]))
        yield Need("the database", file.parent, readers * BYTES_A_DELIVERY + BYTES_FOR_VARIANTS)
    # Two records a delivery, should the database be away for all of them.
    yield Need("the journals", settings.JOURNAL_DIR, readers * 2 * journal.SIZE + LEAST_FREE // TIMES)


def _too_little(need: Need, *, free: int) -> str:
    wanted = TIMES * need.size
    if free >= wanted:
        return ""
    return (
        f"The disk of {need.folder} has {_megabytes(free)} free, and {need.what} may need {_megabytes(need.size)}: "
        f"make room until {_megabytes(wanted)} are free."
    )


def _free(folder: Path) -> int:
    while not folder.exists():  # the journals' folder is made by the first lane
        folder = folder.parent
    return shutil.disk_usage(folder).free


def _megabytes(size: int) -> str:
    return f"{size / 1_000_000:,.0f} MB"

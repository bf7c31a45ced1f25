"""The sender's journal: what it did around the dot, in a file that outlives both the process and the database.

One file for each hold of a chunk, in JOURNAL_DIR. A record of 24 bytes is written before the dot and another after the
server's answer. It is not synced: a record survives the death of the process, not of the machine, and the file's name
carries the machine's boot so that a reader knows which of the two it was.

The next holder first puts a SEAL at the end, then reads. A sender that was only frozen finds the seal when it wakes:
its own record no longer stands where it should, and it withholds the dot. So the file itself decides which came first.
"""

import logging
import os
import secrets
import socket
import struct
import zlib
from collections.abc import Iterable
from enum import IntEnum
from functools import lru_cache
from pathlib import Path

from django.conf import settings

logger = logging.getLogger(__name__)

MAGIC = 0x4A52
_HEAD = struct.Struct(">HBBIQHH")  # magic, kind, attempt, epoch, delivery, code, spare
_RECORD = struct.Struct(">HBBIQHHI")  # the same, and its crc
SIZE = _RECORD.size
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_SUFFIX = ".journal"


class Kind(IntEnum):
    AT_DOT = 1
    ANSWER = 2
    SEAL = 3


class Sealed(Exception):
    """Another sender has taken over: nothing more may leave under this journal."""


class Journal:
    """The writing end. Not for several threads."""

    def __init__(self, path: Path, owner: str) -> None:
        self.path = path
        self.owner = owner
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL, 0o600)
        self._length = 0

    @classmethod
    def create(cls) -> "Journal":
        """A new, empty journal of this process. Raises OSError when the folder cannot be written."""
        name = f"{_boot()}-{os.getpid()}-{secrets.token_hex(4)}"
        return cls(settings.JOURNAL_DIR / f"{name}{_SUFFIX}", f"{home()}/{name}")

    def at_dot(self, *, delivery: int, epoch: int, attempt: int) -> None:
        """Record that the dot is about to be sent. Raises Sealed or OSError, and then the dot must not be sent."""
        self._write(Kind.AT_DOT, delivery, epoch, attempt, 0)
        if os.lseek(self._file, 0, os.SEEK_CUR) != self._length:
            raise Sealed

    def answer(self, *, delivery: int, epoch: int, attempt: int, code: int) -> None:
        self._write(Kind.ANSWER, delivery, epoch, attempt, code)

    def discard(self) -> None:
        """Close and remove it: the database has everything that it says."""
        self.keep()
        self.path.unlink(missing_ok=True)

    def keep(self) -> None:
        """Close it and leave it for the next holder of the chunk. A record that comes later raises OSError."""
        os.close(self._file)
        self._file = -1  # the number may soon be another file's

    def _write(self, kind: Kind, delivery: int, epoch: int, attempt: int, code: int) -> None:
        if os.write(self._file, _record(kind, delivery, epoch, attempt, code)) != SIZE:
            raise OSError(f"The journal {self.path.name} took only a part of a record: is the disk full?")
        self._length += SIZE


class Trace:
    """The reading end: what a dead sender left. `whole`: no record can be missing, since the machine has not fallen."""

    def __init__(self, *, whole: bool, codes: dict[tuple[int, int, int], int | None]) -> None:
        self.whole = whole
        self._codes = codes

    def reached_the_dot(self, *, delivery: int, epoch: int, attempt: int) -> bool:
        return (delivery, epoch, attempt & 0xFF) in self._codes

    def answer(self, *, delivery: int, epoch: int, attempt: int) -> int | None:
        """The code the server answered after the dot, if an answer was recorded."""
        return self._codes.get((delivery, epoch, attempt & 0xFF))


def seal_and_read(owner: str) -> Trace | None:
    """Stop the journal's writer, if it still lives, and read what it did. None when the journal cannot be found."""
    path = _path(owner)
    try:
        file = os.open(path, os.O_WRONLY | os.O_APPEND)
    except OSError:
        return None
    try:
        os.write(file, _record(Kind.SEAL))
    finally:
        os.close(file)
    return Trace(whole=path.name.startswith(f"{_boot()}-"), codes=_read(path.read_bytes()))


def forget(owner: str) -> None:
    """Remove a dead sender's journal after what it said was settled."""
    if is_ours(owner):
        _path(owner).unlink(missing_ok=True)


def is_ours(owner: str) -> bool:
    """Whether the journal was written into this machine's journal folder."""
    return owner.startswith(f"{home()}/")


def sweep(*, named: Iterable[str], before: float) -> int:
    """Remove journals that no chunk names and nobody has written since the moment (seconds of the epoch)."""
    kept = {_path(owner) for owner in named}
    old = [
        path for path in settings.JOURNAL_DIR.glob(f"*{_SUFFIX}") if path not in kept and path.stat().st_mtime < before
    ]
    for path in old:
        path.unlink(missing_ok=True)
    return len(old)


def home() -> str:
    """The name of this journal folder: the host's, and a mark made once, since containers change their host's name."""
    return _home(settings.JOURNAL_DIR)


@lru_cache(maxsize=8)
def _home(folder: Path) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    kept = folder / "home"
    if not kept.exists():
        made = folder / f".home.{os.getpid()}.{secrets.token_hex(4)}"
        made.write_text(f"{socket.gethostname()[:40]}-{secrets.token_hex(4)}", encoding="utf-8")
        try:
            os.link(made, kept)  # the first of several processes wins, and all read the same
        except FileExistsError:
            pass
        finally:
            made.unlink()
    return kept.read_text(encoding="utf-8").replace("/", "_").strip()


@lru_cache(maxsize=1)
def _boot() -> str:
    """The machine's present boot. Where none can be read, every process counts as its own: a death is the machine's."""
    try:
        return _BOOT_ID.read_text(encoding="ascii").replace("-", "")[:8]
    except OSError:
        return secrets.token_hex(4)


def _path(owner: str) -> Path:
    return Path(settings.JOURNAL_DIR, f"{Path(owner).name}{_SUFFIX}")


def _record(kind: Kind, delivery: int = 0, epoch: int = 0, attempt: int = 0, code: int = 0) -> bytes:
    head = _HEAD.pack(MAGIC, kind, attempt & 0xFF, epoch, delivery, code, 0)
    return head + zlib.crc32(head).to_bytes(4)


def _read(data: bytes) -> dict[tuple[int, int, int], int | None]:
    """The last word on each attempt. A torn or damaged record is passed over: its write was never reported as done, so
    the dot that waits for it was not sent, and an answer that is missing is a doubt."""
    codes: dict[tuple[int, int, int], int | None] = {}
    for place in range(0, len(data) - SIZE + 1, SIZE):
        record = data[place : place + SIZE]
        magic, kind, attempt, epoch, delivery, code, _, crc = _RECORD.unpack(record)
        if magic != MAGIC or crc != zlib.crc32(record[:-4]):
            continue
        if kind == Kind.SEAL:
            break
        codes[delivery, epoch, attempt] = code if kind == Kind.ANSWER else None
    return codes

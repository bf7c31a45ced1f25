"""What the SMTP server knows for certain, in two files that outlive its kill -9 and that the program reads.

`truth`: a line for each message it took (synced before the 250) and for each reader it refused for good.
`board`: a page of shared memory: how many it took, how many it may take for now, and a mark for each connection.
"""

import mmap
import os
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_HEAD = struct.Struct("=QQQQQ")  # taken, allowed, connections, silences, round
_LINES = 4_000_000
UNLIMITED = 1 << 60

# The marks of a connection, while it is open ...
OPEN, IN_HAND, ANSWERED = b"o", b"m", b"a"  # nothing in hand; MAIL was heard; the dot was answered and no more heard
# ... and of one that has ended. After a kill -9 of the server the first three stay for ever.
PARTED, BROKEN, GONE = b"q", b"B", b"e"  # by QUIT; with a message in hand or just answered; with nothing in hand


@dataclass(frozen=True)
class Taken:
    """`heard_at`: when its dot was heard. `whole`: it begins and ends as a message of ours does."""

    heard_at: float
    recipient: str
    message_id: str
    whole: bool
    line: int


@dataclass(frozen=True)
class Refused:
    recipient: str


class Board:
    """Shared by the server, who writes, and the program, who reads and sets `allowed`."""

    def __init__(self, path: Path) -> None:
        if not path.exists():
            with path.open("wb") as file:
                file.truncate(_HEAD.size + _LINES)
        self._file = path.open("r+b")
        self._map = mmap.mmap(self._file.fileno(), 0)

    @property
    def taken(self) -> int:
        return int(_HEAD.unpack_from(self._map)[0])

    @property
    def allowed(self) -> int:
        return int(_HEAD.unpack_from(self._map)[1])

    @property
    def lines(self) -> int:
        """How many connections there have been."""
        return int(_HEAD.unpack_from(self._map)[2])

    @property
    def silences(self) -> int:
        """How often a client fell silent beyond its lease with a message in hand: so does one who is frozen."""
        return int(_HEAD.unpack_from(self._map)[3])

    @property
    def round(self) -> int:
        """Which try this is; in each anew the quirks that addresses ask for are met."""
        return int(_HEAD.unpack_from(self._map)[4])

    def count_one(self) -> None:
        struct.pack_into("=Q", self._map, 0, self.taken + 1)

    def count_silence(self) -> None:
        struct.pack_into("=Q", self._map, 24, self.silences + 1)

    def allow(self, number: int) -> None:
        struct.pack_into("=Q", self._map, 8, number)

    def next_round(self) -> None:
        struct.pack_into("=Q", self._map, 32, self.round + 1)

    def new_line(self) -> int:
        number = self.lines
        struct.pack_into("=Q", self._map, 16, number + 1)
        self.mark(number, OPEN)
        return number

    def mark(self, line: int, mark: bytes) -> None:
        self._map[_HEAD.size + line] = mark[0]

    def marks(self) -> bytes:
        return self._map[_HEAD.size : _HEAD.size + self.lines]

    def broken(self) -> int:
        """How often a message was left hanging: its connection ended, or was silent beyond the lease, between its MAIL
        and our hearing on after the answer. Each can be a doubt, and nothing else can."""
        return self.silences + self.marks().count(BROKEN) + self.hanging()

    def hanging(self) -> int:
        """Connections with a message in hand, or whose answer we cannot know to have been heard: those that are open
        now, and those that the server's own death broke."""
        return sum(self.marks().count(mark) for mark in (IN_HAND, ANSWERED))

    def lost(self) -> int:
        """All that ended without QUIT."""
        return self.broken() - self.silences + sum(self.marks().count(mark) for mark in (GONE, OPEN))

    def close(self) -> None:
        self._map.close()
        self._file.close()


class TruthFile:
    """The server's end. A line is on the disk when `take` returns."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def take(self, *, heard_at: float, recipient: str, message_id: str, whole: bool, line: int) -> None:
        self._write(f"took\t{heard_at:.6f}\t{recipient}\t{message_id}\t{int(whole)}\t{line}\n")

    def refuse(self, recipient: str) -> None:
        self._write(f"refused\t{time.time():.6f}\t{recipient}\n")

    def _write(self, text: str) -> None:
        os.write(self._file, text.encode())
        os.fsync(self._file)


def has(path: Path, recipient: str) -> bool:
    """Whether the server has taken a message to them."""
    return path.exists() and f"\t{recipient}\t".encode() in path.read_bytes()


def read(path: Path, *, start: int = 0) -> Iterator[Taken | Refused]:
    """What the truth file says from this byte on. A line that a kill cut short was never answered for."""
    if not path.exists():
        return
    with path.open("rb") as file:
        file.seek(start)
        for raw in file:
            if not raw.endswith(b"\n"):
                return
            kind, at, recipient, *rest = raw.decode().rstrip("\n").split("\t")
            if kind == "refused":
                yield Refused(recipient)
            else:
                yield Taken(float(at), recipient, rest[0], rest[1] == "1", int(rest[2]))

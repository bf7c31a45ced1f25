"""The Maildir: messages put down whole or not at all, listed by name, opened one by one.

File names begin with the moment of arrival, so the newest first is the reverse order of names and nothing has to be
opened to sort 5,000 messages.
"""

import os
import re
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.parser import HeaderParser
from email.utils import format_datetime
from functools import lru_cache
from itertools import count
from pathlib import Path

_numbers: Iterator[int] = count(1)
_HOST = re.sub(r"[^A-Za-z0-9.-]", "-", socket.gethostname())
_HEADERS_WITHIN = 64 * 1024  # bytes read to list a message
_ENCODED_WORD = r"=\?[^?\s]+\?[bqBQ]\?[^?]*\?="
_ENCODED = re.compile(rf"{_ENCODED_WORD}(?:\s+{_ENCODED_WORD})*")
NAME = re.compile(r"(\d{10,})\.[A-Za-z0-9._,:=-]+")  # of a message of ours; no path leads out of the folder


@dataclass(frozen=True)
class Summary:
    """A line of the list. Headers are decoded for reading; a damaged one is shown as it came."""

    name: str
    arrived_at: datetime
    subject: str
    sender: str
    to: str

    def matches(self, words: str) -> bool:
        text = f"{self.subject} {self.sender} {self.to}".casefold()
        return all(word in text for word in words.casefold().split())


@dataclass(frozen=True)
class Letter:
    """One message, opened. `html` and `text` are empty where the message has no such part."""

    summary: Summary
    html: str
    text: str
    source: bytes


def create(folder: Path) -> None:
    for part in ("tmp", "new", "cur"):
        (folder / part).mkdir(parents=True, exist_ok=True)


def put(folder: Path, content: bytes, *, sender: str, recipient: str, now: datetime) -> Path:
    """Keep `content` as it came, under the three trace lines that any delivery puts on top (RFC 5321, 4.4).

    It is written beside and moved into place, so a reader never sees half of it. Not synced to the disk: this is no
    archive, and a send of thousands must not wait for it.
    """
    trace = (
        f"Return-Path: <{sender}>\r\n"
        f"Delivered-To: {recipient}\r\n"
        f"Received: by {_HOST} (local inbox) with SMTP; {format_datetime(now)}\r\n"
    )
    seconds, micros = divmod(time.time_ns() // 1000, 1_000_000)
    name = f"{seconds}.M{micros:06d}P{os.getpid()}Q{next(_numbers):06d}.{_HOST}"
    written = folder / "tmp" / name
    written.write_bytes(trace.encode("utf-8", "surrogateescape") + content)
    return written.rename(folder / "new" / name)


def names(folder: Path) -> list[str]:
    """All messages by name, the newest first; without a Maildir there is none."""
    found = [path.name for part in ("new", "cur") if (folder / part).is_dir() for path in (folder / part).iterdir()]
    return sorted(filter(NAME.fullmatch, found), reverse=True)


def summaries(folder: Path, *, words: str = "") -> Iterator[Summary]:
    """The newest first, opened only as far as they are asked for; with `words`, those that hold every one of them."""
    for name in names(folder):
        summary = _summary(folder, name)
        if summary and summary.matches(words):
            yield summary


def open_letter(folder: Path, name: str) -> Letter | None:
    """None where there is no such message."""
    path = _path(folder, name)
    summary = _summary(folder, name)
    if path is None or summary is None:
        return None
    source = path.read_bytes()
    message = message_from_bytes(source, policy=policy.default)
    return Letter(summary, html=_body(message, "html"), text=_body(message, "plain"), source=source)


def _path(folder: Path, name: str) -> Path | None:
    if not NAME.fullmatch(name):
        return None
    return next((path for part in ("new", "cur") if (path := folder / part / name).is_file()), None)


@lru_cache(maxsize=20_000)  # a message never changes; searching 5,000 again then costs nothing
def _summary(folder: Path, name: str) -> Summary | None:
    path = _path(folder, name)
    if path is None:
        return None
    with path.open("rb") as file:
        beginning = file.read(_HEADERS_WITHIN).decode("utf-8", "replace")  # RFC 6532: raw UTF-8 may stand in headers
    headers = HeaderParser(policy=policy.compat32).parsestr(beginning)
    return Summary(
        name=name,
        arrived_at=datetime.fromtimestamp(int(name.split(".")[0]), UTC),
        subject=_readable(headers["Subject"]),
        sender=_readable(headers["From"]),
        to=_readable(headers["To"] or headers["Delivered-To"]),
    )


def _readable(value: object) -> str:
    """The header as a person reads it, on one line."""
    text = str(value or "")
    with suppress(LookupError, ValueError):  # an unknown character set, broken base64: shown as it came
        text = _ENCODED.sub(lambda words: str(make_header(decode_header(words[0]))), text)
    return " ".join(text.split())


def _body(message: EmailMessage, kind: str) -> str:
    part = message.get_body(preferencelist=(kind,))
    if part is None:
        return ""
    try:
        return str(part.get_content())
    except (LookupError, ValueError):
        payload = part.get_payload(decode=True)
        return payload.decode("utf-8", "replace") if isinstance(payload, bytes) else ""

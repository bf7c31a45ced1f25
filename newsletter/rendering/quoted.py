"""Quoted-printable (RFC 2045) in pieces that can be joined: each begins and ends at the start of a line (pure).

Beyond the RFC no line begins with a dot or with "From ", so the bytes need no scan before they are sent or stored.
"""

import re

WIDTH = 76
SOFT_BREAK = b"=\r\n"
_SPECIAL = re.compile(rb"[^\t\x20-<>-~]+")
_TRAILING = re.compile(rb"[\t ]\Z")
_LINE_END = re.compile(r"\r\n|\r|\n")


def piece(text: str) -> bytes:
    """The text, encoded. Unless it ends in a line end of its own, a soft break ends it; empty text gives nothing."""
    if not text:
        return b""
    *whole, last = _LINE_END.split(text)
    encoded = b"".join(_lines(_guarded(line)) + b"\r\n" for line in whole)
    return encoded + _lines(_quoted(last)) + SOFT_BREAK if last else encoded


def _guarded(line: str) -> bytes:
    """A line that ends here; white space before its end would be lost on the way."""
    return _TRAILING.sub(lambda last: b"=%02X" % last[0][0], _quoted(line))


def _quoted(line: str) -> bytes:
    return _SPECIAL.sub(lambda run: f"={run[0].hex('=').upper()}".encode(), line.encode())


def _lines(quoted: bytes) -> bytes:
    if len(quoted) < WIDTH and quoted[:1] != b"." and quoted[:5] != b"From ":
        return quoted
    lines = []
    start = 0
    while start < len(quoted):
        head = _escaped_start(quoted, start)
        end = _end(quoted, start, WIDTH - 1 - (2 if head else 0))
        lines.append(head + quoted[start + bool(head) : end])
        start = end
    return SOFT_BREAK.join(lines)


def _escaped_start(quoted: bytes, start: int) -> bytes:
    """The first character in its quoted form where it must not stand bare, else nothing."""
    if quoted[start : start + 1] == b"." or quoted[start : start + 5] == b"From ":
        return b"=%02X" % quoted[start]
    return b""


def _end(quoted: bytes, start: int, room: int) -> int:
    """Where a line of at most `room` characters ends, never inside =XX."""
    end = min(start + room, len(quoted))
    if end < len(quoted):
        for back in (1, 2):
            if quoted[end - back] == 0x3D:
                return end - back
    return end

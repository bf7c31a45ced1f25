"""What the server says: replies of one line or several, out of bytes that may arrive cut anywhere (RFC 5321 4.2)."""

from typing import NamedTuple

from newsletter.sending.outcomes import plain

LONGEST_LINE = 8192
LONGEST_REPLY = 65_536


class Reply(NamedTuple):
    """The code, and the texts of all lines, each on a line of its own."""

    code: int
    text: bytes

    @property
    def words(self) -> str:
        return self.text.replace(b"\n", b" ").decode("utf-8", "replace")

    def __str__(self) -> str:
        return plain(f"{self.code:03} {self.words}")


class Replies:
    """Of one connection. Once the server speaks no SMTP, `fault` says so and nothing more is read."""

    __slots__ = ("_begun", "_rest", "_size", "fault")

    def __init__(self) -> None:
        self.fault = ""
        self._rest = b""
        self._begun: list[bytes] = []  # texts of a reply whose last line is still to come
        self._size = 0

    @property
    def is_between(self) -> bool:
        """Whether a reply has begun and not ended."""
        return bool(self._rest or self._begun)

    def read(self, data: bytes) -> list[Reply]:
        """Those that are complete with these bytes."""
        lines = (self._rest + data).split(b"\n")
        self._rest = lines.pop()
        replies: list[Reply] = []
        for line in lines:
            if line[3:4] == b" " and not self._begun and line[:3].isdigit():  # nearly all of them
                replies.append(Reply(int(line[:3]), line[4:].strip()))
            else:
                self._line(line.rstrip(b"\r"), replies)
                if self.fault:
                    break
        if len(self._rest) > LONGEST_LINE:
            self.fault = self.fault or "the server's line has no end"
        return replies

    def _line(self, line: bytes, replies: list[Reply]) -> None:
        code, mark, text = line[:3], line[3:4], line[4:]
        if len(code) < 3 or not code.isdigit():
            self.fault = f"the server speaks no SMTP: {plain(line[:80].decode('latin-1'))}"
        elif mark == b"-":
            self._begun.append(text.strip())
            self._size += len(line)
            if self._size > LONGEST_REPLY:
                self.fault = "the server's reply has no end"
        else:
            text = text.strip() if mark in (b" ", b"") else line[3:].strip()
            if self._begun:
                text = b"\n".join((*self._begun, text))
                self._begun, self._size = [], 0
            replies.append(Reply(int(code), text))

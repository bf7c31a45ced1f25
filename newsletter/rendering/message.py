"""The byte template: a whole message in ready pieces, with slots for the values of one reader (pure).

What costs time (MIME, quoted-printable, header encoding) is done once per variant in `compile`; `merge` puts a reader's
values between the pieces and joins them. In the body a slot stands on a line of its own between soft line breaks, so no
line grows beyond 76 characters whatever the value, and the parsed message equals one built by a mail library.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import lru_cache
from html import escape
from operator import itemgetter

from newsletter.rendering.headers import BadHeader, mailbox
from newsletter.rendering.quoted import SOFT_BREAK, piece
from newsletter.rendering.slots import HELLO, HELLO_BEGIN, LEAVE, NAME, SETTINGS, Slots

_MAGIC = b"byte-template/1 "
_SLOTS = ("to", "date", "message_id", "leave", "settings", "hello_html", "hello_text")
_PLACES = re.compile(f"({HELLO.pattern.replace('(.*?)', '.*?')}|{LEAVE}|{SETTINGS})", re.DOTALL)
_HEADER_PLACES = re.compile(f"({LEAVE})")
_TOKEN = re.compile(r"[A-Za-z0-9_-]{48}")
# What nine readers in ten have: a name that needs no encoding anywhere, an address and a Message-ID of plain letters.
_USUAL = re.compile(
    r"(?!From )(?:[A-Za-z0-9-]+(?: [A-Za-z0-9-]+)*)?\n[A-Za-z0-9._+-]+@[A-Za-z0-9.-]+\n[A-Za-z0-9.-]+@[A-Za-z0-9.-]+\n"
    r"[A-Za-z0-9_-]{48}\n[A-Za-z0-9_-]{48}"
)
_LONGEST_USUAL = 76 - len("To:  <>")
_WORD = r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+"
_MESSAGE_ID = re.compile(f"<?({_WORD}@{_WORD})>?")
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


class BadTemplate(ValueError):
    """The parts cannot be made into a template, or the bytes are none."""


class BadValue(ValueError):
    """A reader's value that cannot stand in a message; the message says which and why, without quoting it."""


@dataclass(frozen=True, slots=True)
class Hello:
    """A part's greeting in quoted-printable, before and after the name."""

    before: bytes
    after: bytes

    def to(self, name: bytes) -> bytes:
        """The greeting for a name that is in quoted-printable already; none for nobody."""
        return self.before + name + self.after if name else b""


_NO_HELLO = Hello(b"", b"")


class ByteTemplate:
    """Pieces and slots in turn: piece, slot, piece, ..., piece. Immutable; use it for any number of readers."""

    __slots__ = ("_frame", "_hello", "_hello_html", "_hello_text", "_names", "_pick")

    def __init__(self, pieces: Sequence[bytes], names: Sequence[str], hello: dict[str, Hello]) -> None:
        if len(pieces) != len(names) + 1 or not set(names) <= set(_SLOTS) or len(names) < 2:
            raise BadTemplate("The pieces and slots of the template do not fit each other; render the variant anew.")
        self._names = tuple(names)
        self._hello = hello
        self._hello_html, self._hello_text = hello.get("html", _NO_HELLO), hello.get("text", _NO_HELLO)
        self._frame: list[bytes] = [b""] * (2 * len(pieces) - 1)
        self._frame[::2] = pieces
        self._pick = itemgetter(*(_SLOTS.index(name) for name in names))

    @classmethod
    def compile(cls, headers: str, *, html: str, text: str, content_hash: str) -> "ByteTemplate":
        """The template of a variant. `headers` are whole lines that end in CRLF, without To, Date and Message-ID.

        The boundary comes from the content's hash and holds "=_", which quoted-printable never does: no content,
        and no reader's value, can contain it.
        """
        if re.search(r"(?<!\r)\n|\r(?!\n)|\r\n(?=\r\n)", headers):
            raise BadHeader("The headers hold a bare line end or an empty line.")
        boundary = f"=_{content_hash[:40]}"
        builder = _Builder()
        builder.header("To: ", "to")
        builder.header("Date: ", "date")
        builder.header("Message-ID: ", "message_id")
        builder.headers(headers)
        builder.static(f'Content-Type: multipart/alternative; boundary="{boundary}"\r\n')
        for kind, part in (("text", text), ("html", html)):
            media = "plain" if kind == "text" else "html"
            builder.static(
                f'\r\n--{boundary}\r\nContent-Type: text/{media}; charset="utf-8"\r\n'
                "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
            )
            builder.body(kind, part)
        builder.static(f"\r\n--{boundary}--\r\n")
        return cls(builder.pieces, builder.names, builder.hello)

    def merge(self, slots: Slots) -> bytes:
        """The complete message for one reader, CRLF throughout, no line begins with a dot. Raises BadValue."""
        to, message_id, html_name, text_name = _usual(slots) or _checked(slots)
        values = (
            to,
            _date(int(slots.date.timestamp())),
            message_id,
            slots.leave_token.encode(),
            slots.settings_token.encode(),
            self._hello_html.to(html_name),
            self._hello_text.to(text_name),
        )
        message = self._frame.copy()
        message[1::2] = self._pick(values)
        return b"".join(message)

    def to_bytes(self) -> bytes:
        """The template for the database: a line of JSON that tells the lengths, then the pieces."""
        pieces = self._frame[::2]
        head = {
            "slots": self._names,
            "lengths": [len(each) for each in pieces],
            "hello": {kind: [hello.before.decode(), hello.after.decode()] for kind, hello in self._hello.items()},
        }
        return _MAGIC + json.dumps(head, separators=(",", ":")).encode() + b"\n" + b"".join(pieces)

    @classmethod
    def from_bytes(cls, stored: bytes) -> "ByteTemplate":
        """The template that `to_bytes` wrote. Raises BadTemplate for anything else."""
        head, _, body = bytes(stored).partition(b"\n")
        if not head.startswith(_MAGIC):
            raise BadTemplate("These bytes are no byte template of this version; render the variant anew.")
        try:
            facts = json.loads(head[len(_MAGIC) :])
            lengths = facts["lengths"]
            hello = {kind: Hello(*(side.encode() for side in sides)) for kind, sides in facts["hello"].items()}
            names = facts["slots"]
        except (ValueError, KeyError, TypeError) as error:
            raise BadTemplate(f"The byte template's head cannot be read: {error}") from error
        if sum(lengths) != len(body):
            raise BadTemplate(f"The byte template is {len(body)} bytes long instead of {sum(lengths)}.")
        pieces, start = [], 0
        for length in lengths:
            pieces.append(body[start : start + length])
            start += length
        return cls(pieces, names, hello)


class _Builder:
    """Collects pieces and slots in the order of the message."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = [b""]
        self.names: list[str] = []
        self.hello: dict[str, Hello] = {}

    def static(self, text: str) -> None:
        self.pieces[-1] += text.encode()

    def slot(self, name: str) -> None:
        self.names.append(name)
        self.pieces.append(b"")

    def header(self, start: str, slot: str) -> None:
        self.static(start)
        self.slot(slot)
        self.static("\r\n")

    def headers(self, block: str) -> None:
        for fragment in _HEADER_PLACES.split(block):
            if fragment == LEAVE:
                self.slot("leave")
            else:
                self.static(fragment)

    def body(self, kind: str, part: str) -> None:
        for fragment in _PLACES.split(part.rstrip("\r\n")):
            if fragment.startswith(HELLO_BEGIN):
                self._greeting(kind, fragment)
            elif fragment in (LEAVE, SETTINGS):
                self.slot("leave" if fragment == LEAVE else "settings")
                self.pieces[-1] = SOFT_BREAK
            else:
                self.pieces[-1] += piece(fragment)

    def _greeting(self, kind: str, fragment: str) -> None:
        match = HELLO.fullmatch(fragment)
        sides = match[1].split(NAME) if match else []
        if kind in self.hello or len(sides) != 2:
            raise BadTemplate(f"The {kind} part must hold one greeting with one name in it.")
        self.hello[kind] = Hello(piece(sides[0]), piece(sides[1]))
        self.slot(f"hello_{kind}")


_Encoded = tuple[bytes, bytes, bytes, bytes]  # To, Message-ID, the name for the HTML part, the name for the text part


def _usual(slots: Slots) -> _Encoded | None:
    """The values as they stand in the message, when one look says that nothing has to be encoded or folded."""
    name, email, message_id = slots.to_name, slots.to_email, slots.message_id
    if not _USUAL.fullmatch(f"{name}\n{email}\n{message_id}\n{slots.leave_token}\n{slots.settings_token}"):
        return None
    if len(name) > 60 or len(name) + len(email) > _LONGEST_USUAL:
        return None
    to, greeted = (f"{name} <{email}>", f"{name}=\r\n".encode()) if name else (email, b"")
    return to.encode(), f"<{message_id}>".encode(), greeted, greeted


def _checked(slots: Slots) -> _Encoded:
    """The same for any values. Raises BadValue."""
    name = slots.to_name
    if _UNPRINTABLE.search(name):
        raise BadValue("The reader's name holds a control character.")
    try:
        to = mailbox("To", name, slots.to_email).encode()[4:]
    except BadHeader as error:
        raise BadValue("The reader's address cannot be mailed.") from error
    message_id = _MESSAGE_ID.fullmatch(slots.message_id)
    if not message_id:
        raise BadValue("The Message-ID must look like word@domain.")
    if not (_TOKEN.fullmatch(slots.leave_token) and _TOKEN.fullmatch(slots.settings_token)):
        raise BadValue("A reader's token must be 48 characters of base64url.")
    greeted, escaped = piece(name), escape(name)
    return to, f"<{message_id[1]}>".encode(), greeted if escaped == name else piece(escaped), greeted


@lru_cache(maxsize=64)
def _date(timestamp: int) -> bytes:
    """RFC 5322's date in UTC; English whatever the locale."""
    return format_datetime(datetime.fromtimestamp(timestamp, UTC)).encode()

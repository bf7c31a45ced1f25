"""Header lines: folded, encoded (RFC 2047), and proof against values that would begin a line of their own (pure)."""

import base64
import re
from functools import lru_cache
from textwrap import wrap
from unicodedata import category

import idna
from django.utils.text import slugify

from newsletter.rendering.context import Publication
from newsletter.rendering.links import Site
from newsletter.rendering.slots import LEAVE

_WIDTH = 76
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?: [A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_ADDRESS = re.compile(r"[^\s<>\"(),:;\\\[\]@\x00-\x20\x7f]+@[^\s<>\"(),:;\\\[\]@\x00-\x20\x7f]+")
_Q_SAFE = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!*+-/")
_Q_FORMS = ["_" if byte == 0x20 else chr(byte) if byte in _Q_SAFE else f"={byte:02X}" for byte in range(256)]
_BREAKING = {"Cc", "Cs", "Zl", "Zp"}


class BadHeader(ValueError):
    """A value that cannot stand in a header; nothing of it was used."""


def standing_headers(publication: Publication, *, subject: str, site: Site) -> str:
    """The headers that are the same for all readers of a variant, one-click link with the token's mark in it.

    RFC 8058 asks for List-Unsubscribe and List-Unsubscribe-Post; RFC 2369 and 2919 for the other List headers.
    """
    list_name = phrase(publication.name, offset=len("List-Id: "))
    mailto = f"<mailto:unsubscribe+{LEAVE}@{publication.domain}?subject=unsubscribe>"
    reply_to = publication.reply_to or publication.from_email
    lines = [
        mailbox("From", publication.from_name, publication.from_email),
        mailbox("Reply-To", "", publication.reply_to) if publication.reply_to else "",
        unstructured("Subject", subject),
        "MIME-Version: 1.0",
        f"Content-Language: {_token(publication.language)}",
        _folded("List-Id", list_name, f"<{_token(publication.list_id)}>"),
        f"List-Unsubscribe: <{site.one_click}>,\r\n {mailto}",
        "List-Unsubscribe-Post: List-Unsubscribe=One-Click",
        f"List-Archive: <{site.archive}>",
        f"List-Help: <{site.home}>",
        f"List-Owner: <mailto:{wire_address(reply_to)}>",
        "List-Post: NO",
        "Precedence: bulk",
    ]
    return "".join(f"{line}\r\n" for line in lines if line)


def feedback_id(publication: Publication, *, segment: str, content_hash: str) -> str:
    """Campaign, segment, kind and sender, for the mailbox providers' complaint reports; it names no reader."""
    sender = slugify(publication.list_id.partition(".")[0])[:15] or "recap"
    return f"Feedback-ID: {content_hash[:12]}:{slugify(segment)[:30] or 'everyone'}:recap:{sender}\r\n"


def mailbox(header: str, name: str, email: str) -> str:
    """A line such as `To: Ada <ada@example.org>`; without a name the address alone."""
    address = wire_address(email)
    if not name:
        return f"{header}: {address}"
    return _folded(header, phrase(name, offset=len(header) + 2), f"<{address}>")


def unstructured(header: str, text: str) -> str:
    """A line of free text, such as the subject."""
    offset = len(header) + 2
    _refuse_breaks(text)
    if text.isascii() and "=?" not in text:
        return f"{header}: " + "\r\n ".join(_words(text, offset))
    return f"{header}: {_encoded(text, offset)}"


def phrase(name: str, *, offset: int = 0) -> str:
    """A name as it may stand before an address: bare, quoted, or in encoded words."""
    _refuse_breaks(name)
    if not name.isascii() or "=?" in name or len(name) > 60:
        return _encoded(name, offset)
    if _ATOMS.fullmatch(name):
        return name
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def wire_address(email: str) -> str:
    """The address as it travels: its domain in ASCII, its local part as it is (non-ASCII needs SMTPUTF8)."""
    if not _ADDRESS.fullmatch(email):
        raise BadHeader(f"“{email[:80]!r}” is no address that can be mailed.")
    if email.isascii():
        return email
    _refuse_breaks(email)
    return _wire_form(email)


@lru_cache(maxsize=1024)
def _wire_form(email: str) -> str:
    local, _, domain = email.rpartition("@")
    try:
        return f"{local}@{idna.encode(domain, uts46=True).decode()}"
    except idna.IDNAError as error:
        raise BadHeader(f"The domain of “{email[:80]}” cannot be written in ASCII: {error}") from error


def _refuse_breaks(text: str) -> None:
    if text.isprintable():
        return
    for character in text:
        if category(character) in _BREAKING:
            raise BadHeader(
                f"{text[:80]!r} holds the control character U+{ord(character):04X}: a header must be one line."
            )


def _token(text: str) -> str:
    """A value that is one word of printable ASCII, such as a list's identifier or a language."""
    if not text or not text.isascii() or not text.isprintable() or set(text) & set(' <>"'):
        raise BadHeader(f"{text[:80]!r} must be one word of plain letters, digits, dots and hyphens.")
    return text


def _folded(header: str, first: str, last: str) -> str:
    line = f"{header}: {first}"
    space = " " if len(line.rpartition("\r\n")[2]) + 1 + len(last) <= _WIDTH else "\r\n "
    return line + space + last


def _words(text: str, offset: int) -> list[str]:
    """The text in lines, broken at its spaces; the first leaves room for the header's name."""
    filler = "x" * offset
    lines = wrap(filler + text, width=_WIDTH - 1, break_long_words=False, break_on_hyphens=False)
    return [lines[0][offset:], *lines[1:]] if lines else []


def _encoded(text: str, offset: int) -> str:
    """The text in encoded words, Q or B, whichever is shorter; a character is never cut in two."""
    raw = text.encode()
    length = len(_q_body(raw))
    quoted = length <= len(raw) * 4 / 3
    encode = _q_word if quoted else _b_word
    room = _room(offset, quoted)
    if (length if quoted else len(raw)) <= room:
        return encode(text)
    words, current, taken = [], "", 0
    for character in text:
        size = len(_q_body(character.encode()) if quoted else character.encode())
        if current and taken + size > room:
            words.append(encode(current))
            current, taken, room = "", 0, _room(0, quoted)
        current += character
        taken += size
    return "\r\n ".join([*words, encode(current)])


def _room(offset: int, quoted: bool) -> int:
    """How much fits into an encoded word at this place of a line: characters of Q, or bytes that B will encode."""
    letters = _WIDTH - 1 - offset - len("=?utf-8?q??=")
    return letters if quoted else letters // 4 * 3


def _q_word(text: str) -> str:
    return f"=?utf-8?q?{_q_body(text.encode())}?="


def _q_body(raw: bytes) -> str:
    return "".join([_Q_FORMS[byte] for byte in raw])


def _b_word(text: str) -> str:
    return f"=?utf-8?b?{base64.b64encode(text.encode()).decode()}?="

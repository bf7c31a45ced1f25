"""Addresses, commands and content as they stand on the line. No bare CR or LF ever does (RFC 5321 2.3.8)."""

import re

import idna

from newsletter.sending.outcomes import Never, OursToMend, Outcome
from newsletter.sending.post import Envelope
from newsletter.sending.smtp.opening import Server

DOT = b".\r\n"
_NO_ADDRESS = re.compile(r"[\x00-\x20\x7f-\x9f<>]")  # none of these may reach the line of a command
_BARE = re.compile(rb"\r(?!\n)|(?<!\r)\n")


def path(address: str) -> tuple[str, bool]:
    """The address as it stands in RCPT, its domain in ASCII where that is possible, and whether it needs SMTPUTF8.

    Raises UnicodeError for a domain that has no ASCII form.
    """
    if _NO_ADDRESS.search(address):
        raise UnicodeError("it holds a sign that no address has")
    if address.isascii():
        return address, False
    local, at, domain = address.rpartition("@")
    if not domain.isascii():
        domain = idna.encode(domain, uts46=True).decode()  # Python's own codec makes strasse.de of straße.de
    return f"{local}{at}{domain}", not local.isascii()


def commands(envelope: Envelope, server: Server) -> tuple[bytes, bytes] | Outcome:
    """MAIL and RCPT for this server; or what the letter comes to when the server need not be asked."""
    try:
        sender, sender_utf8 = path(envelope.sender)
    except UnicodeError as error:
        return OursToMend(553, f"5.1.7 Our address cannot be written in SMTP: {error}")
    try:
        recipient, utf8 = path(envelope.recipient)
    except UnicodeError as error:
        return Never(553, f"5.1.3 The address cannot be written in SMTP: {error}")
    utf8 = utf8 or sender_utf8
    if utf8 and not server.utf8:
        return Never(553, "5.6.7 The relay takes no addresses outside ASCII (SMTPUTF8).")
    size = len(envelope.message)
    if server.most_bytes and size > server.most_bytes:
        return Never(552, f"5.3.4 The message has {size} bytes; the relay takes {server.most_bytes} at most.")
    mail = f"MAIL FROM:<{sender}>"
    if server.sized:
        mail += f" SIZE={size}"
    if utf8:
        mail += " BODY=8BITMIME SMTPUTF8"
    elif not (envelope.dot_free or envelope.message.isascii()):
        if not server.eight_bit:
            return Never(554, "5.6.3 The message has 8-bit content, and the relay takes none (8BITMIME).")
        mail += " BODY=8BITMIME"
    return f"{mail}\r\n".encode(), f"RCPT TO:<{recipient}>\r\n".encode()


def content(envelope: Envelope, *, chunked: bool) -> list[bytes]:
    """The message on the line, in pieces, with what tells its end: the dot, or BDAT's count (RFC 3030)."""
    message = envelope.message
    if not envelope.dot_free:
        message = whole(message) if chunked else stuffed(message)
    if chunked:
        return [b"BDAT %d LAST\r\n" % len(message), message]
    return [message, DOT]


def whole(message: bytes) -> bytes:
    """With CRLF at the end of every line, the last one included."""
    ends = message.count(b"\r\n")
    if message.count(b"\n") != ends or message.count(b"\r") != ends:
        message = _BARE.sub(b"\r\n", message)
    return message if message.endswith(b"\r\n") else message + b"\r\n"


def stuffed(message: bytes) -> bytes:
    """The message as it stands after DATA: whole, and dots at line beginnings doubled; no dot yet."""
    body = whole(message).replace(b"\r\n.", b"\r\n..")
    return b"." + body if body.startswith(b".") else body

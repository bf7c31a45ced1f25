"""From the greeting to the moment that letters may come: EHLO, STARTTLS (RFC 3207), AUTH (RFC 4954). Pure.

`enter` is a generator: it yields what to send, or SECURE, and is sent the server's next reply.
"""

import base64
from collections.abc import Generator
from dataclasses import dataclass
from typing import Final

from newsletter.sending.relay import Relay
from newsletter.sending.smtp.replies import Reply

LISTEN: Final = b""  # nothing to send: the greeting comes by itself
SECURE: Final = None  # TLS begins here


class NotLetIn(Exception):
    """The server does not take us, or not as safely as was asked for; the text says why, without the password."""


@dataclass(frozen=True, slots=True)
class Server:
    """What it can do (EHLO). `most_bytes` 0: no limit that we know of."""

    pipelining: bool = False
    chunking: bool = False
    eight_bit: bool = False
    utf8: bool = False
    sized: bool = False
    most_bytes: int = 0
    starttls: bool = False
    mechanisms: frozenset[str] = frozenset()


Conversation = Generator[bytes | None, Reply, Server]


def enter(relay: Relay, *, name: str) -> Conversation:
    """`name` is our own, as EHLO tells it. Returns what the server can do; raises NotLetIn."""
    greeting = yield LISTEN
    _demand(greeting, 220)
    server = yield from _hello(name)
    if relay.starttls:
        if not server.starttls:
            raise NotLetIn("it offers no STARTTLS")
        _demand((yield b"STARTTLS\r\n"), 220)
        yield SECURE
        server = yield from _hello(name)  # what was said in the clear, anybody may have said
    if relay.user:
        yield from _authenticate(relay, server)
    return server


def _hello(name: str) -> Conversation:
    reply = yield f"EHLO {name}\r\n".encode()
    if 500 <= reply.code < 600:  # it knows no EHLO: RFC 5321 3.2
        _demand((yield f"HELO {name}\r\n".encode()), 250)
        return Server()
    _demand(reply, 250)
    return _offers(reply)


def _offers(reply: Reply) -> Server:
    """The first line of the answer is the server's name, each further one names what it can do."""
    offers: dict[str, list[str]] = {}
    for line in reply.text.decode("latin-1").upper().split("\n")[1:]:
        keyword, *words = line.replace("AUTH=", "AUTH ").split() or [""]
        offers.setdefault(keyword, []).extend(words)
    size = offers.get("SIZE", [])
    return Server(
        pipelining="PIPELINING" in offers,
        chunking="CHUNKING" in offers,
        eight_bit="8BITMIME" in offers,
        utf8="SMTPUTF8" in offers,
        sized="SIZE" in offers,
        most_bytes=int(size[0]) if size and size[0].isdecimal() else 0,
        starttls="STARTTLS" in offers,
        mechanisms=frozenset(offers.get("AUTH", [])),
    )


def _authenticate(relay: Relay, server: Server) -> Conversation:
    if "PLAIN" in server.mechanisms:
        secrets = [_base64(f"\0{relay.user}\0{relay.password}")]
        reply = yield b"AUTH PLAIN %b\r\n" % secrets[0]
    elif "LOGIN" in server.mechanisms:
        secrets = [_base64(relay.user), _base64(relay.password)]
        reply = yield b"AUTH LOGIN\r\n"
        for secret in secrets:
            if reply.code != 334:
                break
            reply = yield secret + b"\r\n"
    else:
        raise NotLetIn("it offers neither AUTH PLAIN nor AUTH LOGIN")
    if reply.code != 235:
        words = str(reply)
        for told in (relay.password, *(secret.decode() for secret in secrets)):
            words = words.replace(told, "...") if told else words  # some servers repeat what they do not like
        raise NotLetIn(words)
    return server


def _base64(text: str) -> bytes:
    return base64.b64encode(text.encode())


def _demand(reply: Reply, code: int) -> None:
    if reply.code != code:
        raise NotLetIn(str(reply))

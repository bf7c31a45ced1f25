"""One SMTP connection (RFC 5321): what becomes of a message is a value, never an exception.

smtplib opens it (EHLO, STARTTLS, AUTH); from there on every byte is sent and awaited here, because the moment of the
dot matters: before it nothing can have been taken, after it anything can. The wait for the answer to the dot is ten
minutes and nothing shortens it.
"""

import contextlib
import re
import select
import smtplib
import socket
import ssl
import time
from dataclasses import dataclass
from typing import Protocol

import idna

from newsletter.sending.outcomes import Accepted, Doubt, Halted, Later, Never, NotSent, OursToMend, Outcome, plain
from newsletter.sending.relay import Relay

CONNECT_SECONDS = 20
COMMAND_SECONDS = 300  # RFC 5321 4.5.3.2: five minutes for MAIL and RCPT
ANSWER_SECONDS = 600  # and ten for the answer to the dot
LONGEST_LINE = 8192
_SLICE = 0.5  # how often a wait looks up
_DOT = b".\r\n"
_NO_ADDRESS = re.compile(r"[\x00-\x20\x7f-\x9f<>]")  # none of these may reach the line of a command
_REPLY = re.compile(rb"(\d{3})([ -]?)(.*)", re.DOTALL)


class RelayDown(Exception):
    """No connection to the relay, or none that lets us in; the text says why."""


class Halt(Exception):
    """Raised by a gate: this message must not go on to its dot."""


class Gate(Protocol):
    """Who watches over a message on its way. All are called in the sender's own thread."""

    def may_go_on(self) -> bool:
        """Asked at least every second, also while waiting; before the dot, False ends the attempt."""

    def at_dot(self) -> None:
        """The dot is next. Raises Halt (or OSError) to withhold it."""

    def answered(self, code: int) -> None:
        """The server's answer to the dot."""


class OpenGate:
    """For single mails, which no ledger counts."""

    def may_go_on(self) -> bool:
        return True

    def at_dot(self) -> None:
        pass

    def answered(self, code: int) -> None:
        pass


@dataclass(frozen=True)
class Envelope:
    """`message` is complete, with CRLF line ends, and not yet dot-stuffed."""

    sender: str
    recipient: str
    message: bytes


class _Broken(Exception):
    """The connection is of no more use."""


@dataclass(frozen=True)
class _Reply:
    code: int
    words: str


class Connection:
    """To one relay. After `is_broken` it is only good for closing."""

    def __init__(self, relay: Relay, *, answer_seconds: float = ANSWER_SECONDS) -> None:
        self._answer_seconds = answer_seconds
        self._smtp = _open(relay)
        if self._smtp.sock is None:
            raise RelayDown(f"relay {relay} closed the connection at once")
        self._socket: socket.socket = self._smtp.sock
        self._socket.settimeout(0)
        self._buffer = b""
        self.is_broken = False
        self.takes_utf8 = self._smtp.has_extn("smtputf8")

    def deliver(self, envelope: Envelope, gate: Gate) -> Outcome:
        """Send one message and wait for what becomes of it."""
        try:
            recipient, utf8 = path(envelope.recipient)
        except UnicodeError as error:
            return Never(553, f"5.1.3 The address cannot be written in SMTP: {error}")
        if utf8 and not self.takes_utf8:
            return Never(553, "5.6.7 The relay takes no addresses outside ASCII (SMTPUTF8).")
        try:
            return self._envelope(envelope, recipient, utf8, gate) or self._content(envelope.message, gate)
        except Halt:
            self.break_off()
            return Halted()
        except (_Broken, OSError) as error:
            self.break_off()
            return NotSent(f"the connection was lost before the dot: {error}")

    def close(self) -> None:
        """Say good-bye, if there is still somebody to say it to, and close."""
        if not self.is_broken:
            with contextlib.suppress(OSError):
                self._socket.send(b"QUIT\r\n")
        self.break_off()

    def break_off(self) -> None:
        """Close without a word: the server forgets a message whose dot it has not seen (RFC 5321 4.1.1.10)."""
        self.is_broken = True
        with contextlib.suppress(OSError):
            self._smtp.close()

    def _envelope(self, envelope: Envelope, recipient: str, utf8: bool, gate: Gate) -> Outcome | None:
        mail = f"MAIL FROM:<{envelope.sender}>" + (" BODY=8BITMIME SMTPUTF8" if utf8 else "")
        reply = self._ask(mail, gate)
        if reply.code >= 500:
            return self._refused(OursToMend(reply.code, reply.words), gate)
        if reply.code != 250:
            return self._refused(_as_refusal(reply), gate)
        reply = self._ask(f"RCPT TO:<{recipient}>", gate)
        if reply.code not in (250, 251):
            return self._refused(_as_refusal(reply), gate)
        reply = self._ask("DATA", gate)
        return None if reply.code == 354 else self._refused(_as_refusal(reply), gate)

    def _content(self, message: bytes, gate: Gate) -> Outcome:
        self._send(stuffed(message), gate)
        if early := self._early_words(gate):
            return early
        if not gate.may_go_on():
            raise Halt
        gate.at_dot()
        return self._after_the_dot(gate)

    def _after_the_dot(self, gate: Gate) -> Outcome:
        """From here on no exception may leave: it would pass for "not sent"."""
        try:
            self._send(_DOT, gate, until_done=True)
            reply = self._hear(gate, seconds=self._answer_seconds, until_done=True)
        except (_Broken, OSError) as error:
            self.break_off()
            return Doubt(f"The connection was lost after the dot: {error}")
        gate.answered(reply.code)
        if 200 <= reply.code < 300:
            return Accepted(reply.code, reply.words)
        if reply.code == 421:
            self.break_off()
        if 400 <= reply.code < 600:
            return _as_refusal(reply)
        self.break_off()
        return Doubt(f"The server gave no answer to the dot, but {plain(f'{reply.code} {reply.words}')}")

    def _refused(self, outcome: Outcome, gate: Gate) -> Outcome:
        """Clear the way for the next message after one that was refused."""
        if isinstance(outcome, NotSent):
            self.break_off()
            return outcome
        try:
            if self._ask("RSET", gate).code != 250:
                self.break_off()
        except (_Broken, OSError, Halt):
            self.break_off()
        return outcome

    def _early_words(self, gate: Gate) -> Outcome | None:
        """A server that has spoken, or hung up, before the dot has not taken the message: no doubt need arise."""
        if not self._buffer and not self._received():
            return None
        reply = self._hear(gate, seconds=COMMAND_SECONDS)
        self.break_off()
        return _as_refusal(reply)

    def _ask(self, command: str, gate: Gate) -> _Reply:
        self._send(f"{command}\r\n".encode(), gate)
        return self._hear(gate, seconds=COMMAND_SECONDS)

    def _send(self, data: bytes, gate: Gate, *, until_done: bool = False) -> None:
        view = memoryview(data)
        last = time.monotonic()
        while view:
            if not gate.may_go_on() and not until_done:
                raise Halt
            try:
                sent = self._socket.send(view)
            except (BlockingIOError, ssl.SSLWantWriteError, ssl.SSLWantReadError):
                if time.monotonic() - last > COMMAND_SECONDS:
                    raise _Broken("the server reads no more") from None
                _wait(self._socket, read=False, seconds=_SLICE)
                continue
            view, last = view[sent:], time.monotonic()

    def _hear(self, gate: Gate, *, seconds: float, until_done: bool = False) -> _Reply:
        """The server's whole reply, of one line or several."""
        ends = time.monotonic() + seconds
        words: list[str] = []
        while True:
            line = self._line(gate, ends=ends, until_done=until_done)
            match = _REPLY.match(line)
            if match is None:
                raise _Broken(f"the server speaks no SMTP: {plain(line[:80].decode('latin-1'))}")
            words.append(match[3].decode("utf-8", "replace").strip())
            if match[2] != b"-":
                return _Reply(int(match[1]), " ".join(words))

    def _line(self, gate: Gate, *, ends: float, until_done: bool) -> bytes:
        while b"\n" not in self._buffer:
            if len(self._buffer) > LONGEST_LINE:
                raise _Broken("the server's line has no end")
            if not gate.may_go_on() and not until_done:
                raise Halt
            if time.monotonic() > ends:
                raise _Broken("the server does not answer")
            if not self._received():
                _wait(self._socket, read=True, seconds=_SLICE)
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line.rstrip(b"\r")

    def _received(self) -> bool:
        """Take in what has arrived, if anything has. A readable socket alone proves nothing: TLS speaks to itself."""
        try:
            data = self._socket.recv(LONGEST_LINE)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return False
        if not data:
            raise _Broken("the server hung up")
        self._buffer += data
        return True


def path(address: str) -> tuple[str, bool]:
    """The address as it stands in RCPT, its domain in ASCII where that is possible, and whether it needs SMTPUTF8.

    Raises UnicodeError for a domain that has no ASCII form.
    """
    if _NO_ADDRESS.search(address):
        raise UnicodeError("it holds a sign that no address has")
    local, at, domain = address.rpartition("@")
    if not domain.isascii():
        domain = idna.encode(domain, uts46=True).decode()  # Python's own codec makes strasse.de of straße.de
    return f"{local}{at}{domain}", not local.isascii()


def stuffed(message: bytes) -> bytes:
    """The message as it stands after DATA: dots at line beginnings doubled, CRLF at its end, no dot yet."""
    body = message.replace(b"\r\n.", b"\r\n..")
    if body.startswith(b"."):
        body = b"." + body
    return body if body.endswith(b"\r\n") else body + b"\r\n"


def _as_refusal(reply: _Reply) -> Outcome:
    if reply.code == 421:
        return NotSent(plain(f"421 {reply.words}"))
    if 400 <= reply.code < 500:
        return Later(reply.code, reply.words)
    if 500 <= reply.code < 600:
        return Never(reply.code, reply.words)
    raise _Broken(f"the server's answer makes no sense here: {plain(f'{reply.code} {reply.words}')}")


def _open(relay: Relay) -> smtplib.SMTP:
    context = ssl.create_default_context()
    try:
        smtp: smtplib.SMTP
        if relay.tls:
            smtp = smtplib.SMTP_SSL(relay.host, relay.port, timeout=CONNECT_SECONDS, context=context)
        else:
            smtp = smtplib.SMTP(relay.host, relay.port, timeout=CONNECT_SECONDS)
    except (OSError, smtplib.SMTPException) as error:
        raise RelayDown(f"relay {relay} does not answer: {plain(str(error))}") from error
    try:
        smtp.ehlo_or_helo_if_needed()
        if relay.starttls:
            smtp.starttls(context=context)
            smtp.ehlo()
        if relay.user:
            smtp.login(relay.user, relay.password)
    except (OSError, smtplib.SMTPException) as error:
        smtp.close()
        raise RelayDown(f"relay {relay} does not let us in: {plain(str(error))}") from error
    return smtp


def _wait(connection: socket.socket, *, read: bool, seconds: float) -> None:
    poll = select.poll()
    poll.register(connection, select.POLLIN if read else select.POLLOUT)
    poll.poll(seconds * 1000)

"""The way in, on a line that never waits: connect, TLS where it is asked for, and the words of opening.py."""

import ssl
from collections.abc import Callable
from enum import Enum

from newsletter.sending.outcomes import plain
from newsletter.sending.relay import Relay
from newsletter.sending.smtp import opening
from newsletter.sending.smtp.line import Address, Line, our_name
from newsletter.sending.smtp.opening import NotLetIn, Server
from newsletter.sending.smtp.replies import Replies, Reply

CONNECT_SECONDS = 20.0
OPENING_SECONDS = 30.0  # for each answer: a relay that says nothing shall not pass for one that works


class Stage(Enum):
    CONNECTING = "connecting"
    SECURING = "securing"
    TALKING = "talking"


class Entrance:
    """Of one connection, used once."""

    def __init__(self, relay: Relay, address: Address, *, context: Callable[[], ssl.SSLContext], now: float) -> None:
        """Begins to connect. Raises OSError."""
        self.line = Line(address)
        self.overdue_at = now + CONNECT_SECONDS
        self._relay = relay
        self._context = context
        self._stage = Stage.CONNECTING
        self._words = opening.enter(relay, name=our_name())
        self._replies = Replies()
        self._out = b""
        self._was_greeted = False

    @property
    def is_connected(self) -> bool:
        return self._stage is not Stage.CONNECTING

    def proceed(self, now: float) -> Server | None:
        """Go on as far as can be now; what the server can do, once letters may come. Raises NotLetIn, OSError."""
        if self._stage is Stage.CONNECTING:
            self.line.finish_connecting()
            self.overdue_at = now + OPENING_SECONDS
            if self._relay.tls:
                self._secure()
            else:
                self._speak()
        if self._stage is Stage.SECURING:
            if not self.line.shaken():
                return None
            self._speak()
        return self._listen(now)

    def trouble(self, words: str) -> str:
        """How the failure is told to an operator."""
        kind = "does not let us in" if self._was_greeted or self._stage is Stage.SECURING else "does not answer"
        return f"relay {self._relay} {kind}: {plain(words)}"

    def _listen(self, now: float) -> Server | None:
        self._send()
        data = self.line.receive()
        replies = self._replies.read(data) if data else []
        if self._replies.fault:
            raise NotLetIn(self._replies.fault)
        if len(replies) > 1 or (replies and self._replies.is_between):
            # Before TLS, somebody else may have put it there (RFC 3207, 6).
            raise NotLetIn("it speaks before it is asked")
        server = self._heard(replies[0], now) if replies else None
        if server is None and self.line.has_ended:
            raise NotLetIn("it hung up")
        return server

    def _heard(self, reply: Reply, now: float) -> Server | None:
        self._was_greeted = True
        self.overdue_at = now + OPENING_SECONDS
        try:
            words = self._words.send(reply)
        except StopIteration as entered:
            server: Server = entered.value
            return server
        if words is opening.SECURE:
            self._secure()
            return self.proceed(now)
        self._out = words
        self._send()
        return None

    def _secure(self) -> None:
        self.line.secure(self._context(), self._relay.host)
        self._stage = Stage.SECURING

    def _speak(self) -> None:
        """Begin to talk, or go on with what is to be said under TLS."""
        self._stage = Stage.TALKING
        self._out = next(self._words) or b""

    def _send(self) -> None:
        if self._out:
            self._out = self._out[self.line.send([self._out]) :]

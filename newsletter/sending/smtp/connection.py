"""One connection to a relay, from the first packet to QUIT: it is let in, carries letters, and says why it ended."""

import contextlib
import ssl
from collections.abc import Callable

from newsletter.sending.post import Source
from newsletter.sending.relay import Relay
from newsletter.sending.smtp.dialogue import Dialogue
from newsletter.sending.smtp.entrance import Entrance
from newsletter.sending.smtp.line import Address
from newsletter.sending.smtp.opening import NotLetIn

_SILENT, _STUCK = "the server does not answer", "the server reads no more"
_QUIT = b"QUIT\r\n"


class Connection:
    """`fault`: why it ended before its time. `dialogue` stands once it is let in."""

    def __init__(
        self,
        relay: Relay,
        source: Source,
        address: Address,
        *,
        context: Callable[[], ssl.SSLContext],
        answer_seconds: float,
        now: float,
    ) -> None:
        """Begins to connect. Raises OSError."""
        self.relay = relay
        self.fault = ""
        self.has_ended = False
        self.dialogue: Dialogue | None = None
        self._source = source
        self._answer_seconds = answer_seconds
        self._since = now  # of the last byte sent or reply received
        self._entrance = Entrance(relay, address, context=context, now=now)
        self._line = self._entrance.line
        self.number = self._line.fileno()

    @property
    def is_connected(self) -> bool:
        return self._entrance.is_connected

    @property
    def wants_write(self) -> bool:
        return self._line.wants_write

    @property
    def overdue_at(self) -> float:
        return self._since + self.dialogue.patience if self.dialogue else self._entrance.overdue_at

    @property
    def in_hand(self) -> int:
        return self.dialogue.in_hand if self.dialogue else 0

    def act(self, now: float) -> None:
        """Do what can be done, because the socket says that something can."""
        if self.dialogue is None:
            self._enter(now)
        elif self._receive(self.dialogue, now):
            self._carry(self.dialogue, now)

    def carry(self, now: float) -> None:
        """Ask the source for letters while there is room, and send what is to be sent; only once it is let in."""
        dialogue = self.dialogue
        assert dialogue is not None
        if dialogue.is_quiet and not self._receive(dialogue, now):
            return  # it had hung up meanwhile, and no letter shall suffer for that
        self._carry(dialogue, now)

    def check(self, now: float) -> None:
        """Whether the server has kept us waiting for too long."""
        if now < self.overdue_at:
            return
        if self.dialogue is None:
            self._end(self._entrance.trouble(_SILENT))
        else:
            self._lost(self.dialogue, _STUCK if self.dialogue.out.size else _SILENT)

    def rest(self) -> None:
        """Take no letter any more, and end once what is under way has ended."""
        if self.dialogue is None:
            self._end()
        else:
            self.dialogue.rest()
            self._settle(self.dialogue)

    def halt(self) -> None:
        """End, unless a letter's dot has left: then after its answer."""
        if self.dialogue is None:
            self._end()
        else:
            self.dialogue.halt()
            self._settle(self.dialogue)

    def close(self) -> None:
        """End now, whatever is in hand."""
        if self.dialogue is None:
            self._end()
        elif self.dialogue.is_quiet:
            self.rest()
        else:
            self._lost(self.dialogue, "it was closed")

    def _enter(self, now: float) -> None:
        try:
            server = self._entrance.proceed(now)
        except (NotLetIn, OSError) as error:
            self._end(self._entrance.trouble(_words(error)))
            return
        if server:
            self._since = now
            self.dialogue = Dialogue(
                self._source, server, most=self.relay.messages, answer_seconds=self._answer_seconds
            )

    def _carry(self, dialogue: Dialogue, now: float) -> None:
        while dialogue.has_room:
            envelope = self._source.next_envelope(self.relay)
            if envelope is None:
                break
            dialogue.take(envelope)
        dialogue.load()
        self._send(dialogue, now)
        self._settle(dialogue)

    def _send(self, dialogue: Dialogue, now: float) -> None:
        while dialogue.out.size and dialogue.may_go_on():
            try:
                count = self._line.send(dialogue.out.pieces)
            except OSError as error:
                self._hear_last(dialogue)
                self._lost(dialogue, _words(error))
                return
            if not count:
                return
            if not dialogue.awaits_answer:
                self._since = now
            dialogue.out.sent(count)

    def _receive(self, dialogue: Dialogue, now: float) -> bool:
        """Take in what has arrived; whether the line still holds."""
        try:
            data = self._line.receive()
        except OSError as error:
            self._lost(dialogue, _words(error))
            return False
        if data and dialogue.received(data):
            self._since = now
        if dialogue.broken:
            self._end(dialogue.broken)
        elif self._line.has_ended:
            self._lost(dialogue, "the server hung up")
        return not self.has_ended

    def _hear_last(self, dialogue: Dialogue) -> None:
        """A server that reads no more may have said why."""
        with contextlib.suppress(OSError):
            while not dialogue.broken and (data := self._line.receive()):
                dialogue.received(data)

    def _lost(self, dialogue: Dialogue, words: str) -> None:
        if not dialogue.broken:
            dialogue.lost(words)
        self._end(dialogue.broken)

    def _settle(self, dialogue: Dialogue) -> None:
        if dialogue.broken:
            self._end(dialogue.broken)
        elif dialogue.is_done:
            with contextlib.suppress(OSError):
                self._line.send([_QUIT])
            self._end()

    def _end(self, fault: str = "") -> None:
        self.fault = fault
        self.has_ended = True
        self._line.close()


def _words(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)

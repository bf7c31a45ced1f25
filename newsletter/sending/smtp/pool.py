"""The Post over SMTP: connections to one relay or several, in one loop (post.Post)."""

import ssl
import time
from collections.abc import Sequence

from django.conf import settings

from newsletter.sending.post import Source
from newsletter.sending.relay import Relay
from newsletter.sending.smtp.connection import Connection
from newsletter.sending.smtp.dialogue import ANSWER_SECONDS
from newsletter.sending.smtp.watch import best_watch
from newsletter.sending.smtp.way import Way, share_out

LOOK_SECONDS = 0.5  # how often silence is looked for
LOOKUP_SECONDS = 0.01  # how often, while a relay's address is being looked up
MOST_ROUNDS = 8  # through the loop in one step


class Pool:
    """`connections` to all relays together, shared out by weight."""

    def __init__(
        self,
        relays: Sequence[Relay],
        source: Source,
        *,
        connections: int | None = None,
        answer_seconds: float = ANSWER_SECONDS,
    ) -> None:
        self._ways = [Way(relay) for relay in relays]
        self._source = source
        self._total = connections or settings.SEND_CONNECTIONS
        self._answer_seconds = answer_seconds
        self._watch = best_watch()
        self._ways_of: dict[Connection, Way] = {}
        self._by_number: dict[int, Connection] = {}
        self._writing: set[Connection] = set()  # those watched for writing too
        self._hungry: set[Connection] = set()  # those that could take a letter when there was none
        self._look_at = 0.0
        self._halted = False
        self._tls: ssl.SSLContext | None = None

    @property
    def in_hand(self) -> int:
        return sum(connection.in_hand for connection in self._ways_of)

    @property
    def down(self) -> str:
        return "; ".join(way.words for way in self._ways) if all(way.is_down for way in self._ways) else ""

    def step(self, seconds: float) -> None:
        for again in range(MOST_ROUNDS):
            now = time.monotonic()
            if now >= self._look_at:
                self._look(now)
            self._feed(now)
            if self._halted and not self._ways_of:
                return
            wait = 0.0 if again else max(0.0, min(seconds, self._look_at - now))
            able = self._watch.wait(wait)
            if not able:
                return
            now = time.monotonic()
            for number in able:
                self._act(self._by_number[number], now)
            if self._hungry or len(able) == 1:  # the source has nothing, or there is time to look around
                return

    def halt(self) -> None:
        self._halted = True
        self._hungry.clear()
        for connection in list(self._ways_of):
            connection.halt()
            self._after(connection, time.monotonic())

    def close(self) -> None:
        self._halted = True
        for connection in list(self._ways_of):
            connection.close()
            self._after(connection, time.monotonic())
        self._watch.close()

    def _feed(self, now: float) -> None:
        """Ask again for those that could take a letter; first those that have none."""
        if not self._hungry:
            return
        for connection in sorted(self._hungry, key=lambda connection: connection.in_hand):
            connection.carry(now)
            self._after(connection, now)

    def _act(self, connection: Connection, now: float) -> None:
        was_in = connection.dialogue is not None
        connection.act(now)
        if connection.dialogue is not None and not was_in:
            self._ways_of[connection].let_in()
            self._look_at = 0.0
        self._after(connection, now)

    def _after(self, connection: Connection, now: float) -> None:
        """See what has become of a connection that did something."""
        if connection.has_ended:
            self._forget(connection, now)
            return
        writing, dialogue = connection.wants_write, connection.dialogue
        if writing != (connection in self._writing):
            self._watch.change(connection.number, writing=writing)
            (self._writing.add if writing else self._writing.discard)(connection)
        if dialogue is not None and dialogue.has_room:
            self._hungry.add(connection)
        else:
            self._hungry.discard(connection)

    def _forget(self, connection: Connection, now: float) -> None:
        self._watch.drop(connection.number)
        del self._by_number[connection.number]
        self._hungry.discard(connection)
        self._writing.discard(connection)
        way = self._ways_of.pop(connection)
        if self._halted:
            way.connections.remove(connection)
        else:
            way.ended(connection, now)
        self._look_at = 0.0

    def _look(self, now: float) -> None:
        """After silence, and whether each way has the connections that it should have."""
        self._look_at = now + LOOK_SECONDS
        for connection in list(self._ways_of):
            connection.check(now)
            self._after(connection, now)
        if self._halted:
            return
        share_out(self._ways, self._total)
        for way in self._ways:
            for connection in way.connections[way.wanted :]:
                connection.rest()
                self._after(connection, now)
            for _ in range(way.missing(now)):
                self._open(way, now)
            if way.is_looking:
                self._look_at = now + LOOKUP_SECONDS
            elif way.retry_at > now:
                self._look_at = min(self._look_at, way.retry_at)

    def _open(self, way: Way, now: float) -> None:
        address = way.address(now)
        if address is None:
            return
        context, answer_seconds = self._context, self._answer_seconds
        try:
            connection = Connection(
                way.relay, self._source, address, context=context, answer_seconds=answer_seconds, now=now
            )
        except OSError as error:
            way.unreachable(f"relay {way.relay} cannot be called: {error.strerror or error}", now)
            return
        way.connections.append(connection)
        self._ways_of[connection] = way
        self._by_number[connection.number] = connection
        self._writing.add(connection)
        self._watch.add(connection.number, writing=True)

    def _context(self) -> ssl.SSLContext:
        """Made when TLS is first needed: reading the certificates takes a while."""
        if self._tls is None:
            self._tls = ssl.create_default_context()
        return self._tls

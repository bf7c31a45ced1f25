"""One relay as a way out: its connections, and how long to leave it alone after it failed."""

import logging

from newsletter.sending.relay import Relay
from newsletter.sending.smtp.connection import Connection
from newsletter.sending.smtp.line import Address, Lookup

FIRST_REST, LONGEST_REST = 1.0, 60.0  # seconds; doubled with each failure
BREAKS_IN_A_ROW = 3  # connections lost without a word on any letter, before the relay counts as down
ADDRESSES_LAST = 60.0

logger = logging.getLogger(__name__)


class Way:
    """`wanted` connections are kept open, none opened before `retry_at`; `words` tell why it is down, if it is."""

    def __init__(self, relay: Relay) -> None:
        self.relay = relay
        self.wanted = 0
        self.words = ""
        self.connections: list[Connection] = []
        self.retry_at = 0.0
        self._refusals = 0  # in a row: no connection was to be had, or none that lets us in
        self._breaks = 0  # in a row: one was lost before a word on any letter
        self._lookup: Lookup | None = None
        self._looked_up_at = 0.0
        self._turn = 0  # which of the addresses
        self._turns = 0  # how many of them failed, one after the other

    @property
    def is_down(self) -> bool:
        return bool(self.words)

    @property
    def is_looking(self) -> bool:
        return self._lookup is not None and not self._lookup.is_done

    @property
    def _is_of_use(self) -> bool:
        """Whether a word on a letter was heard over one of the connections that stand."""
        return any(each.dialogue and each.dialogue.verdicts for each in self.connections)

    def missing(self, now: float) -> int:
        """How many connections to open now: one after the other, until the relay has shown that it is well."""
        lacking = self.wanted - len(self.connections)
        if lacking <= 0 or now < self.retry_at:
            return 0
        open_ones = sum(connection.dialogue is not None for connection in self.connections)
        if self._breaks and not self._is_of_use:
            return 0 if self.connections else 1
        if self._refusals or not open_ones:
            return 1 if open_ones == len(self.connections) else 0
        return lacking

    def address(self, now: float) -> Address | None:
        """Where it is; None while that is being looked up, or cannot be found."""
        if self._lookup is None or (self._lookup.is_done and now > self._looked_up_at + ADDRESSES_LAST):
            self._lookup, self._looked_up_at, self._turn = Lookup(self.relay.host, self.relay.port), now, 0
        if not self._lookup.is_done:
            return None
        if not self._lookup.addresses:
            self._refused(f"relay {self.relay} cannot be found: {self._lookup.fault}", now)
            self._lookup = None
            return None
        return self._lookup.addresses[self._turn % len(self._lookup.addresses)]

    def let_in(self) -> None:
        """A connection is ready for letters."""
        self.words = ""
        self._refusals = self._turns = 0

    def unreachable(self, words: str, now: float) -> None:
        """One of its addresses does not answer: the next one is tried, and after the last it counts."""
        self._turn += 1
        self._turns += 1
        if self._lookup is None or self._turns >= len(self._lookup.addresses):
            self._turns = 0
            self._refused(words, now)

    def ended(self, connection: Connection, now: float) -> None:
        """A connection is over. One that was of use is replaced at once."""
        self.connections.remove(connection)
        fault, dialogue = connection.fault, connection.dialogue
        if dialogue is None and fault:
            tell = self._refused if connection.is_connected else self.unreachable
            tell(fault, now)
        elif dialogue is not None and dialogue.verdicts:
            self._breaks = 0
        elif dialogue is not None and fault:
            self._breaks = 1 if self._is_of_use else self._breaks + 1
            self._rest(self._breaks, now)
            if self._breaks >= BREAKS_IN_A_ROW:
                self._goes_down(f"relay {self.relay} breaks connections off: {fault}")

    def _refused(self, words: str, now: float) -> None:
        if now >= self.retry_at:  # of several at once, one counts
            self._refusals += 1
            self._rest(self._refusals, now)
        self._goes_down(words)

    def _rest(self, failures: int, now: float) -> None:
        self.retry_at = now + min(LONGEST_REST, FIRST_REST * 2.0 ** min(failures - 1, 10))

    def _goes_down(self, words: str) -> None:
        if any(connection.dialogue for connection in self.connections):
            return
        if not self.words:
            logger.info("relay down", extra={"detail": words})
        self.words = words


def share_out(ways: list[Way], total: int) -> None:
    """Say how many connections each way shall have. Those that are down keep one, to find out when they are well."""
    first = [way for way in ways if way.relay.weight]
    in_use = [way for way in first if not way.is_down] or [way for way in ways if not way.is_down]
    whole = sum(way.relay.weight or 1 for way in in_use)
    for way in ways:
        share = max(1, round(total * (way.relay.weight or 1) / whole)) if way in in_use else 0
        probing = 1 if way.is_down and (way.relay.weight or not in_use) else 0
        way.wanted = (way.relay.connections or share) if way in in_use else probing

"""The narrow door between a lane and the wire: a Post carries the envelopes of a Source, and tells what became of each.

SMTP relays (smtp/pool.py) and HTTP providers (providers/pool.py) stand behind it. Everything happens in the thread that
calls `Post.step`.
"""

from dataclasses import dataclass
from typing import Any, Protocol

from newsletter.sending.outcomes import Outcome
from newsletter.sending.relay import Relay


@dataclass(slots=True)  # frozen, it would take five times as long to make, once a message
class Envelope:
    """`message` is complete, with CRLF line ends, the last one included, and not dot-stuffed.

    `dot_free`, as byte templates are: no line begins with a dot, every line ends in CRLF and the content is ASCII, so
    that it leaves as it is. `about` is the source's own reference.
    """

    sender: str
    recipient: str
    message: bytes
    dot_free: bool = False
    about: Any = None


class Halt(Exception):
    """Raised by a source at the dot: this message must not leave."""


class Source(Protocol):
    """Whose letters are carried. Each envelope that was handed out ends exactly once."""

    def next_envelope(self, relay: Relay) -> Envelope | None:
        """The next one for this relay, or None: nothing now."""

    def lease_holds(self, envelope: Envelope) -> bool:
        """Asked before each further write of a message whose dot has not left yet; False cuts the connection."""

    def at_dot(self, envelope: Envelope) -> None:
        """Its dot is next, whatever happens then. Raises Halt or OSError to withhold it."""

    def answered(self, envelope: Envelope, code: int) -> None:
        """The server's answer after `at_dot`; 421 when it was surely not taken after all."""

    def ended(self, envelope: Envelope, outcome: Outcome) -> None:
        """What became of it."""


class Post(Protocol):
    """Carries envelopes. `in_hand` counts those handed out and not ended."""

    @property
    def in_hand(self) -> int: ...

    @property
    def down(self) -> str:
        """Why nothing can be sent at present; empty while a way works or is being tried for the first time."""

    def step(self, seconds: float) -> None:
        """Do what can be done now, and wait at most so long for something to do."""

    def halt(self) -> None:
        """Nothing new leaves: what is before its dot ends as Halted; what is at it is waited for by further steps."""

    def close(self) -> None:
        """Close everything. What is still in hand ends as NotSent, or as Doubt when it stood at its dot."""

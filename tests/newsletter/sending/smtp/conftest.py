import contextlib
import shutil
import subprocess
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from newsletter.sending.outcomes import Outcome
from newsletter.sending.post import Envelope, Halt
from newsletter.sending.relay import Relay
from newsletter.sending.smtp import Pool
from tests.parts import leave_out
from tests.postbox import Postbox

MESSAGE = b"Subject: hello\r\n\r\n.one dot\r\n..two dots\r\nnone\r\n"
PATIENCE = 20.0  # seconds that no test needs


def envelope(recipient: str = "ada@example.org", message: bytes = MESSAGE, **fields) -> Envelope:
    return Envelope("bounce@example.org", recipient, message, **fields)


class Letters:
    """A source that keeps a diary: ("dot" | "answer" | "end", recipient, what)."""

    def __init__(self, envelopes: Iterable[Envelope] = ()) -> None:
        self.waiting = list(envelopes)
        self.diary: list[tuple[str, str, object]] = []
        self.outcomes: dict[str, Outcome] = {}
        self.withheld: set[str] = set()
        self.lease = True

    def next_envelope(self, relay: Relay) -> Envelope | None:
        return self.waiting.pop(0) if self.waiting else None

    def lease_holds(self, envelope: Envelope) -> bool:
        return self.lease

    def at_dot(self, envelope: Envelope) -> None:
        if envelope.recipient in self.withheld:
            raise Halt
        self.diary.append(("dot", envelope.recipient, None))

    def answered(self, envelope: Envelope, code: int) -> None:
        self.diary.append(("answer", envelope.recipient, code))

    def ended(self, envelope: Envelope, outcome: Outcome) -> None:
        assert envelope.recipient not in self.outcomes, "a letter ends once"
        self.outcomes[envelope.recipient] = outcome
        self.diary.append(("end", envelope.recipient, outcome))

    def codes(self, recipient: str) -> list[object]:
        return [what for kind, who, what in self.diary if (kind, who) == ("answer", recipient)]

    def dots(self) -> list[str]:
        return [who for kind, who, _ in self.diary if kind == "dot"]


def step_until(pool: Pool, done: Callable[[], object], *, within: float = PATIENCE) -> None:
    ends = time.monotonic() + within
    while not done():
        assert time.monotonic() < ends, f"{pool.in_hand} in hand, down: {pool.down!r}"
        pool.step(0.1)


def carry(relays: list[Relay], letters: Letters, **options) -> Letters:
    """Send them all, or as long as a relay is up."""
    count = len(letters.waiting)
    with contextlib.closing(Pool(relays, letters, **options)) as pool:
        step_until(pool, lambda: len(letters.outcomes) == count or (pool.down and not pool.in_hand))
    return letters


def send(relay: Relay, message: bytes = MESSAGE, *, to: str = "ada@example.org", **options) -> Outcome:
    """What becomes of one letter."""
    letters = carry([relay], Letters([envelope(to, message)]), **{"connections": 1, **options})
    return letters.outcomes[to]


@pytest.fixture
def certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A certificate for localhost that this test's process trusts."""
    openssl = shutil.which("openssl")
    if openssl is None:
        leave_out("openssl")
    both = tmp_path / "both.pem"
    made = subprocess.run(
        [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost"]
        + ["-addext", "subjectAltName=DNS:localhost", "-keyout", "-", "-out", "-"],
        check=True,
        capture_output=True,
    )
    both.write_bytes(made.stdout)
    monkeypatch.setenv("SSL_CERT_FILE", str(both))
    return both


@pytest.fixture
def make_postbox():
    """Postboxes that are closed at the end."""
    boxes: list[Postbox] = []

    def make(**options) -> Postbox:
        boxes.append(Postbox(**options))
        return boxes[-1]

    yield make
    for box in boxes:
        box.close()


ALL_OFFERS = ("PIPELINING", "8BITMIME", "SMTPUTF8")


@pytest.fixture(params=["one at a time", "pipelining", "chunking", "both"])
def offers(request) -> tuple[str, ...]:
    """What the server offers, each way of talking in turn."""
    ways = {
        "one at a time": ("8BITMIME", "SMTPUTF8"),
        "pipelining": ALL_OFFERS,
        "chunking": ("CHUNKING", "8BITMIME", "SMTPUTF8"),
        "both": ("CHUNKING", *ALL_OFFERS),
    }
    return ways[request.param]

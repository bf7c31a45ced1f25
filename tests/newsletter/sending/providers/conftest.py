import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest

from newsletter.rendering.message import ByteTemplate
from newsletter.rendering.slots import Slots
from newsletter.sending.outcomes import Outcome
from newsletter.sending.post import Envelope, Halt
from newsletter.sending.providers.pool import ProviderPost
from newsletter.sending.relay import Relay, parse
from tests.provider_api import ANSWERS, ProviderApi

KINDS = sorted(ANSWERS)
HEADERS = (
    "From: The Recap <recap@news.example>\r\n"
    "Reply-To: desk@news.example\r\n"
    "Subject: =?utf-8?q?Modelle_f=C3=BCr_alle?=\r\n"
    "MIME-Version: 1.0\r\n"
    "List-Id: =?utf-8?q?Die_W=C3=BCrze?= <recap.news.example>\r\n"
    "List-Unsubscribe: <https://news.example/leave/@LEAVE@/>,\r\n <mailto:unsubscribe+@LEAVE@@news.example>\r\n"
    "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
    "Precedence: bulk\r\n"
    "Feedback-ID: abc:everyone:recap:news\r\n"
)


class Letters:
    """A source that hands out so many letters and writes down what it hears, in order."""

    def __init__(self, count: int, *, withhold: int | None = None) -> None:
        self.waiting = [envelope(number) for number in range(count)]
        self.log: list[tuple[str, str]] = []
        self.codes: dict[str, list[int]] = {}
        self.outcomes: dict[str, Outcome] = {}
        self.withhold = withhold

    def next_envelope(self, relay: Relay) -> Envelope | None:
        return self.waiting.pop(0) if self.waiting else None

    def lease_holds(self, envelope: Envelope) -> bool:
        return True

    def at_dot(self, envelope: Envelope) -> None:
        if self.withhold is not None and len(self.log) >= self.withhold:
            raise Halt
        self.log.append(("dot", envelope.recipient))

    def answered(self, envelope: Envelope, code: int) -> None:
        self.log.append(("answered", envelope.recipient))
        self.codes.setdefault(envelope.recipient, []).append(code)

    def ended(self, envelope: Envelope, outcome: Outcome) -> None:
        assert envelope.recipient not in self.outcomes
        self.outcomes[envelope.recipient] = outcome


def reader(number: int) -> str:
    return f"r{number}@example.org"


def envelope(number: int = 0, *, name: str = 'Zoë "Z" O\'Neil, Dr.', recipient: str = "") -> Envelope:
    template = ByteTemplate.compile(
        HEADERS.replace("@LEAVE@", "x" * 48),
        html="<p>Für Sie: Grüße</p>\r\n",
        text="Für Sie: Grüße\r\n.punkt\r\n",
        content_hash="0" * 64,
    )
    slots = Slots(
        to_name=name,
        to_email=recipient or reader(number),
        message_id=f"c0ffee.s{number}@news.example",
        date=datetime(2026, 11, 23, 9, tzinfo=UTC),
        leave_token="l" * 48,
        settings_token="s" * 48,
    )
    return Envelope("bounce+1@news.example", recipient or reader(number), template.merge(slots), about=number)


@pytest.fixture
def make_api() -> Iterator[Callable[[str], ProviderApi]]:
    started: list[ProviderApi] = []

    def make(kind: str) -> ProviderApi:
        started.append(ProviderApi(kind))
        return started[-1]

    yield make
    for one in started:
        one.close()


def run(
    post: ProviderPost, letters: Letters, *, seconds: float = 10.0, until: Callable[[], bool] | None = None
) -> None:
    """Step until every letter has ended (or `until` holds)."""
    done = until or (lambda: not letters.waiting and not post.in_hand)
    ends = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < ends, letters.log
        post.step(0.05)


def open_post(api: ProviderApi, letters: Letters, *, answer_seconds: float = 5.0, options: str = "") -> ProviderPost:
    return ProviderPost([parse(api.url + options)], letters, answer_seconds=answer_seconds)

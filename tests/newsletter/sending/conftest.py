import itertools
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import User

from newsletter.editions import compose
from newsletter.models import Campaign, Edition, Newsletter
from newsletter.sending import campaigns, clock
from newsletter.sending.relay import Relay
from tests.makers import make_edition, make_newsletter, make_story, make_subscriber
from tests.postbox import Postbox


@pytest.fixture(autouse=True)
def own_journal(settings, tmp_path: Path) -> Path:
    settings.JOURNAL_DIR = tmp_path / "journal"
    return settings.JOURNAL_DIR


@pytest.fixture
def postbox(settings) -> Iterator[Postbox]:
    box = Postbox()
    settings.EMAIL_URL = box.url
    yield box
    box.close()


@pytest.fixture
def one_connection(settings) -> None:
    """The lane has one connection and sends its letters one after the other."""
    settings.SEND_CONNECTIONS = 1


@pytest.fixture
def no_evidence(settings) -> None:
    """Nobody waits for proof that a message in doubt arrived."""
    settings.EVIDENCE_MINUTES = 0


@pytest.fixture
def relay(postbox: Postbox) -> Relay:
    return Relay("127.0.0.1", postbox.port)


def approved_edition(newsletter: Newsletter, **fields) -> Edition:
    edition = make_edition(newsletter, [make_story(), make_story(audiences=("investors",))], **fields)
    compose.approve(edition, actor="the test", now=clock.database_now())
    return edition


@pytest.fixture
def make_frozen(db) -> Callable[..., Campaign]:
    """A campaign frozen for so many readers reader0@..., reader1@..."""
    rounds = itertools.count()

    def make(readers: int = 3, *, send: bool = True, newsletter: Newsletter | None = None, **fields) -> Campaign:
        newsletter = newsletter or make_newsletter(**fields)
        edition = approved_edition(newsletter)
        mark = next(rounds) or ""
        for number in range(readers):
            make_subscriber(newsletter, email=f"r{number}{mark}@example.org", name=f"Reader {number}")
        now = clock.database_now()
        campaign = campaigns.start(edition, slot=None, actor="the test", now=now)
        campaigns.freeze(campaign, actor="the test", now=now)
        if send:
            campaigns.release(campaign, actor="the test", now=now, early=True)
        return campaign

    return make


@pytest.fixture
def campaign(make_frozen) -> Campaign:
    """Being sent, to r0, r1 and r2 at example.org."""
    return make_frozen()


@pytest.fixture
def editor(db) -> User:
    return User.objects.create_user("vera", password="not used here")


class MovingClock:
    """The database's clock, moved on by hand."""

    def __init__(self) -> None:
        self.ahead = timedelta(0)

    def __call__(self):
        return clock.database_now() + self.ahead

    def move(self, **span: float) -> None:
        self.ahead += timedelta(**span)


@pytest.fixture
def moving_clock() -> MovingClock:
    return MovingClock()

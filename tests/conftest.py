"""Fixtures for every test: the real parts, and the guard that keeps tests on this machine. tests/README.md says more.

The environment is made in tests/settings.py, which is read before this file.
"""

import ipaddress
import socket
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from newsletter.inbox import maildir
from newsletter.inbox import server as inbox_server
from tests.parts import LEFT_OUT, Missing, everything_is_required, leave_out, postgresql
from tests.parts.newsroom import Newsroom

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from tests.parts.worker import Worker

# --- Staying on this machine ------------------------------------------------------------------------------------


def _stay_here(event: str, args: tuple[Any, ...]) -> None:
    if event in ("socket.connect", "socket.sendto"):
        address = args[1]
        if isinstance(address, tuple) and not _is_here(address[0]):
            raise PermissionError(f"A test tried to reach {address[0]}; tests stay on this machine.")
    elif event == "socket.getaddrinfo" and args[0] and not _is_here(args[0]):
        raise PermissionError(f"A test tried to look up {args[0]!r}; tests stay on this machine.")


def _is_here(host: str | bytes) -> bool:
    name = host.decode() if isinstance(host, bytes) else str(host)
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name in ("", "localhost", socket.gethostname())


sys.addaudithook(_stay_here)

# --- Which tests, and what was left out --------------------------------------------------------------------------

_DATABASE_FIXTURES = {
    "db",
    "transactional_db",
    "django_db_reset_sequences",
    "live_server",
    "admin_user",
    "admin_client",
}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--touching-database",
        action="store_true",
        help="For the run on PostgreSQL: only tests that touch the database, without a browser, without the fault "
        "program, which chooses its own, and (unless every part is asked for) without pages and admin.",
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        if _commits(item):
            # What migrations wrote (audiences, permissions) is there again in every test. All or none of them: Django
            # makes the content types a second time when one such test without it comes before one with it.
            item.fixturenames.append("django_db_serialized_rollback")  # type: ignore[attr-defined]
    kept = items if everything_is_required() or config.getoption("-m") else [i for i in items if not _is_long(i)]
    if config.getoption("--touching-database"):
        kept = [item for item in kept if _touches_database(item) and not item.get_closest_marker("browser")]
        elsewhere = {"faults"} if everything_is_required() else {"faults", "admin", "pages", "config"}
        kept = [item for item in kept if not elsewhere & set(item.path.parts)]
    config.hook.pytest_deselected(items=[item for item in items if item not in set(kept)])
    items[:] = kept


def _is_long(item: pytest.Item) -> bool:
    return item.get_closest_marker("long") is not None


def _commits(item: pytest.Item) -> bool:
    marker = item.get_closest_marker("django_db")
    fixtures = {"transactional_db", "django_db_reset_sequences", "live_server"} & set(getattr(item, "fixturenames", ()))
    return bool(fixtures or (marker and marker.kwargs.get("transaction")))


def _touches_database(item: pytest.Item) -> bool:
    return bool(item.get_closest_marker("django_db") or _DATABASE_FIXTURES & set(getattr(item, "fixturenames", ())))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """One line on what this machine lacks."""
    reasons = [str(report.longrepr[2]) for report in terminalreporter.stats.get("skipped", []) if report.longrepr]
    parts = Counter(reason.split(LEFT_OUT)[1] for reason in reasons if LEFT_OUT in reason)
    lines = [f"{part} ({number} tests)" for part, number in sorted(parts.items())]
    if postgresql.programs() is None:
        lines.append("PostgreSQL (the same tests on it)")
    if lines:
        terminalreporter.write_line(f"Left out, not installed on this machine: {', '.join(lines)}")


# --- Parts ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real redis-server of this run's own."""
    from tests.parts import broker

    try:
        with broker.server(tmp_path_factory.mktemp("redis")) as url:
            yield url
    except Missing as missing:
        leave_out(str(missing))


@pytest.fixture
def broker(redis_url: str) -> Iterator[str]:
    """Our Celery app in this process queues on the real server, emptied first; its URL."""
    import redis

    from config.celery import app

    with redis.Redis.from_url(redis_url.replace("redis+socket", "unix")) as client:
        client.flushall()
    usual = app.conf.broker_url, app.conf.broker_transport_options
    _point(app, redis_url, {})
    yield redis_url
    _point(app, *usual)


def _point(app: Any, url: str, options: dict[str, Any]) -> None:
    """Celery keeps its connections for good; forget them all, or the next task goes to the broker before."""
    from kombu import pools

    pools.reset()
    app._pool = app.amqp._producer_pool = None
    app.conf.update(broker_url=url, broker_transport_options=options)


@dataclass(frozen=True)
class Inbox:
    """A real mail server on a free port and what it was given."""

    folder: Path
    port: int

    def names(self) -> list[str]:
        return maildir.names(self.folder)

    def messages(self) -> list[EmailMessage]:
        """What arrived, the newest first, parsed."""
        from email import message_from_bytes, policy

        letters = [maildir.open_letter(self.folder, name) for name in self.names()]
        return [message_from_bytes(letter.source, policy=policy.default) for letter in letters if letter]


@pytest.fixture
def inbox(tmp_path: Path, settings: Any) -> Iterator[Inbox]:
    """The local inbox, and the settings that send mail to it."""
    folder = tmp_path / "inbox"
    with inbox_server.in_background(folder) as port:
        settings.INBOX_DIR = folder
        settings.INBOX_PORT = port
        settings.EMAIL_URL = f"smtp://127.0.0.1:{port}"
        yield Inbox(folder, port)


@pytest.fixture
def celery_worker(broker: str, inbox: Inbox, transactional_db: None) -> Iterator["Worker"]:
    """A worker process on this test's database, broker and inbox, taking every queue."""
    from tests.parts import worker

    with worker.running(redis_url=broker) as started:
        yield started


@pytest.fixture(scope="session")
def browser() -> Iterator["Browser"]:
    """The installed chromium. Mark such tests `browser`, and use what they show rather than the ORM: playwright runs
    an event loop in this thread, in which Django refuses queries unless DJANGO_ALLOW_ASYNC_UNSAFE is set (it is)."""
    from django.db import connections

    from tests.parts import chromium

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        held = {alias: connections[alias] for alias in connections}
        try:
            with chromium.browser() as opened:
                # Django keeps other connections for a thread with an event loop: hand ours over, with what they know
                # of this run (the rows that every test begins with).
                for alias, connection in held.items():
                    connections[alias] = connection
                yield opened
        except Missing as missing:
            leave_out(str(missing))


@pytest.fixture
def page(browser: "Browser") -> Iterator["Page"]:
    """A fresh page; a request that would leave this machine fails the test."""
    context = browser.new_context()
    strangers: list[str] = []
    context.on("request", lambda request: strangers.append(request.url) if _leaves(request.url) else None)
    yield context.new_page()
    context.close()
    assert strangers == []


def _leaves(url: str) -> bool:
    return url.startswith("http") and not url.startswith(("http://127.0.0.1:", "http://localhost:"))


@pytest.fixture
def newsroom(tmp_path: Path) -> Iterator[Callable[..., Newsroom]]:
    """Starts whole newsrooms: `newsroom("--no-demo", VAR=...)`; each is stopped at the end."""
    started: list[Newsroom] = []

    def start(*options: str, **env: str) -> Newsroom:
        one = Newsroom(tmp_path / f"var-{len(started)}", *options, **env)
        started.append(one)
        one.start()
        return one

    yield start
    for one in started:
        one.stop()

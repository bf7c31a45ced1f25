"""The parts that `up` starts: name, command, environment, and the floor on which each is stopped."""

import os
import socket
import sys
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from config.up.broker import Broker

FIRST, INBOX, LAST = range(3)  # the floors: what takes work and does it; where its mail goes; what carries it
CELERY = (sys.executable, "-m", "celery", "--app", "config.celery", "--quiet")
# Neither gossip nor mingle nor heartbeats: our workers need not know each other, and each costs a second at the start.
LONELY = ("--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel", "WARNING")


@dataclass(frozen=True)
class Part:
    name: str
    command: tuple[str, ...]
    floor: int
    silent: bool = False  # its lines are kept for the hour of its death, and not shown


def broker(chosen: Broker, *, folder: Path) -> Part:
    return Part("broker", tuple(chosen.command(folder)), LAST, silent=True)


def web(*, bind: str, port: int) -> Part:
    host = f"[{bind}]" if ":" in bind else bind
    return Part(
        "web",
        (
            *(sys.executable, "-m", "gunicorn", "config.wsgi", "--bind", f"{host}:{port}"),
            *("--worker-class", "gthread", "--threads", "8", "--graceful-timeout", "5"),
            *("--no-control-socket", "--log-level", "warning"),
        ),
        FIRST,
    )


def inbox(folder: Path, *, port: int) -> Part:
    return Part("inbox", (sys.executable, "-m", "newsletter.inbox", str(folder), str(port)), INBOX)


def beat() -> Part:
    return Part("beat", (sys.executable, "-m", "config.up.beat"), FIRST)


def workers() -> list[Part]:
    """A worker to each promise: recaps in processes, one a lane; what people wait for in threads no recap can fill."""
    lanes = str(settings.LANES)
    return [
        Part("send", _worker("send", "--queues", "send", "--pool", "prefork", "-c", lanes), FIRST),
        Part("work", _worker("work", "--queues", "transactional,default", "--pool", "threads", "-c", "4"), FIRST),
    ]


def _worker(name: str, *options: str) -> tuple[str, ...]:
    return (*CELERY, "worker", "--hostname", node(name), *LONELY, *options)


def node(name: str) -> str:
    """The Celery name of this copy's worker, its own also where copies share a broker."""
    return f"{name}-{os.getpid()}@{socket.gethostname()}"


def environment(broker: Broker) -> dict[str, str]:
    """What the children are told besides our own environment."""
    return {
        **os.environ,
        "REDIS_URL": broker.url,
        "PYTHONUNBUFFERED": "1",
        "CELERY_SKIP_CHECKS": "1",  # Django's checks are for `make check`; here each worker would load the desk
        "DJANGO_SETTINGS_MODULE": "config.settings",
    }

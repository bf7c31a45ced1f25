"""When is it ready? When the front page comes and both workers answer over the broker."""

import http.client
import time
from collections.abc import Callable
from dataclasses import dataclass

from celery import Celery
from django.conf import settings

from config.up import CannotStart, parts
from config.up.stopping import Stop


@dataclass(frozen=True)
class Patience:
    """Waits for one thing after the other, looking after the children meanwhile and listening for a request to stop."""

    stop: Stop
    look: Callable[[], None]

    def wait(self, ready: Callable[[], bool], *, what: str, within: float, cure: str) -> None:
        """Until `ready()`; raises CannotStart with the cure after `within` seconds."""
        deadline = time.monotonic() + within
        while not ready():
            self.look()
            if time.monotonic() > deadline:
                raise CannotStart(f"Waited {within:.0f} s for {what} in vain. {cure}")
            self.stop.pause()


def web_answers() -> bool:
    """Whether the front page comes; an error of the page is not an answer."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.BIND, settings.BIND)  # noqa: S104  (compared, not bound)
    request = http.client.HTTPConnection(host, settings.PORT, timeout=10)
    try:
        request.request("GET", "/", headers={"Host": "127.0.0.1"})
        return request.getresponse().status < 500
    except (OSError, http.client.HTTPException):
        return False
    finally:
        request.close()


def workers_answer(celery: Celery) -> bool:
    names = [parts.node(part.name) for part in parts.workers()]
    answers = celery.control.ping(destination=names, timeout=2, limit=len(names)) or []
    return len(answers) == len(names)

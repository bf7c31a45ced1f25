"""A Celery worker as a process of its own, on the test's database, broker and inbox."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

from celery import Celery
from django.conf import settings
from django.db import connection

from config.up.parts import CELERY, LONELY
from tests.parts import end, wait_until

QUEUES = "send,transactional,default"


def child_environment(**more: str) -> dict[str, str]:
    """The environment of a child of ours: real settings over the database of this test."""
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "DATABASE_URL": database_url(),
        "EMAIL_URL": settings.EMAIL_URL,
        **more,
    }


def database_url() -> str:
    now = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{now['NAME']}"
    return f"postgresql://{now['USER']}@{quote(now['HOST'], safe='')}:{now['PORT'] or 5432}/{now['NAME']}"


class Worker:
    """A worker that can be killed and started again: `kill()` is kill -9 of all its processes."""

    def __init__(self, *, redis_url: str, name: str = "one", queues: str = QUEUES, pool: str = "prefork") -> None:
        self.name = f"{name}-{os.getpid()}@tests"
        self._broker = Celery(broker=redis_url, set_as_current=False)  # our tasks stay with our own app
        self._env = child_environment(REDIS_URL=redis_url)
        options = ("--queues", queues, "--pool", pool, "--concurrency", "2", "--hostname", self.name)
        self._command = [*CELERY, "worker", *LONELY, *options]
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.process = subprocess.Popen(self._command, env=self._env, stdout=sys.stderr, process_group=0)
        wait_until(self.answers, what=f"the worker {self.name}")

    def answers(self) -> bool:
        if self.process is None or self.process.poll() is not None:
            raise RuntimeError(f"The worker {self.name} ended before it answered; its lines are above.")
        return bool(self._broker.control.ping(destination=[self.name], timeout=1, limit=1))

    def kill(self) -> None:
        if self.process:
            os.killpg(self.process.pid, 9)
            self.process.wait()
            self.process = None

    def stop(self) -> None:
        if self.process:
            end(self.process)
            self.process = None
        self._broker.close()


@contextmanager
def running(**options: Any) -> Iterator[Worker]:
    worker = Worker(**options)
    worker.start()
    try:
        yield worker
    finally:
        worker.stop()

"""What a program sends with: PostgreSQL and Redis of its own, our models in them, and a real worker with its lanes.

PostgreSQL is durable, as it would be: fsync and synchronous_commit stay on; only its memory is set for a server.
"""

import atexit
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import django

from benchmarks.measure import Used, cpu_of, forget_peaks, peak_mb
from benchmarks.options import Options
from tests.parts import broker, end, wait_until
from tests.parts.postgresql import Cluster

DURABLE = ("shared_buffers=1GB", "max_wal_size=4GB", "max_connections=60", "listen_addresses=")
SECRET_KEY = "for-benchmarks-only-for-benchmarks-only-for-benchm"


@contextmanager
def durable_database() -> Iterator[Cluster]:
    """An empty database with our tables, and Django set up on it. Once a process."""
    cluster = Cluster(DURABLE)
    try:
        cluster.start()
        set_up_django(cluster.url)
        yield cluster
    finally:
        _disconnect()
        cluster.remove()


def set_up_django(database_url: str, **env: str) -> None:
    """Real settings on this database, with a state folder that is thrown away."""
    folder = tempfile.mkdtemp(prefix="newsroom-bench-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "DATABASE_URL": database_url,
        "VAR_DIR": folder,
        "SECRET_KEY": SECRET_KEY,
        "SITE_URL": "https://recap.example.org",
        "LOG_LEVEL": "WARNING",
        **env,
    }
    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)


def in_a_child(function: Callable[..., Any], *values: object) -> Any:
    """What the function gives in a process of its own: Django is set up once a process."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(function, *values).result()


def postmaster(cluster: Cluster) -> int:
    return int((cluster.folder / "data" / "postmaster.pid").read_text().split()[0])


@dataclass
class Sent:
    """A campaign that went out: what the sender and the database used for it."""

    recipients: int
    seconds: float
    sender: Used
    database_cpu: float

    @property
    def cpu(self) -> float:
        """Of the sender and of PostgreSQL."""
        return self.sender.cpu + self.database_cpu

    @property
    def rate(self) -> float:
        return self.recipients / self.seconds


class Stage:
    """A worker that sends to one server; make it after Django was set up with that server's EMAIL_URL."""

    def __init__(self, cluster: Cluster, redis_url: str, options: Options) -> None:
        from config.up.parts import CELERY, LONELY

        self._postmaster = postmaster(cluster)
        self._options = options
        words = (
            "--queues",
            "send",
            "--pool",
            "prefork",
            "--concurrency",
            str(options.lanes),
            "--hostname",
            "bench@bench",
        )
        env = {**os.environ, "REDIS_URL": redis_url, "LANES": str(options.lanes)}
        self._worker = subprocess.Popen(
            [*CELERY, "worker", *LONELY, *words], env=env, stdout=sys.stderr, process_group=0
        )

    def send(self, campaign_id: int, *, within: float = 900) -> Sent:
        """Release a frozen campaign, call the lanes, and wait until its books are closed. Raises RuntimeError."""
        from newsletter import tasks
        from newsletter.models import Campaign
        from newsletter.sending import campaigns, clock

        campaign = Campaign.objects.get(pk=campaign_id)
        self._forget()
        sender, database = cpu_of(self._worker.pid), cpu_of(self._postmaster)
        campaigns.release(campaign, actor="the benchmark", now=clock.database_now(), early=True)
        tasks.hint(campaign_id, lanes=self._options.lanes)
        deadline = time.monotonic() + within
        while campaign.state == Campaign.State.SENDING and time.monotonic() < deadline:
            time.sleep(0.1)
            campaign.refresh_from_db()
        used = Used(cpu=cpu_of(self._worker.pid) - sender, peak_mb=peak_mb(self._worker.pid))
        if campaign.state != Campaign.State.DONE:
            raise RuntimeError(
                f"The campaign is {campaign.state} after {within:.0f} s: {campaign.trouble or 'no reason'}"
            )
        used.seconds = (campaign.done_at - campaign.started_at).total_seconds()
        return Sent(campaign.frozen_count, used.seconds, used, cpu_of(self._postmaster) - database)

    def close(self) -> None:
        end(self._worker)

    def _forget(self) -> None:
        wait_until(lambda: self._worker.poll() is None, what="the worker")
        forget_peaks(self._worker.pid)


@contextmanager
def sending_stage(port: int, options: Options) -> Iterator[tuple[Stage, Cluster]]:
    """Database, broker and worker, sending to the server at this port. Raises Missing."""
    with (
        tempfile.TemporaryDirectory(prefix="newsroom-bench-redis-") as folder,
        broker.server(Path(folder)) as redis_url,
    ):
        os.environ |= {
            "REDIS_URL": redis_url,
            "EMAIL_URL": f"smtp://127.0.0.1:{port}",
            "CONNECTIONS": str(options.connections),
            "WINDOW": str(options.window),
            "LANES": str(options.lanes),
        }
        with durable_database() as cluster:
            stage = Stage(cluster, redis_url, options)
            try:
                yield stage, cluster
            finally:
                stage.close()


def _disconnect() -> None:
    from django.db import connections

    connections.close_all()

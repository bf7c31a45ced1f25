"""Celery: the app, its queues named by what they promise, and the whole timetable.

Rows are the truth and queues are hints: every task may be lost, late or doubled without harm, because the tick finds
due work in the database (docs/architecture.md).
"""

import mmap
import os
import warnings
from typing import Any

from celery import Celery
from celery.signals import worker_shutting_down
from kombu import Queue

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

from django.conf import settings  # (settings need the line above)

SEND = "send"  # recaps: long, may wait
TRANSACTIONAL = "transactional"  # a person waits for this mail: confirmations, proofs; never behind a recap
DEFAULT = "default"  # short work, the tick among it

# Its reason is pickle, and we take JSON only.
warnings.filterwarnings("ignore", message="You're running the worker with superuser privileges")

app = Celery("newsroom")
app.conf.update(
    broker_url=settings.REDIS_URL or "memory://localhost/",
    broker_connection_retry_on_startup=True,
    broker_transport_options={} if settings.REDIS_URL else {"polling_interval": 0.02},  # in memory: a second by default
    task_serializer="json",
    accept_content=["json"],
    task_ignore_result=True,
    result_expires=None,  # no results are kept, so beat need not clean them up
    task_default_queue=DEFAULT,
    task_queues=[Queue(SEND), Queue(TRANSACTIONAL), Queue(DEFAULT)],
    task_create_missing_queues=False,
    worker_prefetch_multiplier=1,
    worker_hijack_root_logger=False,
    worker_cancel_long_running_tasks_on_connection_loss=False,  # a lane goes on when the broker is gone
    beat_schedule_filename=str(settings.VAR_DIR / "beat-schedule"),
    beat_schedule={
        "tick": {"task": "newsletter.tick", "schedule": settings.TICK_SECONDS, "options": {"expires": 60}},
    },
    timezone="UTC",
)
app.autodiscover_tasks()

# One byte shared with the processes that a worker forks: the signal to stop reaches only the first of them.
_stopping = mmap.mmap(-1, 1)


def stopping() -> bool:
    """Whether this worker was asked to stop: a long task then ends at its next good moment, within seconds."""
    return _stopping[0] == 1


@worker_shutting_down.connect
def _tell_tasks(**_: Any) -> None:
    _stopping[0] = 1

"""Celery: the app, its queues named by what they promise, and the whole timetable.

Rows are the truth and queues are hints: every task may be lost, late or doubled without harm, because the tick finds
due work in the database (docs/architecture.md).
"""

import os

from celery import Celery
from kombu import Queue

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

from django.conf import settings  # (settings need the line above)

SEND = "send"  # recaps: long, may wait
TRANSACTIONAL = "transactional"  # a person waits for this mail: confirmations, proofs; never behind a recap
DEFAULT = "default"  # short work, the tick among it

app = Celery("newsroom")
app.conf.update(
    broker_url=settings.REDIS_URL or "memory://",
    broker_connection_retry_on_startup=True,
    task_serializer="json",
    accept_content=["json"],
    task_ignore_result=True,
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

"""`python -m config.up.beat`: Celery's beat without Django, which only the workers need; it starts far sooner so."""

import signal
import sys

from celery.beat import Service

from config.celery import app

if __name__ == "__main__":
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))  # ends the sleep; the service then saves its timetable
    Service(app).start()

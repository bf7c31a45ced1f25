"""django-post_office on SQLite: COUNT mails queued, then sent in batches of 500 by five threads, as it comes.

Runs in an environment of its own.
"""

import json
import os
import resource
import sys
import tempfile
from pathlib import Path
from time import perf_counter

import django
from django.conf import settings

PORT, COUNT = int(sys.argv[1]), int(sys.argv[2])
FOLDER = tempfile.mkdtemp(dir=Path.cwd())
settings.configure(
    SECRET_KEY="for a benchmark",
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": os.path.join(FOLDER, "post_office.sqlite3"),
            "OPTIONS": {"timeout": 60, "init_command": "PRAGMA journal_mode=WAL"},
        }
    },
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "post_office"],
    CACHES={"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}},
    TEMPLATES=[
        {"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True},
        {"BACKEND": "post_office.template.backends.post_office.PostOfficeTemplates", "APP_DIRS": True, "OPTIONS": {}},
    ],
    DEFAULT_AUTO_FIELD="django.db.models.AutoField",
    EMAIL_BACKEND="post_office.EmailBackend",
    EMAIL_HOST="127.0.0.1",
    EMAIL_PORT=PORT,
    POST_OFFICE={"BATCH_SIZE": 500, "THREADS_PER_PROCESS": 5, "LOG_LEVEL": 1},
    USE_TZ=True,
)
django.setup()

from django.core.management import call_command
from post_office import mail
from post_office.models import STATUS, Email


def main() -> None:
    call_command("migrate", verbosity=0)
    text, html = Path("message.txt").read_text(), Path("message.html").read_text()
    cpu = _cpu()
    mail.send_many(
        [
            {
                "sender": "recap@example.org",
                "recipients": [f"reader{n}@example.org"],
                "subject": "The week in AI",
                "message": text,
                "html_message": html,
            }
            for n in range(COUNT)
        ]
    )
    queue_cpu = _cpu() - cpu
    begun, cpu = perf_counter(), _cpu()
    mail.send_queued_mail_until_done(processes=1)
    seconds, used = perf_counter() - begun, _cpu() - cpu
    sent = Email.objects.filter(status=STATUS.sent).count()
    if sent != COUNT:
        sys.exit(f"Only {sent} of {COUNT} were sent.")
    print(json.dumps({"seconds": seconds, "cpu": used, "queue_cpu": queue_cpu}))


def _cpu() -> float:
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


main()

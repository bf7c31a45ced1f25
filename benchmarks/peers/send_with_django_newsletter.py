"""django-newsletter on SQLite: one submission to COUNT subscriptions. Runs in an environment of its own."""

import json
import resource
import sys
from pathlib import Path
from time import perf_counter

import django
from django.conf import settings

PORT, COUNT = int(sys.argv[1]), int(sys.argv[2])
settings.configure(
    SECRET_KEY="for a benchmark",
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    INSTALLED_APPS=[
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.sites",
        "sorl.thumbnail",
        "newsletter",
    ],
    TEMPLATES=[
        {
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "APP_DIRS": True,
        }
    ],
    DEFAULT_AUTO_FIELD="django.db.models.AutoField",
    SITE_ID=1,
    ROOT_URLCONF="newsletter.urls",
    NEWSLETTER_USE_HTTPS=True,
    NEWSLETTER_THUMBNAIL="sorl-thumbnail",
    EMAIL_HOST="127.0.0.1",
    EMAIL_PORT=PORT,
    USE_TZ=True,
)
django.setup()

from django.contrib.sites.models import Site
from django.core.management import call_command

from newsletter.models import Article, Message, Newsletter, Submission, Subscription


def main() -> None:
    call_command("migrate", verbosity=0)
    newsletter = Newsletter.objects.create(title="Recap", slug="recap", email="recap@example.org", sender="The Recap")
    newsletter.site.set(Site.objects.all())
    message = Message.objects.create(title="The week in AI", slug="week", newsletter=newsletter)
    Article.objects.create(title="Recap", text=Path("message.html").read_text(), post=message, sortorder=10)
    Subscription.objects.bulk_create(
        Subscription(
            newsletter=newsletter, name_field=f"Reader {n}", email_field=f"reader{n}@example.org", subscribed=True
        )
        for n in range(COUNT)
    )
    submission = Submission.from_message(message)
    begun, cpu = perf_counter(), _cpu()
    submission.submit()
    print(json.dumps({"seconds": perf_counter() - begun, "cpu": _cpu() - cpu}))


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


main()

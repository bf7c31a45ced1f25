"""Start-up checks (`manage.py check`): what would hurt in production, each with its cure."""

from typing import Any

from django.conf import settings
from django.core.checks import Error, Tags, Warning, register
from django.core.exceptions import ImproperlyConfigured

from config import env
from newsletter.sending.relay import the_relays


@register
def relays_are_named_well(**_: Any) -> list[Error]:
    try:
        the_relays()
    except ImproperlyConfigured as fault:
        return [Error(str(fault), hint="`.env.example` shows how EMAIL_URL is written.", id="config.E002")]
    return []


@register(Tags.security, deploy=True)
def secret_key_is_shared(**_: Any) -> list[Error]:
    """A key made on one machine would void every link that another machine signed."""
    if env.text("SECRET_KEY"):
        return []
    return [
        Error(
            "SECRET_KEY is not set; this machine uses one it made for itself.",
            hint="Set SECRET_KEY (or SECRET_KEY_FILE) to the same 50 random characters on every machine.",
            id="config.E001",
        )
    ]


@register(Tags.security, deploy=True)
def mail_leaves_the_machine(**_: Any) -> list[Warning]:
    if not settings.LOCAL_INBOX:
        return []
    return [
        Warning(
            "EMAIL_URL is not set: mail goes to the local inbox and to nobody else.",
            hint="Set EMAIL_URL=smtp://USER:PASSWORD@HOST:587?starttls=1 to send for real.",
            id="config.W001",
        )
    ]


@register(Tags.security, deploy=True)
def links_are_https(**_: Any) -> list[Warning]:
    if settings.SITE_URL.startswith("https://"):
        return []
    return [
        Warning(
            f"SITE_URL is {settings.SITE_URL}: one-click unsubscribe (RFC 8058) needs https.",
            hint="Set SITE_URL to the https address at which readers reach this site.",
            id="config.W002",
        )
    ]


@register(Tags.security, deploy=True)
def tasks_reach_the_workers(**_: Any) -> list[Warning]:
    """Without a broker that all processes share, what the web server queues stays in its own memory."""
    if settings.REDIS_URL:
        return []
    return [
        Warning(
            "REDIS_URL is not set: tasks do not leave the process that queues them.",
            hint="Set REDIS_URL=redis://HOST:6379/0 for the web server, the workers and beat (`manage.py up` does).",
            id="config.W003",
        )
    ]

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from newsletter.inbox import server


class Command(BaseCommand):
    help = "Run the local inbox: an SMTP server on INBOX_PORT that keeps every message in VAR_DIR/inbox."
    requires_system_checks = []  # it needs no table and no page

    def handle(self, **options: Any) -> None:
        server.serve(settings.INBOX_DIR, port=settings.INBOX_PORT)

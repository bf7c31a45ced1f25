"""`manage.py tick`: what beat does, once, for a cron job or by hand."""

from typing import Any

from django.core.management import BaseCommand

from newsletter import tasks
from newsletter.sending import confirmations, due
from newsletter.sending.clock import database_now


class Command(BaseCommand):
    help = "Find what is due (slots, holds, chunks) and do it; senders are told through the queue."

    def handle(self, **options: Any) -> None:
        now = database_now()
        waiting = due.tick(now=now)
        for campaign_id in waiting:
            tasks.hint(campaign_id)
        tasks.hint_mails()
        confirmations.deliver_due(now=now)
        self.stdout.write(f"{len(waiting)} campaign(s) to send." if waiting else "Nothing to send.")

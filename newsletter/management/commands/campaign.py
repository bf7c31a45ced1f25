"""`manage.py campaign [ID]`: how far a campaign is; without an ID, the newest."""

import time
from datetime import timedelta
from typing import Any

from django.core.management import BaseCommand, CommandError, CommandParser

from newsletter.management.naming import campaign_numbered
from newsletter.models import Campaign
from newsletter.sending.clock import database_now
from newsletter.sending.progress import Progress, progress

WIDTH = 40


class Command(BaseCommand):
    help = "Show a campaign: deliveries by state, rate, time left, errors, doubtful deliveries by name."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("id", nargs="?", type=int, help="the newest campaign if left out")
        parser.add_argument("--follow", action="store_true", help="show a live bar until it is at rest")

    def handle(self, *, follow: bool, **options: Any) -> None:
        number = options["id"] or Campaign.objects.order_by("-pk").values_list("pk", flat=True).first()
        if number is None:
            raise CommandError("There is no campaign yet. Make one with: manage.py send_edition EDITION")
        campaign = campaign_numbered(number)
        while follow and campaign.state in (Campaign.State.FROZEN, Campaign.State.SENDING):
            self.stdout.write(f"\r{bar(progress(campaign, now=database_now()))}", ending="")
            self.stdout.flush()
            time.sleep(1)
            campaign.refresh_from_db()
        if follow:
            self.stdout.write("")
        self._table(campaign, progress(campaign, now=database_now()))

    def _table(self, campaign: Campaign, now: Progress) -> None:
        self.stdout.write(f"Campaign {campaign.pk}: {campaign.edition}")
        self.stdout.write(
            f"{campaign.get_state_display()}{' (stalled)' if now.stalled else ''}  {now.trouble}".rstrip()
        )
        self.stdout.write(bar(now))
        for state, count in now.counts.items():
            self.stdout.write(f"  {state:<12}{count:>10}")
        for reason, count in now.excluded.items():
            self.stdout.write(f"  not mailed: {reason:<12}{count:>8}")
        for each in now.troubles:
            self.stdout.write(f"  {each.count:>6} x {each.words}")
        if now.doubtful_count:
            self.stdout.write(f"In doubt at some time: {now.doubtful_count}")
        for name in now.doubtful:
            self.stdout.write(f"  {name.email}  {name.state}, at most {name.copies} copies: {name.words}")


def bar(now: Progress) -> str:
    filled = round(WIDTH * now.percent / 100)
    left = f", {_span(now.left)} left" if now.left else ""
    rate = f"  {now.rate:.1f}/s{left}" if now.rate else ""
    return f"[{'#' * filled}{'.' * (WIDTH - filled)}] {now.ended}/{now.total}{rate}"


def _span(left: timedelta) -> str:
    return str(left).split(".")[0]

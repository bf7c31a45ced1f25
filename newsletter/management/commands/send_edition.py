"""`manage.py send_edition EDITION [--now] [--wait]`: freeze an approved edition and send it."""

import time
from typing import Any

from django.core.management import BaseCommand, CommandError, CommandParser

from newsletter import tasks
from newsletter.management.naming import edition_named
from newsletter.models import Campaign, Edition
from newsletter.sending import campaigns, due, sender
from newsletter.sending.clock import database_now
from newsletter.sending.progress import progress

ACTOR = "send_edition"
State = Campaign.State
BEFORE_SENDING = (State.DRAFT, State.MISSED, State.FROZEN)
RUNNING = (State.FROZEN, State.SENDING)


class Command(BaseCommand):
    help = (
        "Send an approved edition. It is frozen at once and leaves when its hold is over, through the workers. "
        "Safe to repeat: nobody gets it twice."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("edition", help="its id or slug")
        parser.add_argument("--now", action="store_true", help="do not wait for the end of the hold")
        parser.add_argument("--wait", action="store_true", help="send in this process, until it is done")

    def handle(self, *, edition: str, now: bool, wait: bool, **options: Any) -> None:
        campaign = self._campaign(edition_named(edition))
        try:
            self._begin(campaign, at_once=now)
        except (campaigns.FreezeRefused, campaigns.NotMoved) as refused:
            raise CommandError(str(refused)) from None
        if wait:
            self._send(campaign)
        elif campaign.state == State.SENDING:
            tasks.hint(campaign.pk)
        self._tell(campaign)

    def _campaign(self, edition: Edition) -> Campaign:
        try:
            return campaigns.start(edition, slot=None, actor=ACTOR, now=database_now())
        except campaigns.AlreadyStarted as started:
            self.stdout.write(str(started))
            return started.campaign

    def _begin(self, campaign: Campaign, *, at_once: bool) -> None:
        if campaign.state == State.DRAFT:
            campaigns.freeze(campaign, actor=ACTOR, now=database_now())
        elif campaign.state == State.MISSED:
            campaigns.send_missed(campaign, actor=ACTOR, now=database_now())
        if at_once and campaign.state == State.FROZEN:
            campaigns.release(campaign, actor=ACTOR, now=database_now(), early=True)

    def _send(self, campaign: Campaign) -> None:
        """Work like a worker and its tick until the campaign is at rest: done, paused or cancelled."""
        while campaign.state in RUNNING:
            due.tick(now=database_now())
            result = sender.run(campaign.pk)
            campaign.refresh_from_db()
            if campaign.state in RUNNING and result.end is not sender.End.STOPPED:
                time.sleep(1)

    def _tell(self, campaign: Campaign) -> None:
        campaign.refresh_from_db()
        if campaign.state in BEFORE_SENDING:
            self.stdout.write(f"Campaign {campaign.pk} is frozen and leaves at {campaign.held_until:%H:%M:%S} UTC.")
            return
        now = progress(campaign, now=database_now())
        self.stdout.write(f"Campaign {campaign.pk}: {campaign.get_state_display()}, {now.ended} of {now.total} ended.")
        if now.trouble:
            self.stdout.write(now.trouble)

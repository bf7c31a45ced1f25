"""`manage.py campaign [ID]`: how far a campaign is; without an ID, the newest.

Ends with 0 when the campaign goes its way or is done, 3 when it waits for a person (paused, missed, stalled), and 4
when it was cancelled.
"""

import os
import sys
import time
from contextlib import nullcontext
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from django.core.management import BaseCommand, CommandError, CommandParser

from newsletter.management.campaign_table import bar, table
from newsletter.management.naming import campaign_numbered
from newsletter.models import Campaign
from newsletter.sending import export
from newsletter.sending.clock import database_now
from newsletter.sending.progress import Progress, progress

State = Campaign.State
RUNNING = (State.FROZEN, State.SENDING)
BAR_SECONDS = 1.0
LINE_SECONDS = 10.0  # where lines are kept, as in a log
WAITS_FOR_A_PERSON, CANCELLED, INTERRUPTED = 3, 4, 130


class Command(BaseCommand):
    help = (
        "Show a campaign until it is at rest: deliveries by state, rate, time left, errors, doubtful deliveries by "
        "name. Ends with 0: it goes its way or is done; 3: it waits for a person; 4: it was cancelled."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("id", nargs="?", type=int, help="the newest campaign if left out")
        what = parser.add_mutually_exclusive_group()
        what.add_argument("--follow", action="store_true", help="the default: until it is at rest")
        what.add_argument("--once", action="store_true", help="as it stands, and no more")
        what.add_argument(
            "--csv", metavar="STATE", choices=export.STATES, help=f"its deliveries: {', '.join(export.STATES)}"
        )
        parser.add_argument("--out", metavar="FILE", type=Path, help="where the CSV goes; else to the standard output")

    def handle(self, *, once: bool, csv: str | None, out: Path | None, **options: Any) -> None:
        number = options["id"] or Campaign.objects.order_by("-pk").values_list("pk", flat=True).first()
        if number is None:
            raise CommandError("There is no campaign yet. Make one with: manage.py send_edition EDITION")
        if out is not None and csv is None:
            raise CommandError("--out FILE is for the CSV: add --csv STATE.")
        campaign = campaign_numbered(number)
        try:
            if csv is not None:
                self._export(campaign, csv, out)
                return
            found = self._tell(campaign) if once else self._follow(campaign)
        except KeyboardInterrupt:
            self.stdout.write("")
            sys.exit(INTERRUPTED)
        except BrokenPipeError:  # whoever read has read enough, as `| head` does
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return
        if code := _code(campaign, found):
            sys.exit(code)

    def _follow(self, campaign: Campaign) -> Progress:
        """A bar that moves, or a line whenever something has changed, until the campaign is at rest."""
        live = self.stdout.isatty()
        last = ""
        while campaign.state in RUNNING:
            line = bar(campaign, progress(campaign, now=database_now()), now=database_now())
            if live:
                self.stdout.write(f"\r{line:<{len(last)}}", ending="")
            elif line != last:
                self.stdout.write(line)
            self.stdout.flush()
            last = line
            self._rest(campaign, BAR_SECONDS if live else LINE_SECONDS)
        if live and last:
            self.stdout.write("")
        return self._tell(campaign)

    def _rest(self, campaign: Campaign, seconds: float) -> None:
        """Until the next line is due; less when the campaign ends meanwhile."""
        until = time.monotonic() + seconds
        while campaign.state in RUNNING and (left := until - time.monotonic()) > 0:
            time.sleep(min(left, BAR_SECONDS))
            campaign.refresh_from_db(fields=["state", "trouble", "held_until", "started_at", "progress_at"])

    def _tell(self, campaign: Campaign) -> Progress:
        now: datetime = database_now()
        campaign.refresh_from_db()
        found = progress(campaign, now=now)
        for line in table(campaign, found, now=now):
            self.stdout.write(line)
        return found

    def _export(self, campaign: Campaign, state: str, out: Path | None) -> None:
        try:
            with nullcontext(self.stdout) if out is None else _private(out) as file:
                for part in export.csv_parts(campaign, state):
                    file.write(part)
        except BrokenPipeError:
            raise
        except OSError as error:
            raise CommandError(f"The CSV cannot be written to {out}: {error.strerror}.") from error


def _private(path: Path) -> IO[str]:
    """It will hold addresses: only who wrote it may read it."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8", newline="")


def _code(campaign: Campaign, found: Progress) -> int:
    if campaign.state == State.CANCELLED:
        return CANCELLED
    return WAITS_FOR_A_PERSON if campaign.state in (State.PAUSED, State.MISSED) or found.stalled else 0

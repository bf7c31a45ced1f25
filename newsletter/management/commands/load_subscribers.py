"""`manage.py load_subscribers N --segment SLUG`: made-up readers, fast, for trying a large campaign."""

from typing import Any

from django.conf import settings
from django.core.management import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from newsletter.audience.segments import BadRule
from newsletter.audience.synthetic import CannotSynthesise, make_readers
from newsletter.management.naming import segment_called


class Command(BaseCommand):
    help = (
        "Add N made-up, confirmed readers at example.org whom the segment's rule finds. Each call adds others. "
        "Where mail leaves this machine it asks for --yes-synthetic."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("number", metavar="N", type=int, help="how many to add")
        parser.add_argument("--segment", required=True, metavar="SLUG", help="the segment they shall belong to")
        parser.add_argument("--newsletter", metavar="SLUG", help="whose segment, where several have one of that slug")
        parser.add_argument("--yes-synthetic", action="store_true", help="add them although mail leaves this machine")

    def handle(self, *, number: int, segment: str, newsletter: str | None, **options: Any) -> None:
        if not (settings.LOCAL_INBOX or options["yes_synthetic"]):
            raise CommandError(
                "Mail leaves this machine (EMAIL_URL is set), and made-up readers at example.org would be mailed. "
                "Add --yes-synthetic if that is meant."
            )
        found = segment_called(segment, newsletter=newsletter)
        try:
            made = make_readers(found, number, now=timezone.now())
        except (BadRule, CannotSynthesise) as refused:
            raise CommandError(str(refused)) from None
        self.stdout.write(f"{made} made-up readers added to “{found.newsletter}” for the segment “{found}”.")

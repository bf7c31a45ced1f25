"""`manage.py render EDITION --segment SLUG --format eml|html|text --out FILE`: an edition as one segment gets it."""

from pathlib import Path
from typing import Any

from django.core.management import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from newsletter.management.naming import edition_named, segment_named
from newsletter.models import Edition, Segment
from newsletter.rendering.message import ByteTemplate
from newsletter.rendering.slots import SAMPLE
from newsletter.sending.publication import render_edition


class Command(BaseCommand):
    help = "Write the mail of one segment to a file, filled with the values of a sample reader. Sends nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("edition", help="its id or slug")
        parser.add_argument("--segment", metavar="SLUG", help="everyone else's variant if left out")
        parser.add_argument("--format", choices=["eml", "html", "text"], default="eml")
        parser.add_argument("--out", metavar="FILE", help="standard output if left out")

    def handle(self, *, edition: str, **options: Any) -> None:
        found = edition_named(edition)
        segment = segment_named(found, options["segment"]) if options["segment"] else None
        data = _render(found, segment, options["format"])
        if not options["out"]:
            self.stdout.write(data.decode(), ending="")
            return
        try:
            Path(options["out"]).write_bytes(data)
        except OSError as error:
            raise CommandError(f"Cannot write {options['out']}: {error.strerror}.") from error


def _render(edition: Edition, segment: Segment | None, form: str) -> bytes:
    rendered = render_edition(edition, segment, now=timezone.now())
    if form == "eml":
        return ByteTemplate.from_bytes(rendered.template).merge(SAMPLE)
    html, text = rendered.sample()
    return (html if form == "html" else text).encode()

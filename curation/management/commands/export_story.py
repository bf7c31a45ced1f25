"""manage.py export_story SLUG [--out FILE]: a story as a file of shape story/1."""

import json
from argparse import ArgumentParser
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from curation.models import Story
from curation.storyfile import write


class Command(BaseCommand):
    help = "Print a story as JSON (shape story/1), or write it to a file."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug")
        parser.add_argument("--out", type=Path, metavar="FILE", help="write here instead of printing")

    def handle(self, *, slug: str, out: Path | None, **options: Any) -> None:
        story = Story.objects.with_parts().filter(slug=slug).first()
        if story is None:
            raise CommandError(f"There is no story “{slug}”. {_near(slug)}")
        text = json.dumps(write(story), ensure_ascii=False, indent=1)
        if out is None:
            self.stdout.write(text)
            return
        try:
            out.write_text(text + "\n", encoding="utf-8")
        except OSError as error:
            raise CommandError(f"{out} cannot be written: {error.strerror}.") from error


def _near(slug: str) -> str:
    slugs = list(Story.objects.values_list("slug", flat=True))
    near = [each for each in slugs if slug in each][:3] or get_close_matches(slug, slugs, n=3, cutoff=0.4)
    return f"Near it: {', '.join(near)}." if near else f"There are {len(slugs)} stories; the desk lists their slugs."

"""manage.py import_story FILE...: take stories from files of shape story/1."""

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from curation.storyfile import StoryFileError, store_all
from curation.storyfile.parsing import refuse_if_too_large


class Command(BaseCommand):
    help = "Import stories from JSON files (shape story/1). Good files are stored even when others are refused."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("files", nargs="+", metavar="FILE", type=Path)
        parser.add_argument(
            "--overwrite",
            action="store_true",
            help="Also replace what an editor wrote at the desk, and change spiked and withdrawn stories.",
        )

    def handle(self, *, files: list[Path], overwrite: bool = False, **options: Any) -> None:
        contents, failed = {}, False
        for path in files:
            try:
                contents[str(path)] = _bytes(path)
            except (OSError, StoryFileError) as error:
                failed = True
                self.stderr.write(
                    f"{path}: {error if isinstance(error, StoryFileError) else f'file: {error.strerror}'}"
                )
        for result in store_all(contents, by="import_story", now=timezone.now(), overwrite=overwrite):
            failed = failed or bool(result.problems)
            for problem in result.problems:
                self.stderr.write(f"{result.name}: {problem}")
            if result.outcome:
                self.stdout.write(f"{result.outcome.value} {result.slug}")
        if failed:
            sys.exit(1)


def _bytes(path: Path) -> bytes:
    refuse_if_too_large(path.stat().st_size)  # before it is read, and before it fills the memory
    return path.read_bytes()

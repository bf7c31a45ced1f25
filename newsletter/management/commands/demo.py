from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.utils import timezone

from newsletter.demo import load


class Command(BaseCommand):
    help = "Load the demo: stories, a newsletter with readers, an edition that goes out at once. Safe to run again."

    def handle(self, *args: Any, **options: Any) -> None:
        editor = load.demo_editor(password=settings.DEMO_PASSWORD)
        if load.is_loaded():
            self.stdout.write("The demo is already here; nothing was changed.")
            return
        stories = sorted(Path(settings.BASE_DIR, "curation", "demo", "stories").glob("*.json"))
        call_command("import_story", *map(str, stories), stdout=self.stdout, stderr=self.stderr)
        load.load(editor=editor, now=timezone.now())
        self.stdout.write("The demo is loaded: its first edition leaves within a minute.")

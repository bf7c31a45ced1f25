from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from config.up import CannotStart


class Command(BaseCommand):
    help = "Start everything on this machine (broker, web, workers, beat, local inbox) and stay until Ctrl-C."
    requires_system_checks = []  # they are for `make check`; each second counts here

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--no-demo", action="store_true", help="Do not load the demo.")
        parser.add_argument("--in-memory", action="store_true", help="No broker: everything in this one process.")

    def handle(self, **options: Any) -> None:
        from config.up import start

        try:
            code = start.up(demo=not options["no_demo"], in_memory=options["in_memory"])
        except CannotStart as error:
            raise CommandError(str(error)) from None
        if code:
            raise SystemExit(code)

"""`manage.py dkim_key DOMAIN`: make the keys that sign a domain's mails, and print what DNS must say about them."""

from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from newsletter.sending import dkim_keys
from newsletter.sending.dkim_keys import KINDS, BadName, Key

SHORT = {"rsa": "rsa", "ed25519": "ed"}
STRING = 255  # octets in one string of a TXT record (RFC 1035, 3.3)


class Command(BaseCommand):
    help = "Make a domain's DKIM keys, or show those it has, with the DNS records to publish. Overwrites nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("domain", help="the domain of the newsletter's sender, such as example.org")
        parser.add_argument("--selector", help="name a further key (with --kind both: -rsa and -ed are added)")
        parser.add_argument("--kind", choices=[*KINDS, "both"], default="both")

    def handle(self, *, domain: str, selector: str | None, kind: str, **options: Any) -> None:
        kinds = KINDS if kind == "both" else (kind,)
        try:
            domain = dkim_keys.ascii_domain(domain)
            if selector:
                names = {each: f"{selector}-{SHORT[each]}" if kind == "both" else selector for each in kinds}
                found = [self._named(domain, name, each) for each, name in names.items()]
            else:
                found = self._of_each(domain, kinds)
        except (BadName, ImproperlyConfigured) as error:
            raise CommandError(str(error)) from error
        for key in found:
            self._tell(key)
        self.stdout.write(
            "Publish each as a TXT record. All keys in the folder sign; what to do next: docs/operations.md."
        )

    def _of_each(self, domain: str, kinds: tuple[str, ...]) -> list[Key]:
        """The domain's keys of these kinds; of a kind that it has none of, a new one."""
        keys = [dkim_keys.load(file) for file in dkim_keys.files_of(domain)]
        year = timezone.now().year
        missing = [kind for kind in kinds if kind not in {key.kind for key in keys}]
        made = [self._named(domain, f"recap-{SHORT[kind]}-{year}", kind) for kind in missing]
        return [*(key for key in keys if key.kind in kinds), *made]

    def _named(self, domain: str, selector: str, kind: str) -> Key:
        file = dkim_keys.file_of(domain, selector)
        try:
            key = dkim_keys.make(domain, selector, kind)
        except FileExistsError:
            key = dkim_keys.load(file)
            if key.kind != kind:
                raise CommandError(f"{file} is a key of the kind {key.kind}. Use another --selector.") from None
        else:
            self.stdout.write(f"Made {file}\n\n")
        return key

    def _tell(self, key: Key) -> None:
        strings = " ".join(f'"{key.record[at : at + STRING]}"' for at in range(0, len(key.record), STRING))
        self.stdout.write(f"{key.kind}, {dkim_keys.file_of(key.domain, key.selector)}")
        self.stdout.write(f"  name    {key.record_name}")
        self.stdout.write(f"  value   {key.record}")
        self.stdout.write(f"  in a zone file:\n{key.record_name}. IN TXT ( {strings} )\n")

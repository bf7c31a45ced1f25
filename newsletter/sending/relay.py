"""The relay that takes our mail, as EMAIL_URL names it: smtp://USER:PASSWORD@HOST:PORT?starttls=1, or smtps://."""

from dataclasses import dataclass
from urllib.parse import parse_qs, unquote, urlsplit

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

_DEFAULT_PORTS = {"smtp": 25, "smtps": 465}
_YES = {"1", "true", "yes", "on"}
_NO = {"0", "false", "no", "off"}


@dataclass(frozen=True)
class Relay:
    host: str
    port: int
    user: str = ""
    password: str = ""
    tls: bool = False  # from the first byte
    starttls: bool = False

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"

    def __repr__(self) -> str:
        return f"Relay({self})"  # never the password


def the_relay() -> Relay:
    """The relay of this installation. Raises ImproperlyConfigured."""
    return parse(settings.EMAIL_URL)


def parse(url: str) -> Relay:
    """Raises ImproperlyConfigured, which names the fault and never the password."""
    parts = urlsplit(url)
    try:
        port = parts.port or _DEFAULT_PORTS[parts.scheme]
        options = parse_qs(parts.query, strict_parsing=bool(parts.query), keep_blank_values=True)
    except (ValueError, KeyError):
        raise ImproperlyConfigured(
            "EMAIL_URL must look like smtp://USER:PASSWORD@HOST:587?starttls=1 or smtps://USER:PASSWORD@HOST."
        ) from None
    if not parts.hostname:
        raise ImproperlyConfigured("EMAIL_URL names no host: write smtp://HOST:PORT.")
    if unknown := set(options) - {"starttls"}:
        raise ImproperlyConfigured(f"EMAIL_URL has the option {sorted(unknown)[0]!r}; there is only starttls=1.")
    starttls = options.get("starttls", ["0"])[-1].lower()
    if starttls not in _YES | _NO:
        raise ImproperlyConfigured(f"EMAIL_URL has starttls={starttls!r}; write starttls=1 or leave it out.")
    return Relay(
        host=parts.hostname,
        port=port,
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        tls=parts.scheme == "smtps",
        starttls=starttls in _YES,
    )

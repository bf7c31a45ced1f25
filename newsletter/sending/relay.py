"""The relays that take our mail, as EMAIL_URL names them: one address or several, with white space between.

    smtp://USER:PASSWORD@HOST:PORT?starttls=1&weight=3&connections=5&messages=100&rate=20&signs=1

smtps:// is TLS from the first byte; the schemes of HTTP providers are told in providers/account.py.
"""

import ipaddress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from newsletter.sending.providers import account as providers
from newsletter.sending.providers.account import Account

_DEFAULT_PORTS = {"smtp": 25, "smtps": 465}
_OPTIONS = ("starttls", "weight", "connections", "messages", "rate", "signs")
_PROVIDER_OPTIONS = ("weight", "connections", "rate")
_YES = {"1", "true", "yes", "on"}
_NO = {"0", "false", "no", "off"}


@dataclass(frozen=True)
class Relay:
    """One way out. `weight` is its share of the connections; 0: only while all others are down."""

    host: str
    port: int
    user: str = ""
    password: str = field(default="", repr=False)
    tls: bool = False  # from the first byte
    starttls: bool = False
    weight: int = 1
    connections: int = 0  # of a lane to this relay; 0: its share of SEND_CONNECTIONS
    messages: int = 0  # over one connection, which is then closed; 0: no limit
    rate: float = 0  # messages a second over all lanes, kept by the Throttle; 0: no limit
    signs: bool = False  # it signs what we send (DKIM), so we do not
    account: Account | None = None  # it is an HTTP provider

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


def the_relays() -> list[Relay]:
    """Those of this installation, at least one; all SMTP, or all HTTP providers. Raises ImproperlyConfigured."""
    relays = [parse(address) for address in settings.EMAIL_URL.split()]
    if not relays:
        raise ImproperlyConfigured("EMAIL_URL is empty: write smtp://HOST:PORT.")
    for number, relay in enumerate(relays):
        if str(relay) in map(str, relays[:number]):
            raise ImproperlyConfigured(f"EMAIL_URL names {relay} twice.")
    if len({relay.account is None for relay in relays}) > 1:
        raise ImproperlyConfigured("EMAIL_URL mixes SMTP relays and HTTP providers: name one kind only.")
    return relays


def parse(address: str) -> Relay:
    """One address. Raises ImproperlyConfigured, which names the fault and never the password."""
    parts, options = _split(address)
    provider = providers.parse(parts, options) if parts.scheme in providers.KINDS else None
    _refuse_unknown(options, _OPTIONS if provider is None else _PROVIDER_OPTIONS)
    shared: dict[str, Any] = {
        "weight": _number(options, "weight", 1),
        "connections": _number(options, "connections", 0),
        "rate": _decimal(options, "rate"),
    }
    if provider:  # it writes the message anew, so only it can sign
        return Relay(provider.host, provider.port, account=provider, signs=True, **shared)
    return _checked(
        Relay(
            host=parts.hostname or "",
            port=parts.port or _DEFAULT_PORTS[parts.scheme],
            user=unquote(parts.username or ""),
            password=unquote(parts.password or ""),
            tls=parts.scheme == "smtps",
            starttls=_flag(options, "starttls"),
            messages=_number(options, "messages", 0),
            signs=_flag(options, "signs"),
            **shared,
        )
    )


def _split(address: str) -> tuple[SplitResult, dict[str, str]]:
    try:
        parts = urlsplit(address)
        options = dict(parse_qsl(parts.query, strict_parsing=bool(parts.query), keep_blank_values=True))
        good = parts.scheme in _DEFAULT_PORTS.keys() | providers.KINDS.keys() and (parts.port is None or parts.port > 0)
    except ValueError:
        good = False
    if not good or parts.fragment or (parts.scheme in _DEFAULT_PORTS and parts.path.strip("/")):
        raise ImproperlyConfigured(
            "EMAIL_URL must look like smtp://USER:PASSWORD@HOST:587?starttls=1 or smtps://USER:PASSWORD@HOST; "
            "signs such as / : @ ? # % in a password are written %2F %3A %40 %3F %23 %25."
        )
    return parts, options


def _checked(relay: Relay) -> Relay:
    if not relay.host:
        raise ImproperlyConfigured("EMAIL_URL names no host: write smtp://HOST:PORT.")
    if relay.tls and relay.starttls:
        raise ImproperlyConfigured(f"EMAIL_URL has smtps:// and starttls=1 for {relay}: leave one out.")
    if relay.password and not (relay.tls or relay.starttls or _is_here(relay.host)):
        raise ImproperlyConfigured(
            f"EMAIL_URL would send the password for {relay} in the clear: add starttls=1, or write smtps://."
        )
    return relay


def _is_here(host: str) -> bool:
    """Whether the host is this machine: nobody listens on its loopback."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _refuse_unknown(options: dict[str, str], known: tuple[str, ...]) -> None:
    if unknown := options.keys() - set(known):
        raise ImproperlyConfigured(f"EMAIL_URL has the option {min(unknown)!r}; there are only {', '.join(known)}.")


def _number(options: dict[str, str], name: str, default: int) -> int:
    value = options.get(name, str(default))
    if not (value.isascii() and value.isdigit() and len(value) <= 9):
        raise ImproperlyConfigured(f"EMAIL_URL has {name}={value!r}; write a whole number, such as {name}=5.")
    return int(value)


def _decimal(options: dict[str, str], name: str) -> float:
    value = options.get(name, "0")
    whole, _, part = value.partition(".")
    if not (value.isascii() and whole.isdigit() and (part or "0").isdigit() and len(value) <= 9):
        raise ImproperlyConfigured(f"EMAIL_URL has {name}={value!r}; write messages a second, such as {name}=20.")
    return float(value)


def _flag(options: dict[str, str], name: str) -> bool:
    value = options.get(name, "0").lower()
    if value not in _YES | _NO:
        raise ImproperlyConfigured(f"EMAIL_URL has {name}={value!r}; write {name}=1 or leave it out.")
    return value in _YES

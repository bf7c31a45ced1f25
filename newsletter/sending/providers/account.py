"""The HTTP providers we know, and one's account as EMAIL_URL names it: postmark://TOKEN@, mailgun://KEY@DOMAIN (pure).

    postmark://TOKEN@?stream=broadcasts    mailgun://KEY@DOMAIN    sendgrid://KEY@    brevo://KEY@    resend://KEY@

`api=ADDRESS` names another address of the provider's API, such as that of its European region. What each provider does
with a message is told in docs/operations.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

SLICE = 50  # letters in one request at most: as many as one lost answer can leave in doubt


@dataclass(frozen=True)
class Kind:
    """One provider. `batch` is the API's place for several complete messages at once, each with a body of its own.

    `keyword` is what anymail calls the key; `extra_headers` make the provider keep our Message-ID. `takes_tracking`:
    a message may ask that its links and opens be let alone. `idempotent`: a repeated request is not sent twice.
    """

    name: str
    api: str
    keyword: str = "api_key"
    batch: str = ""
    has_domain: bool = False
    has_stream: bool = False
    takes_tracking: bool = False
    idempotent: bool = False
    extra_headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def slice(self) -> int:
        """How many letters one request carries at most."""
        return SLICE if self.batch else 1


KINDS = {
    "postmark": Kind(
        "Postmark",
        "https://api.postmarkapp.com/",
        keyword="server_token",
        batch="email/batch",
        has_stream=True,
        takes_tracking=True,
        extra_headers={"X-PM-KeepID": "true"},
    ),
    "mailgun": Kind("Mailgun", "https://api.mailgun.net/v3/", has_domain=True, takes_tracking=True),
    "sendgrid": Kind("SendGrid", "https://api.sendgrid.com/v3/", takes_tracking=True),
    "brevo": Kind("Brevo", "https://api.brevo.com/v3/"),
    "resend": Kind("Resend", "https://api.resend.com/", batch="emails/batch", idempotent=True),
}


@dataclass(frozen=True)
class Account:
    """Ours with a provider; `provider` is a key of KINDS."""

    provider: str
    key: str = field(repr=False)
    domain: str = ""
    api: str = ""
    stream: str = ""

    @property
    def kind(self) -> Kind:
        return KINDS[self.provider]

    @property
    def host(self) -> str:
        return urlsplit(self.api).hostname or ""

    @property
    def port(self) -> int:
        parts = urlsplit(self.api)
        return parts.port or (80 if parts.scheme == "http" else 443)

    def settings(self) -> dict[str, Any]:
        """What anymail's backend of this provider is to be made with."""
        values: dict[str, Any] = {self.kind.keyword: self.key, "api_url": self.api}
        return values | ({"sender_domain": self.domain} if self.domain else {})


def parse(parts: SplitResult, options: dict[str, str]) -> Account:
    """The account in a split address; takes the options that are its own out of `options`.

    Raises ImproperlyConfigured, which names the fault and never the key.
    """
    provider = parts.scheme
    kind = KINDS[provider]
    shape = f"{provider}://KEY@{'DOMAIN' if kind.has_domain else ''}"
    if not parts.username:
        raise ImproperlyConfigured(f"EMAIL_URL names no key for {kind.name}: write {shape}, with the @.")
    if parts.password or bool(parts.hostname) != kind.has_domain or parts.path.strip("/"):
        raise ImproperlyConfigured(
            f"EMAIL_URL must look like {shape} for {kind.name}; "
            "signs such as / : @ + in the key are written %2F %3A %40 %2B."
        )
    stream = options.pop("stream", "") if kind.has_stream else ""
    return Account(provider, unquote(parts.username), parts.hostname or "", _api(kind, options), stream)


def _api(kind: Kind, options: dict[str, str]) -> str:
    address = options.pop("api", "") or kind.api
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ImproperlyConfigured(f"EMAIL_URL has api={address!r}; write the address of the API, such as {kind.api}.")
    return address.rstrip("/") + "/"

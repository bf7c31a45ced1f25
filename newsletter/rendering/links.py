"""Absolute addresses: the only ones a mail can hold (pure)."""

import re
from dataclasses import dataclass
from urllib.parse import quote, urlsplit, urlunsplit

import idna

from newsletter.rendering.slots import LEAVE, SETTINGS
from newsletter.rendering.writing import clean

_UNSAFE = re.compile(r"[^!#-;=?-\[\]_a-z~]")  # all but what RFC 3986 lets stand, and its percent signs


class BadLink(ValueError):
    """An address that cannot stand in a mail."""


@dataclass(frozen=True)
class Site:
    """This site as a mail names it; `url` is its absolute address without a slash at the end."""

    url: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "url", self.url.rstrip("/"))
        if not web_address(self.url):
            raise BadLink(f"“{self.url}” is no web address: set SITE_URL to one such as https://news.example.org.")

    def page(self, path: str) -> str:
        """The absolute address of a path on this site, or of an address that is absolute already."""
        if path.startswith("/") and not path.startswith("//"):
            return web_address(self.url + path)
        if address := web_address(path):
            return address
        raise BadLink(f"“{path}” is neither a path on this site (it begins with one slash) nor a web address.")

    @property
    def home(self) -> str:
        return f"{self.url}/"

    @property
    def archive(self) -> str:
        return f"{self.url}/archive/"

    @property
    def subscribe(self) -> str:
        return f"{self.url}/subscribe/"

    @property
    def settings(self) -> str:
        """The reader's settings page, its token still a mark."""
        return f"{self.url}/settings/{SETTINGS}/"

    @property
    def leave(self) -> str:
        return f"{self.url}/leave/{LEAVE}/"

    @property
    def one_click(self) -> str:
        return f"{self.url}/one-click/{LEAVE}/"


def _ascii(host: str) -> str:
    """The host as it stands in DNS (IDNA 2008); an ASCII host, odd as it may be, stays as it is."""
    return host if host.isascii() else idna.encode(host, uts46=True).decode()


def web_address(text: str) -> str:
    """The http(s) address in ASCII, safe for an attribute and for text; empty when it is none."""
    text = clean(text)
    try:
        parts = urlsplit(text)
        host = _ascii(parts.hostname or "")
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return ""
    if parts.scheme not in ("http", "https") or not host or "@" in parts.netloc:
        return ""
    host = f"[{host}]" if ":" in host else host
    whole = urlunsplit((parts.scheme, host + port, parts.path, parts.query, parts.fragment))
    return _UNSAFE.sub(lambda unsafe: quote(unsafe[0]), whole)

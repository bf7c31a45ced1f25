"""Signed references to a reader: in the links of a mail, and in its return path.

A reader's token is 48 characters of base64url without padding: subscriber key (8 bytes), newsletter id (4), campaign
key (8, zeros outside a campaign), and a keyed BLAKE2b (RFC 7693) of all that for its one purpose (16): a third of the
cost of an HMAC, and a message needs three. The fixed length lets a byte template hold its place. Confirmation links,
which expire, use Django's signing (audience/signup.py).
"""

import base64
import hmac
import struct
from binascii import unhexlify
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from hashlib import blake2b, sha512

from django.conf import settings

LENGTH = 48
_NO_CAMPAIGN = "0" * 16
_LAYOUT = struct.Struct(">8sI8s")
_RETURN = struct.Struct(">Q")
_RETURN_PATH = b"return"


class Purpose(Enum):
    LEAVE = b"leave"
    SETTINGS = b"settings"


class BadToken(Exception):
    """The token is not one of ours, or not for this purpose. What was wrong is not told."""


@dataclass(frozen=True)
class ReaderRef:
    """Who a link belongs to; `campaign` is the campaign's key, or empty when the link came with no campaign."""

    subscriber: str
    newsletter_id: int
    campaign: str = ""


def for_reader(purpose: Purpose, ref: ReaderRef) -> str:
    return maker(purpose, newsletter_id=ref.newsletter_id, campaign=ref.campaign)(ref.subscriber)


def maker(purpose: Purpose, *, newsletter_id: int, campaign: str = "") -> Callable[[str], str]:
    """What makes this newsletter's tokens for one purpose, from a subscriber's key; for a million readers in a row."""
    sign, key = _signer(settings.SECRET_KEY, purpose.value), bytes.fromhex(campaign or _NO_CAMPAIGN)

    def token(subscriber: str) -> str:
        body = _LAYOUT.pack(bytes.fromhex(subscriber), newsletter_id, key)
        return base64.urlsafe_b64encode(body + sign(body)).decode()

    return token


def read(purpose: Purpose, token: str) -> ReaderRef:
    """The reader the token names. Raises BadToken for anything not signed by us for this purpose."""
    if len(token) != LENGTH or not token.isascii():
        raise BadToken
    try:
        raw = base64.b64decode(token.encode(), altchars=b"-_", validate=True)
    except ValueError:
        raise BadToken from None
    body, mac = raw[: _LAYOUT.size], raw[_LAYOUT.size :]
    if not any(hmac.compare_digest(mac, _signer(key, purpose.value)(body)) for key in _keys()):
        raise BadToken
    subscriber, newsletter_id, campaign = _LAYOUT.unpack(body)
    key = campaign.hex()
    return ReaderRef(subscriber.hex(), newsletter_id, "" if key == _NO_CAMPAIGN else key)


def return_paths(domain: str) -> Callable[[int], str]:
    """What makes the envelope sender of a delivery (VERP) from its id, so that a bounce names it.

    In hexadecimal: some servers change its case on the way back; it stays under RFC 5321's 64 octets of local part.
    """
    sign = _signer(settings.SECRET_KEY, _RETURN_PATH)

    def path(delivery_id: int) -> str:
        body = _RETURN.pack(delivery_id)
        return f"bounce+{(body + sign(body)[:12]).hex()}@{domain}"

    return path


def read_return_path(address: str) -> int:
    """The delivery a bounced mail belongs to. Raises BadToken."""
    local = address.rpartition("@")[0].rpartition("+")[2]
    try:
        raw = unhexlify(local)
    except ValueError:
        raise BadToken from None
    body, mac = raw[: _RETURN.size], raw[_RETURN.size :]
    if not any(hmac.compare_digest(mac, _signer(key, _RETURN_PATH)(body)[:12]) for key in _keys()):
        raise BadToken
    return int(_RETURN.unpack(body)[0])


def _keys() -> Iterator[str]:
    yield settings.SECRET_KEY
    yield from settings.SECRET_KEY_FALLBACKS


@lru_cache(maxsize=16)
def _signer(secret: str, purpose: bytes) -> Callable[[bytes], bytes]:
    """The MAC of one secret for one purpose. BLAKE2b's key has 64 bytes at most, and a secret any length."""
    key = sha512(b"newsletter.tokens:" + secret.encode()).digest()
    keyed = blake2b(digest_size=16, key=key, person=purpose)  # a copy of it spares hashing the key each time

    def sign(body: bytes) -> bytes:
        mac = keyed.copy()
        mac.update(body)
        return mac.digest()

    return sign

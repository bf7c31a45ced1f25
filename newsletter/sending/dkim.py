"""DKIM signatures (RFC 6376; RFC 8301; RFC 8463): RSA and Ed25519, together or alone, over one hash of the body.

Every header that we write is signed, so no byte of a message can change. Headers count in their relaxed form (relays
fold them anew), the body as it is (it leaves in quoted-printable, which nobody has a reason to touch). There is no l=:
whoever could add to a body could put another letter above ours.
"""

import re
from base64 import b64encode
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

from newsletter.sending import dkim_keys
from newsletter.sending.dkim_keys import Key

_LASTS = (
    14 * 24 * 3600
)  # seconds: longer than any relay keeps trying; a copy replayed to strangers later counts for nothing

_CRLF = b"\r\n"
_SPACE = re.compile(rb"[ \t]{2,}|\t")
_WIDTH = 76
# Written, changed or taken out on the way.
_NOT_SIGNED = frozenset((b"return-path", b"received", b"bcc", b"dkim-signature", b"authentication-results"))
# Named once more than they occur: a second one, which some programs would show instead of ours, breaks the signature.
_ONLY_OURS = (
    b"from to cc reply-to subject date message-id mime-version content-type content-transfer-encoding "
    b"list-unsubscribe list-unsubscribe-post"
).split()


class Signer:
    """Signs a domain's messages with each of its keys. Build it once; it holds nothing of a message."""

    def __init__(self, keys: Sequence[Key]) -> None:
        self._keys = [(key, _start(key)) for key in keys]

    def sign(self, message: bytes, *, now: datetime) -> bytes:
        """The DKIM-Signature lines, CRLF at the end of each, to stand before the message.

        `message` has CRLF line ends, a header and an empty line. Each signature is good for two weeks from `now`.
        """
        end = message.index(b"\r\n\r\n")
        lines = _unfolded(message[:end]).split(_CRLF)
        lines.reverse()  # a verifier counts a header that occurs twice from below (RFC 6376, 5.4.2)
        names, relaxed = zip(*map(_field, lines), strict=True)
        since = int(now.timestamp())
        tags = b"t=%d; x=%d;\r\n h=%b;\r\n bh=%b;\r\n b=" % (
            since,
            since + _LASTS,
            _named(names),
            b64encode(_body_hash(message, end + 4)),
        )
        headers = b"".join(relaxed)
        return b"".join([_signature(key, start + tags, headers) for key, start in self._keys])


def signer_for(domain: str) -> Signer | None:
    """The signer with the keys of DKIM_DIR/<domain>/; None when there are none.

    Keys are read once in a process, and again when a file was added, changed or removed. Raises ImproperlyConfigured
    for a file that is no good.
    """
    try:
        files = dkim_keys.files_of(dkim_keys.ascii_domain(domain))
    except dkim_keys.BadName:  # a sender such as "webmaster": nobody has a key for that
        return None
    return _signer(tuple((file, *_stamp(file)) for file in files)) if files else None


def signed(message: bytes, *, sender: str, now: datetime) -> bytes:
    """A single mail with its signatures in front; as it was, when the domain of `sender`, its From, has no key."""
    signer = signer_for(sender.rpartition("@")[2])
    return signer.sign(message, now=now) + message if signer else message


def _stamp(file: Path) -> tuple[int, int, int]:
    """What tells that a file is still the same."""
    try:
        facts = file.stat()
    except OSError:  # gone, or not ours to see: reading it will say so
        return (0, 0, 0)
    return (facts.st_mtime_ns, facts.st_size, facts.st_mode)


@lru_cache(maxsize=64)
def _signer(stamped: tuple[tuple[Path, int, int, int], ...]) -> Signer:
    keys = [dkim_keys.load(file) for file, *_ in stamped]
    # RSA on top: there are receivers that look at the first signature only, and not all know Ed25519.
    return Signer(sorted(keys, key=lambda key: key.kind, reverse=True))


def _start(key: Key) -> bytes:
    names = f" d={key.domain}; s={key.selector};"
    if len(names) > _WIDTH:  # neither name can be folded itself
        names = f" d={key.domain};\r\n s={key.selector};"
    return f"DKIM-Signature: v=1; a={key.kind}-sha256; c=relaxed/simple;\r\n{names}\r\n ".encode()


def _signature(key: Key, unsigned: bytes, headers: bytes) -> bytes:
    """One header. `unsigned` is all of it before the signature, in folds that are one space wide."""
    own = b"dkim-signature:" + _unfolded(unsigned[len("DKIM-Signature: ") :])
    value = b64encode(key.sign(headers + own))
    first, rest = value[: _WIDTH - 3], value[_WIDTH - 3 :]
    lines = [first, *(rest[at : at + _WIDTH - 1] for at in range(0, len(rest), _WIDTH - 1))]
    return unsigned + b"\r\n ".join(lines) + _CRLF


def _unfolded(head: bytes) -> bytes:
    return head.replace(b"\r\n ", b" ").replace(b"\r\n\t", b"\t")


def _body_hash(message: bytes, start: int) -> bytes:
    """The body with exactly one line end after its last line (3.4.3)."""
    end = len(message)
    while end > start and message[end - 2 : end] == _CRLF:
        end -= 2
    digest = sha256(memoryview(message)[start:end])
    digest.update(_CRLF)
    return digest.digest()


# Most headers are the same for all readers of a variant, and those are never out of this for long.
@lru_cache(maxsize=1024)
def _field(line: bytes) -> tuple[bytes, bytes]:
    """The name of an unfolded header, and the header in its relaxed form (3.4.2); nothing of one that is not signed."""
    name, _, value = line.partition(b":")
    name = name.rstrip(b" \t").lower()
    if name in _NOT_SIGNED:
        return b"", b""
    return name, b"%b:%b\r\n" % (name, _SPACE.sub(b" ", value).strip(b" "))


@lru_cache(maxsize=64)
def _named(names: tuple[bytes, ...]) -> bytes:
    """The list of what is signed, folded between names."""
    lines = [b" h="]
    for name in [*filter(None, names), *_ONLY_OURS]:
        if len(lines[-1]) + len(name) + 1 > _WIDTH:
            lines.append(b" ")
        lines[-1] += name + b":"
    return _CRLF.join(lines)[len(" h=") : -1]

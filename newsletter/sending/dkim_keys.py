"""DKIM keys: private ones in files, public ones as DNS records (RFC 6376, 3.6; RFC 8301; RFC 8463).

DKIM_DIR/<domain>/<selector>.pem holds one private key, for its owner's eyes only. Which kind it is, it tells itself.
"""

import base64
import os
import re
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import idna
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

KINDS = ("rsa", "ed25519")
RSA_BITS = 2048  # what large receivers ask for at the least (RFC 8301 asks for 1024)
_SELECTOR = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_PADDING, _SHA256 = PKCS1v15(), SHA256()


class BadName(ValueError):
    """No domain, or no selector; the message says what it must look like."""


@dataclass(frozen=True)
class Key:
    domain: str
    selector: str
    private: RSAPrivateKey | Ed25519PrivateKey

    @property
    def kind(self) -> str:
        return "rsa" if isinstance(self.private, RSAPrivateKey) else "ed25519"

    @property
    def record_name(self) -> str:
        return f"{self.selector}._domainkey.{self.domain}"

    @property
    def record(self) -> str:
        """The value of the TXT record under which receivers find the public key."""
        public = self.private.public_key()
        if self.kind == "rsa":
            raw = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        else:
            raw = public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        return f"v=DKIM1; k={self.kind}; p={base64.b64encode(raw).decode()}"

    def sign(self, data: bytes) -> bytes:
        if isinstance(self.private, RSAPrivateKey):
            return self.private.sign(data, _PADDING, _SHA256)
        return self.private.sign(sha256(data).digest())  # RFC 8463, 3: the hash is what is signed


def ascii_domain(text: str) -> str:
    """The domain as it stands in DNS. Raises BadName."""
    try:
        return idna.encode(text, uts46=True).decode().lower()
    except idna.IDNAError as error:
        raise BadName(f"{text[:80]!r} is no domain such as example.org: {error}.") from error


def files_of(domain: str) -> list[Path]:
    """The domain's key files, by name; `domain` as `ascii_domain` gives it."""
    return sorted((Path(settings.DKIM_DIR) / domain).glob("*.pem"))


def file_of(domain: str, selector: str) -> Path:
    return Path(settings.DKIM_DIR) / domain / f"{selector}.pem"


def load(file: Path) -> Key:
    """The key in the file. Raises ImproperlyConfigured, which names the file and how to mend it."""
    try:
        mode, content = file.stat().st_mode, file.read_bytes()
    except OSError as error:
        raise ImproperlyConfigured(f"The DKIM key {file} cannot be read: {error.strerror}.") from error
    if mode & 0o077:
        raise ImproperlyConfigured(f"The DKIM key {file} is open to others than its owner. Run: chmod 600 {file}")
    if not _SELECTOR.fullmatch(file.stem):
        raise ImproperlyConfigured(
            f"The DKIM key {file} has a name that is no selector: "
            "use lower-case letters, digits and hyphens, then .pem."
        )
    return Key(file.parent.name, file.stem, _private(file, content))


def make(domain: str, selector: str, kind: str) -> Key:
    """A new key in its file, readable by its owner alone. Raises FileExistsError rather than overwrite; BadName."""
    if not _SELECTOR.fullmatch(selector):
        raise BadName(f"{selector[:80]!r} is no selector: use up to 63 lower-case letters, digits and hyphens.")
    private = generate_private_key(65537, RSA_BITS) if kind == "rsa" else Ed25519PrivateKey.generate()
    key = Key(ascii_domain(domain), selector, private)
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    _write_once(file_of(key.domain, selector), pem)
    return key


def _private(file: Path, content: bytes) -> RSAPrivateKey | Ed25519PrivateKey:
    try:
        private = serialization.load_pem_private_key(content, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise ImproperlyConfigured(
            f"{file} holds no private key in PEM without a password ({error}). "
            "Put it elsewhere and make one with: manage.py dkim_key"
        ) from error
    if isinstance(private, RSAPrivateKey) and private.key_size < RSA_BITS:
        raise ImproperlyConfigured(
            f"The DKIM key {file} has {private.key_size} bit; receivers want {RSA_BITS} or more. "
            "Put it elsewhere and make one with: manage.py dkim_key"
        )
    if not isinstance(private, RSAPrivateKey | Ed25519PrivateKey):
        raise ImproperlyConfigured(f"The DKIM key {file} is neither RSA nor Ed25519; DKIM knows no other kind.")
    return private


def _write_once(file: Path, content: bytes) -> None:
    """Whole or not at all: a worker may read the folder at any moment."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    made = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        with os.fdopen(os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as opened:
            opened.write(content)
            os.fsync(opened.fileno())
        os.link(made, file)
    finally:
        made.unlink(missing_ok=True)

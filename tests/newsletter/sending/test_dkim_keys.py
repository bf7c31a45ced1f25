"""Key files: whose they are, what is no good about them, and that a new one is seen."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from django.core.exceptions import ImproperlyConfigured

from newsletter.sending import dkim_keys
from newsletter.sending.dkim import signed, signer_for
from newsletter.sending.dkim_keys import BadName
from tests.newsletter.sending.test_dkim import NOW, SMALL, verdicts

DOMAIN = "example.org"


@pytest.fixture(autouse=True)
def folder(settings, tmp_path: Path) -> Path:
    settings.DKIM_DIR = tmp_path / "dkim"
    return settings.DKIM_DIR / DOMAIN


def pem(private, password: bytes = b"") -> bytes:
    secrecy = BestAvailableEncryption(password) if password else NoEncryption()
    return private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, secrecy)


def put(folder: Path, content: bytes, name: str = "recap.pem", mode: int = 0o600) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / name
    file.write_bytes(content)
    file.chmod(mode)
    return file


def good() -> bytes:
    return pem(Ed25519PrivateKey.generate())


@pytest.mark.parametrize("kind", ["rsa", "ed25519"])
def test_a_key_is_made_for_its_owner_alone_and_signs_what_its_record_verifies(folder, kind):
    key = dkim_keys.make(DOMAIN, "recap-2026", kind)
    file = folder / "recap-2026.pem"
    assert file.stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700
    assert [each.name for each in folder.iterdir()] == ["recap-2026.pem"]
    assert key.record_name == "recap-2026._domainkey.example.org"
    assert dkim_keys.load(file).record == key.record
    assert key.record.startswith(f"v=DKIM1; k={kind}; p=")
    assert verdicts(signed(SMALL, sender=f"recap@{DOMAIN}", now=NOW), key) == [True]


def test_no_key_is_ever_overwritten(folder):
    dkim_keys.make(DOMAIN, "recap", "ed25519")
    before = (folder / "recap.pem").read_bytes()
    with pytest.raises(FileExistsError):
        dkim_keys.make(DOMAIN, "recap", "rsa")
    assert (folder / "recap.pem").read_bytes() == before
    assert len(list(folder.iterdir())) == 1


@pytest.mark.parametrize("selector", ["", "../x", "A", "a b", "-a", "a.", "a" * 64, "ä"])
def test_what_is_no_selector_is_refused(selector, folder):
    with pytest.raises(BadName, match="selector"):
        dkim_keys.make(DOMAIN, selector, "ed25519")
    assert not folder.exists()


@pytest.mark.parametrize("domain", ["", "..", "../x", "a/b", "a b", "a..b", ".", "x\n"])
def test_what_is_no_domain_is_refused_and_has_no_signer(domain):
    with pytest.raises(BadName, match="domain"):
        dkim_keys.make(domain, "recap", "ed25519")
    assert signer_for(domain) is None


def test_a_domain_of_any_letters_has_its_folder_in_ascii(folder):
    dkim_keys.make("Bücher.Example", "recap", "ed25519")
    assert (folder.parent / "xn--bcher-kva.example" / "recap.pem").exists()
    assert signer_for("xn--bcher-kva.example") is signer_for("BÜCHER.example") is not None


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "no private key in PEM"),
        (b"-----BEGIN PRIVATE KEY-----\nnonsense\n-----END PRIVATE KEY-----\n", "no private key in PEM"),
        (pem(Ed25519PrivateKey.generate(), b"secret"), "without a password"),
        (
            Ed25519PrivateKey.generate().public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
            "no private key",
        ),
        (pem(rsa.generate_private_key(65537, 1024)), "1024 bit; receivers want 2048"),
        (pem(ec.generate_private_key(ec.SECP256R1())), "neither RSA nor Ed25519"),
    ],
)
def test_a_file_that_is_no_good_is_named_with_what_to_do(folder, content, words):
    file = put(folder, content)
    with pytest.raises(ImproperlyConfigured, match=words) as told:
        signer_for(DOMAIN)
    assert str(file) in str(told.value)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_a_key_that_others_can_read_is_refused_with_the_command_that_mends_it(folder, mode):
    file = put(folder, good(), mode=mode)
    with pytest.raises(ImproperlyConfigured, match=f"chmod 600 {file}"):
        signer_for(DOMAIN)
    file.chmod(0o400)
    assert signer_for(DOMAIN)


def test_a_file_whose_name_is_no_selector_is_refused(folder):
    put(folder, good(), name="My Key.pem")
    with pytest.raises(ImproperlyConfigured, match=r"My Key\.pem has a name that is no selector"):
        signer_for(DOMAIN)


def test_a_folder_in_a_keys_place_is_refused(folder):
    (folder / "recap.pem").mkdir(parents=True, mode=0o700)
    with pytest.raises(ImproperlyConfigured, match="cannot be read"):
        signer_for(DOMAIN)


def test_without_a_key_a_mail_stays_as_it_was(folder):
    folder.mkdir(parents=True)
    put(folder, good(), name="recap.pem.old")
    assert signer_for(DOMAIN) is None
    assert signed(SMALL, sender=f"recap@{DOMAIN}", now=NOW) is SMALL
    assert signed(SMALL, sender="webmaster", now=NOW) is SMALL


def test_every_key_of_the_domain_signs_and_rsa_comes_first():
    for selector, kind in (("a", "ed25519"), ("b", "rsa"), ("c", "ed25519")):
        dkim_keys.make(DOMAIN, selector, kind)
    block = signer_for(DOMAIN).sign(SMALL, now=NOW)
    assert [block.count(b" s=%b;" % name) for name in (b"a", b"b", b"c")] == [1, 1, 1]
    assert block.index(b"a=rsa-sha256") < block.index(b"a=ed25519-sha256")


def test_the_same_signer_serves_until_a_file_is_added_changed_or_removed(folder):
    old = dkim_keys.make(DOMAIN, "old", "ed25519")
    first = signer_for(DOMAIN)
    assert signer_for(DOMAIN) is first
    new = dkim_keys.make(DOMAIN, "new", "ed25519")
    both = signed(SMALL, sender=f"recap@{DOMAIN}", now=NOW)
    assert verdicts(both, old, new) == [True, True]
    (folder / "old.pem").unlink()
    assert verdicts(signed(SMALL, sender=f"recap@{DOMAIN}", now=NOW), new) == [True]

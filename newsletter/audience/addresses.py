"""E-mail addresses: which we take, and which two are the same person's (pure; the network is not asked).

Taken: what RFC 5321 and RFC 6531 allow and people really have, with letters of any script on both sides of the @. Not
taken: quoted local parts, comments, bracketed hosts, a name beside the address, and domains that lead nowhere.
"""

import unicodedata
from dataclasses import dataclass

import email_validator

LONGEST = 254  # RFC 5321 4.5.3.1.3, less the angle brackets


@dataclass(frozen=True)
class Address:
    """`email` is for people, its local part as they wrote it; `address` is the one form of all its spellings.

    Nearly every server ignores the case of a local part, so two that differ in it are one person: `address` is folded.
    Its domain is ASCII; that of `email` is in the letters of its language (`on_the_wire` gives what a server takes).
    """

    email: str
    address: str


class BadAddress(ValueError):
    """We cannot write to it. `reason` is a sentence for the person who typed it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def normalise(text: str, *, test_environment: bool = False) -> Address:
    """The address that `text` is, with nothing around it. Raises BadAddress.

    `test_environment` also takes names under .test, which lead nowhere outside a laboratory (RFC 6761).
    """
    _refuse_at_sight(text)
    try:
        valid = _valid(text, test_environment)
        # Folding can lengthen a name or change its form (ß, İ, ΐ), so what is stored must pass by itself.
        same = _valid(f"{_folded(valid.local_part)}@{valid.ascii_domain}", test_environment)
    except email_validator.EmailNotValidError as error:
        raise BadAddress(str(error)) from None
    address = f"{same.local_part}@{same.ascii_domain}"
    if len(address) > LONGEST:
        raise BadAddress(f"The address is too long: {len(address)} characters, and e-mail allows {LONGEST}.")
    return Address(valid.normalized, address)


def on_the_wire(email: str) -> str:
    """The same address with its domain in ASCII; only a local part beyond ASCII then still needs SMTPUTF8.

    Raises BadAddress.
    """
    try:
        valid = _valid(email, test_environment=True)
    except email_validator.EmailNotValidError as error:
        raise BadAddress(str(error)) from None
    return f"{valid.local_part}@{valid.ascii_domain}"


def _refuse_at_sight(text: str) -> None:
    """The faults that people make, in words made for them; email-validator tells the rarer ones."""
    if not text:
        raise BadAddress("Please type your e-mail address.")
    if len(text) > LONGEST:
        raise BadAddress(f"The address is too long: {len(text)} characters, and e-mail allows {LONGEST}.")
    if any(character.isspace() for character in text):
        raise BadAddress("There is a space or a line break in the address. Please write it without.")
    for character in text:
        if unicodedata.category(character).startswith("C"):
            raise BadAddress(f"The address holds an invisible character (U+{ord(character):04X}). Please type it anew.")
    if "@" not in text:
        raise BadAddress("There is no @ in the address. It should look like name@example.org.")


def _valid(text: str, test_environment: bool) -> email_validator.ValidatedEmail:
    return email_validator.validate_email(
        text,
        check_deliverability=False,
        allow_smtputf8=True,
        allow_empty_local=False,
        allow_quoted_local=False,
        allow_domain_literal=False,
        allow_display_name=False,
        strict=True,
        test_environment=test_environment,
    )


def _folded(local: str) -> str:
    """Canonical caseless matching (Unicode 3.13, D145), composed again as RFC 6532 asks."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", local).casefold())

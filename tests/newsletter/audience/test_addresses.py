"""Which addresses we take, and which spellings are one person."""

import contextlib
import unicodedata

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from newsletter.audience.addresses import Address, BadAddress, normalise, on_the_wire

TAKEN = {
    "ada@example.org": ("ada@example.org", "ada@example.org"),
    "Ada.Lovelace@Example.ORG": ("Ada.Lovelace@example.org", "ada.lovelace@example.org"),
    "ada+recap@example.org": ("ada+recap@example.org", "ada+recap@example.org"),
    "o'neill@example.org": ("o'neill@example.org", "o'neill@example.org"),
    "info@MÜNCHEN.de": ("info@münchen.de", "info@xn--mnchen-3ya.de"),
    "info@xn--mnchen-3ya.de": ("info@münchen.de", "info@xn--mnchen-3ya.de"),
    "info@straße.de": ("info@straße.de", "info@xn--strae-oqa.de"),
    "Jörg@Bücher.example": ("Jörg@bücher.example", "jörg@xn--bcher-kva.example"),
    "用户@例え.jp": ("用户@例え.jp", "用户@xn--r8jz45g.jp"),
    "अजय@डाटा.भारत": ("अजय@डाटा.भारत", "अजय@xn--c2bd1gb.xn--h2brj9c"),
    "ada@example。org": ("ada@example.org", "ada@example.org"),  # the full stop of Chinese keyboards
    f"{'a' * 64}@example.org": (f"{'a' * 64}@example.org",) * 2,
}

REFUSED = {
    "": "type your e-mail",
    "ada": "no @",
    "ada@": "after the @",
    "@example.org": "before the @",
    "ada@@example.org": "after the @",
    "ada@example": "period",
    "ada@localhost": "period",
    "ada@laboratory.test": "special-use",
    "ada@host.local": "special-use",
    "ada@something.invalid": "special-use",
    "ada@192.0.2.1": "top-level",
    "ada@[192.0.2.1]": "not allowed",
    "ada@-example.org": "hyphen",
    "ada@exa_mple.org": "invalid characters",
    "ada@example..org": "two periods",
    "ada@example.org.": "end with a period",
    ".ada@example.org": "start with a period",
    "ada.@example.org": "period",
    "a..da@example.org": "two periods",
    "a,da@example.org": "invalid characters",
    '"ada"@example.org': "Quoting",
    "<ada@example.org>": "",
    "ada@example.org,bob@example.org": "invalid characters",
    " ada@example.org": "space",
    "ada@example.org\n": "line break",
    "ada@example.org\r\nBcc: bob@example.org": "line break",
    "a\tda@example.org": "space",
    "a\u00a0da@example.org": "space",
    "a\u2028da@example.org": "line break",
    "a\x00da@example.org": "U+0000",
    "a\x7fda@example.org": "U+007F",
    "a\u200bda@example.org": "U+200B",
    "a\u202eda@example.org": "U+202E",
    "ada@exam\u00adple.org": "U+00AD",
    "\ufeffada@example.org": "U+FEFF",
    "ada@xn--a.org": "IDNA",
    f"{'a' * 65}@example.org": "too long",
    f"ada@{'a' * 64}.org": "",
    f"{'a' * 60}@{'.'.join(['b' * 60] * 4)}.org": "too long",
    f"{'ü' * 60}@{'.'.join(['b' * 60] * 3)}.orgorgorg": "too long",
    "a" * 1_000_000 + "@example.org": "too long",
}


@pytest.mark.parametrize(("typed", "expected"), TAKEN.items(), ids=range(len(TAKEN)))
def test_it_takes(typed, expected):
    assert normalise(typed) == Address(*expected)


@pytest.mark.parametrize(("typed", "reason"), REFUSED.items(), ids=range(len(REFUSED)))
def test_it_refuses_with_a_reason_for_the_person(typed, reason):
    with pytest.raises(BadAddress) as refused:
        normalise(typed)
    assert reason in refused.value.reason
    assert refused.value.reason.endswith((".", "too many)."))
    assert refused.value.reason.isprintable()
    assert len(refused.value.reason) < 300


def test_names_of_a_laboratory_are_taken_only_in_one():
    assert normalise("ada@mail.test", test_environment=True).address == "ada@mail.test"
    with pytest.raises(BadAddress):
        normalise("ada@mail.test")


LETTERS = st.characters(categories=["Lu", "Ll", "Lo", "Nd"])
locals_ = st.text(st.one_of(st.sampled_from("abcXYZ019.+-_'"), LETTERS), min_size=1, max_size=30)
domains = st.sampled_from(["example.org", "Example.ORG", "bücher.example", "BÜCHER.example", "例え.jp", "ελλάδα.gr"])


def taken(text: str) -> Address:
    try:
        return normalise(text)
    except BadAddress:
        assume(False)
        raise


@given(locals_, domains)
def test_what_is_stored_is_its_own_normal_form(local, domain):
    found = taken(f"{local}@{domain}")
    again = normalise(found.address)
    assert again.address == found.address
    assert normalise(again.email).address == found.address
    assert normalise(found.email) == found


@given(locals_, domains)
def test_spellings_of_one_address_are_one_person(local, domain):
    found = taken(f"{local}@{domain}")
    email, at = found.email, found.email.rindex("@")
    for spelling in (
        email[:at] + email[at:].upper().replace("ẞ", "ß"),
        unicodedata.normalize("NFD", email[:at]) + email[at:],
        on_the_wire(email),
        email[:at].casefold() + email[at:],
    ):
        try:
            assert normalise(spelling).address == found.address
        except BadAddress:
            # Respelling can make a local part too long, or take a letter its only form: refused, never somebody else.
            assert not email.isascii()


@given(st.from_regex(r"[a-z0-9]{1,20}(\.[a-z0-9]{1,10}){0,2}", fullmatch=True))
def test_case_never_makes_two_people_of_one(local):
    assert len({normalise(f"{each}@example.org").address for each in (local, local.upper(), local.title())}) == 1


@given(st.text(max_size=300))
def test_whatever_is_typed_it_answers_or_refuses_and_never_breaks(text):
    with contextlib.suppress(BadAddress):
        found = normalise(text)
        assert max(len(found.address), len(found.email)) <= 254
        assert not any(character.isspace() or not character.isprintable() for character in found.email + found.address)


def test_a_server_is_told_the_domain_in_ascii():
    assert on_the_wire("Ada@straße.de") == "Ada@xn--strae-oqa.de"
    assert on_the_wire("用户@例え.jp") == "用户@xn--r8jz45g.jp"
    with pytest.raises(BadAddress):
        on_the_wire("no address\r\n")

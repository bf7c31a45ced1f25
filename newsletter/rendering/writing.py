"""How a language is written, and what text from outside looks like when it may stand in a mail (pure)."""

import unicodedata
from dataclasses import dataclass

_RIGHT_TO_LEFT = {"ar", "arc", "ckb", "dv", "fa", "he", "ku", "nqo", "ps", "sd", "syr", "ug", "ur", "yi"}
_TALL = {"ja", "ko", "zh", "th", "lo", "km", "my"}  # scripts whose lines need more air
_NOT_TEXT = {"Cc", "Cs", "Co"}
_LEAKING = set("\u202a\u202b\u202c\u202d\u202e")  # embeddings and overrides turn round whatever follows them

# Everything that stands for a reader's value begins with this (rendering/slots.py), so no content may hold it.
RESERVED = "READER-SLOT-"


class ReservedText(ValueError):
    """Content holds the words that mark a reader's value; it could show one reader's links where they do not belong."""

    def __init__(self, text: str) -> None:
        super().__init__(f"“{text[:80]}” holds the reserved word {RESERVED!r}: take it out of the text.")


@dataclass(frozen=True)
class Writing:
    """`start` and `end` are the sides on which a line begins and ends."""

    language: str
    direction: str
    start: str
    end: str
    line_height: int  # px for running text of 16 px


def writing_of(language: str) -> Writing:
    """The way this BCP 47 language is written; an unknown one is taken to run from left to right."""
    primary, *rest = language.lower().replace("_", "-").split("-")
    right_to_left = "arab" in rest or (primary in _RIGHT_TO_LEFT and "latn" not in rest)
    start, end = ("right", "left") if right_to_left else ("left", "right")
    return Writing(language, "rtl" if right_to_left else "ltr", start, end, 27 if primary in _TALL else 24)


def clean(text: str) -> str:
    """The text on one line, without control characters: they mean nothing in a mail and break its markup.

    Raises ReservedText when it holds what marks a reader's value.
    """
    spaced = " ".join(text.split())
    kept = spaced if spaced.isascii() and spaced.isprintable() else "".join(filter(_is_text, spaced))
    if RESERVED in kept:
        raise ReservedText(kept)
    return kept


def without_brackets(text: str) -> str:
    """The text for an attribute. HTML may leave < and > bare there, and some mail programs then see a tag."""
    return text.replace("<", " ").replace(">", " ")


def paragraphs(text: str) -> list[str]:
    """The paragraphs of a plain text, each on one line; an empty line begins a new one."""
    blocks = text.replace("\r\n", "\n").replace("\r", "\n").split("\n\n")
    return [paragraph for paragraph in map(clean, blocks) if paragraph]


def lines(text: str) -> list[str]:
    """The lines of a plain text that are not empty, such as those of a postal address."""
    return [line for line in map(clean, text.splitlines()) if line]


def _is_text(character: str) -> bool:
    noncharacter = ord(character) & 0xFFFE == 0xFFFE or 0xFDD0 <= ord(character) <= 0xFDEF
    return not noncharacter and character not in _LEAKING and unicodedata.category(character) not in _NOT_TEXT

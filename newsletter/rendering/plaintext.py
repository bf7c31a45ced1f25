"""The text part: written from the same values as the HTML by a template of its own, and laid out here (pure)."""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any

from django.template.loader import render_to_string

from newsletter.rendering.slots import HELLO_END

WIDTH = 72
_GAPS = re.compile(r"\n{3,}")
_AFTER_HELLO = re.compile(re.escape(HELLO_END) + r"\n+")
_ADDRESS = re.compile(r"\s*https?://\S+\s*")
_OPENING = re.compile(r" *(?:\d+\. )?")  # the lines that follow a number stand under its headline
_WIDE = {"W", "F"}
_CLOSING = set("、。，．・：；？！」』）］｝〉》】ー々ぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮ…‥”’%）,.!?)]}")


def render_text(template: str, context: Mapping[str, Any]) -> str:
    """The text that the template writes, wrapped; it switches autoescaping off itself, since this is no HTML."""
    return lay_out(render_to_string(template, dict(context)))


def lay_out(text: str) -> str:
    """Lines of at most 72 cells that continue under their own indentation, and never more than one empty line.

    An address keeps its line whole however long it is: a broken one cannot be followed.
    """
    lines = [piece for line in text.split("\n") for piece in _wrap(line.rstrip())]
    whole = _GAPS.sub("\n\n", "\n".join(lines)).strip("\n")
    return _AFTER_HELLO.sub(HELLO_END, whole) + "\n"


def cells(text: str) -> int:
    """How wide the text is in a fixed-width window: two cells for an East Asian wide character, none for a mark."""
    return sum(_cells(character) for character in text)


def _cells(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) in {"Mn", "Me", "Cf"}:
        return 0
    return 2 if unicodedata.east_asian_width(character) in _WIDE else 1


def _wrap(line: str) -> Iterator[str]:
    if cells(line) <= WIDTH or _ADDRESS.fullmatch(line):
        yield line
        return
    match = _OPENING.match(line)
    opening = match[0] if match else ""
    indent = " " * cells(opening)
    current, width = opening, cells(opening)
    for unit in _units(line[len(opening) :]):
        if width + cells(unit.rstrip()) > WIDTH and current.strip():
            yield current.rstrip()
            current, width, unit = indent, cells(indent), unit.lstrip()
        current += unit
        width += cells(unit)
    yield current.rstrip()


def _units(text: str) -> Iterator[str]:
    """What may not be broken: words with the space after them, and wide characters with the closing mark after them."""
    unit = ""
    for character in text:
        breaks = unit and (
            (unit[-1] == " " and character != " ")
            or (_is_wide(unit[-1]) and character not in _CLOSING and character != " ")
            or (_is_wide(character) and character not in _CLOSING)
        )
        if breaks:
            yield unit
            unit = ""
        unit += character
    if unit:
        yield unit


def _is_wide(character: str) -> bool:
    return unicodedata.east_asian_width(character) in _WIDE

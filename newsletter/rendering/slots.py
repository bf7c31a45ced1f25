"""What differs from reader to reader, and the marks that hold its places in HTML and text (pure).

A token's mark is as long as a token and made of the same letters, so it passes MJML and the inliner as the link it will
be. The greeting's marks enclose the whole line: a reader without a name gets no greeting and no gap.
"""

import re
from datetime import UTC, datetime
from html import escape
from typing import NamedTuple

from newsletter.rendering.writing import RESERVED
from newsletter.tokens import LENGTH

LEAVE = f"{RESERVED}LEAVE".ljust(LENGTH, "_")
SETTINGS = f"{RESERVED}SETTINGS".ljust(LENGTH, "_")
HELLO_BEGIN = f"{RESERVED}HELLO_"
HELLO_END = f"{RESERVED}OLLEH_"
NAME = f"{RESERVED}NAME_"

HELLO = re.compile(f"{HELLO_BEGIN}(.*?){HELLO_END}", re.DOTALL)
MARKS = {"leave": LEAVE, "settings": SETTINGS, "hello_begin": HELLO_BEGIN, "hello_end": HELLO_END, "name": NAME}


class Slots(NamedTuple):
    """One reader's values. Tokens are 48 characters (newsletter/tokens.py); `date` is aware; `to_name` may be empty."""

    to_name: str
    to_email: str
    message_id: str
    date: datetime
    leave_token: str
    settings_token: str


SAMPLE = Slots(
    to_name="Sample Reader",
    to_email="reader@example.org",
    message_id="sample@example.org",
    date=datetime(2026, 1, 1, tzinfo=UTC),
    leave_token="sample-leave-".ljust(LENGTH, "x"),
    settings_token="sample-settings-".ljust(LENGTH, "x"),
)


def fill_html(html: str, slots: Slots = SAMPLE) -> str:
    """The HTML as this reader would see it; for previews and as the reference of the byte template."""
    return _fill(html, slots, escape(slots.to_name))


def fill_text(text: str, slots: Slots = SAMPLE) -> str:
    """The text as this reader would see it."""
    return _fill(text, slots, slots.to_name)


def _fill(part: str, slots: Slots, name: str) -> str:
    def greeting(match: re.Match[str]) -> str:
        return match[1].replace(NAME, name) if name else ""

    # The greeting last: a name is any text, and what it holds must not be taken for a mark.
    tokens = part.replace(LEAVE, slots.leave_token).replace(SETTINGS, slots.settings_token)
    return HELLO.sub(greeting, tokens)

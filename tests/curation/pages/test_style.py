"""The style sheet: its colors can be read (WCAG 2.2 AA) in light and in dark, and it asks nobody else for anything."""

import re
from pathlib import Path

import pytest
from django.conf import settings

CSS = Path(settings.BASE_DIR, "templates/static/site/site.css").read_text(encoding="utf-8")
TEXT_ON = [  # (text, ground)
    *[(text, ground) for text in ("text", "meta", "link") for ground in ("page", "card", "tint", "sunk")],
    ("on-button", "button"),
    ("on-button", "button-hover"),
    *[(mood, ground) for mood in ("good", "warn", "bad") for ground in (f"{mood}-bg", "card", "page")],
    *[("text", ground) for ground in ("good-bg", "warn-bg", "bad-bg", "mark")],
    ("link", "mark"),
]


def colors(scheme: str) -> dict[str, str]:
    light, dark = re.findall(r":root \{(.*?)\}", CSS, re.DOTALL)[:2]
    found = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{3,6})", light))
    if scheme == "dark":
        found |= dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{3,6})", dark))
    return found


def luminance(color: str) -> float:
    digits = color[1:] if len(color) == 7 else "".join(sign * 2 for sign in color[1:])
    channels = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("text", "ground"), TEXT_ON)
def test_text_can_be_read_on_its_ground(scheme: str, text: str, ground: str) -> None:
    palette = colors(scheme)
    assert contrast(palette[text], palette[ground]) >= 4.5


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("ground", ["page", "card"])
def test_edges_of_fields_can_be_seen(scheme: str, ground: str) -> None:
    palette = colors(scheme)
    assert contrast(palette["edge"], palette[ground]) >= 3


def test_asks_for_nothing_else() -> None:
    assert "@import" not in CSS
    assert "url(" not in CSS


def test_is_small() -> None:
    assert len(CSS.encode()) < 40_000

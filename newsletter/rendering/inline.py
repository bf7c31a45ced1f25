"""CSS into style attributes, because many mail programs drop the head (pure).

premailer alone, with its defaults, loses the doctype, every !important, the dark rules and the width of pictures, and
fetches from the network. These settings were tried against each of that; a test compares the result with that of
another inliner.
"""

import logging
import re

from premailer import Premailer

_DOCTYPE = re.compile(r"\A\s*<!doctype html>", re.IGNORECASE)
_STYLE = re.compile(r"<style(?=[\s>])")
_IGNORE = ' data-premailer="ignore"'


def inline(html: str, css: str) -> str:
    """The HTML with `css` in its style attributes; rules already in the head (media queries, dark ones) stay there."""
    html = _DOCTYPE.sub("<!DOCTYPE html>", html, count=1)  # premailer keeps it only when written like this
    html = _STYLE.sub("<style" + _IGNORE, html)
    inlined = Premailer(
        html,
        css_text=css,
        keep_style_tags=True,
        disable_leftover_css=True,
        strip_important=False,
        remove_classes=False,
        # Never on: it unescapes what it takes for handlebars, and would turn quoted text of a story into live markup.
        preserve_handlebar_syntax=False,
        allow_network=False,
        disable_basic_attributes=["width", "height", "align", "valign", "bgcolor"],
        disable_validation=True,
        cssutils_logging_handler=logging.NullHandler(),
        cssutils_logging_level=logging.CRITICAL,
    ).transform(pretty_print=False)
    return inlined.replace(_IGNORE, "")  # left over inside conditional comments, which no parser enters

"""A Django template that writes MJML, turned into HTML (pure).

mjml-python has no include loader here: what a mail is made of is put together by Django's own {% extends %} and
{% include %}, before MJML sees it. The markup must be well-formed XML; that is checked first, because MJML's own errors
name no place, and because it copies unknown tags into the mail without a word.
"""

import re
from collections.abc import Mapping
from html import escape
from typing import Any

from django.template.loader import render_to_string
from lxml import etree
from mjml import mjml2html

from newsletter.rendering.writing import without_brackets

# mjml-python writes the title into an aria-label in a form of its own that quotes and combining characters break, so
# templates carry this mark as their title and the real one takes its place afterwards, escaped.
TITLE_MARK = "MAIL-TITLE-MARK"
_INDENT = re.compile(r"[ \t]*\n\s*")


class MarkupError(ValueError):
    """The template did not give good MJML. The message names template, line, column and the line itself."""


def markup(template: str, context: Mapping[str, Any]) -> str:
    """The MJML that the template writes, without its indentation."""
    return _INDENT.sub("\n", render_to_string(template, {**context, "title_mark": TITLE_MARK})).strip()


def to_html(mjml: str, *, title: str, template: str = "the template") -> str:
    """The MJML as HTML, its rules still in the head. Raises MarkupError."""
    check(mjml, template)
    try:
        html = mjml2html(mjml, fonts={})
    except ValueError as error:
        raise MarkupError(f"{template} is not valid MJML: {error}") from error
    label = f'aria-label="{escape(without_brackets(title))}"'
    return html.replace(f'aria-label="{TITLE_MARK}"', label).replace(TITLE_MARK, escape(title))


def check(mjml: str, template: str = "the template") -> None:
    """Refuses markup that is not well-formed; nothing is fetched and no entity is expanded."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        etree.fromstring(mjml.encode(), parser)
    except etree.XMLSyntaxError as error:
        line, column = error.position
        lines = mjml.splitlines() or [""]
        shown = lines[min(line, len(lines)) - 1].strip()[:120]
        raise MarkupError(
            f"{template}, line {line}, column {column} as rendered: {error.msg}. There: {shown}"
        ) from error

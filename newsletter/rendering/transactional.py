"""Mails to one person (confirm, welcome, ...): one folder each, with subject.txt, body.mjml and body.txt (pure)."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from django.template.loader import render_to_string

from newsletter.rendering import inline, mjml
from newsletter.rendering.links import Site
from newsletter.rendering.plaintext import render_text
from newsletter.rendering.writing import Writing, clean, lines, writing_of


def render_message(folder: str, context: Mapping[str, Any]) -> tuple[str, str, str]:
    """Subject, HTML and text of the mail in templates/email/<folder>/.

    The context must hold `newsletter_name`, `site_url` and `postal_address`, and may hold `language`; the rest is the
    folder's own. Raises MarkupError when the template gives no good MJML, BadLink when site_url is no address.
    """
    values: dict[str, Any] = {key: clean(value) if isinstance(value, str) else value for key, value in context.items()}
    values["writing"] = writing_of(values.get("language") or "en")
    values["site"] = Site(context["site_url"])
    values["postal_lines"] = lines(context["postal_address"])
    subject = render_subject(f"email/{folder}/subject.txt", values)
    values["subject"] = subject
    html = render_html(f"email/{folder}/body.mjml", values, title=subject, writing=values["writing"])
    return subject, html, render_text(f"email/{folder}/body.txt", values)


def render_subject(template: str, context: Mapping[str, Any]) -> str:
    """The subject as one line of text; the template switches autoescaping off itself."""
    return clean(render_to_string(template, dict(context)))


def render_html(template: str, context: Mapping[str, Any], *, title: str, writing: Writing) -> str:
    """The HTML of a mail whose body.mjml extends email/parts/frame.mjml."""
    html = mjml.to_html(mjml.markup(template, context), title=title, template=template)
    return inline.inline(html, _style(writing))


@cache
def _style(writing: Writing) -> str:
    return render_to_string("email/parts/inlined.css", {"writing": writing})

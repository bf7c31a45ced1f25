"""premailer with our settings, compared with a second inliner of other make."""

import css_inline
import pytest
from django.template.loader import render_to_string
from lxml import etree

from newsletter.rendering import mjml
from newsletter.rendering.inline import inline
from newsletter.rendering.links import Site
from newsletter.rendering.variant import context_of
from newsletter.rendering.writing import writing_of
from tests.newsletter.rendering.makers import SITE, make_copy, make_issue, make_publication, make_sight


def parts(language="en"):
    stories = [make_copy(1), make_copy(2), make_copy(3), make_copy(4), make_copy(5, audiences=(("policy", "Policy"),))]
    values = context_of(make_publication(language=language), make_issue(), make_sight(stories), Site(SITE))
    html = mjml.to_html(mjml.markup("email/weekly_recap/body.mjml", values), title="x")
    return html, render_to_string("email/parts/inlined.css", {"writing": writing_of(language)})


@pytest.mark.parametrize("language", ["en", "ar"])
def test_both_inliners_give_every_element_the_same_style(language):
    html, css = parts(language)
    theirs = css_inline.CSSInliner(inline_style_tags=False, extra_css=css, load_remote_stylesheets=False).inline(html)
    ours, theirs = computed(inline(html, css)), computed(theirs)
    assert len(ours) == len(theirs) > 100
    assert [pair for pair in zip(ours, theirs, strict=True) if pair[0] != pair[1]] == []


def test_the_head_keeps_its_rules_and_gets_no_copy_of_the_inlined_ones():
    html, css = parts()
    before = etree.fromstring(html, etree.HTMLParser()).findall("head/style")
    after = etree.fromstring(inline(html, css), etree.HTMLParser()).findall("head/style")
    assert [style.text for style in after] == [style.text for style in before]


def test_nothing_is_fetched_and_no_width_is_rewritten():
    link = '<link rel="stylesheet" href="http://127.0.0.1:9/x.css">'
    picture = '<img width="550" style="width:100%">'
    html = f"<!doctype html><html><head>{link}</head><body>{picture}</body></html>"
    assert picture in inline(html, "p{color:red}")


def computed(html):
    body = etree.fromstring(html, etree.HTMLParser()).find("body")
    return [(element.tag, declarations(element.get("style", ""))) for element in body.iter(etree.Element)]


def declarations(style):
    """The last value of each property, in one spelling."""
    found = {}
    for declaration in style.replace('"', "'").split(";"):
        name, _, value = declaration.partition(":")
        if name.strip():
            found[name.strip()] = (
                " ".join(value.replace(",", ", ").split()).replace("0px", "0").replace("#ffffff", "#fff")
            )
    return found

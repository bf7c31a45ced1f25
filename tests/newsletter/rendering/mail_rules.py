"""What must hold for the HTML of every mail: each rule gives its complaints, so that each can be seen to fail."""

import re
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

from lxml import etree

from newsletter.rendering.writing import RESERVED


def complaints(html: str) -> list[str]:
    root = etree.fromstring(html, etree.HTMLParser())
    return [f"{name}: {complaint}" for name, rule in RULES.items() for complaint in rule(html, root)]


def doctype(html: str, root: etree._Element) -> Iterator[str]:
    if not html.startswith("<!DOCTYPE html>"):
        yield html[:40]


def leftovers(html: str, root: etree._Element) -> Iterator[str]:
    for mark in ("{{", "}}", "{%", "%}", "{#", RESERVED, "MAIL-TITLE-MARK", "mj-", "data-premailer", "None<"):
        shown = html.replace("mj-outlook-group-fix", "").replace("mj-column-per", "")
        if mark in shown:
            yield mark


def language(html: str, root: etree._Element) -> Iterator[str]:
    body = root.find("body")
    for element in [root, *body.iterchildren(etree.Element)]:
        for name in ("lang", "dir"):
            if not element.get(name):
                yield f"<{element.tag}> without {name}"


def headings(html: str, root: etree._Element) -> Iterator[str]:
    levels = [int(element.tag[1]) for element in root.iter("h1", "h2", "h3", "h4", "h5", "h6")]
    if levels.count(1) != 1 or levels[0] != 1:
        yield f"one h1 must come first: {levels}"
    if any(later > earlier + 1 for earlier, later in zip(levels, levels[1:], strict=False)):
        yield f"a level is skipped: {levels}"


def links(html: str, root: etree._Element) -> Iterator[str]:
    named: dict[str, str] = {}
    for link in root.iter("a"):
        href = link.get("href", "")
        parts = urlsplit(href)
        if parts.scheme not in ("http", "https") or not parts.netloc:
            yield f"not absolute: {href!r}"
        name = link.get("aria-label") or " ".join("".join(link.itertext()).split())
        if not name:
            yield f"no name: {href}"
        elif named.setdefault(name, href) != href:
            yield f"two links named {name!r}"


def tables(html: str, root: etree._Element) -> Iterator[str]:
    for table in root.iter("table"):
        if table.get("role") != "presentation":
            yield "a layout table without role=presentation"


def dark(html: str, root: etree._Element) -> Iterator[str]:
    styles = "".join(style.text or "" for style in root.iter("style"))
    block = re.search(r"@media \(prefers-color-scheme:dark\)\{(.*?)\n\}", styles, re.DOTALL)
    if not block or "!important" not in block[1]:
        yield "no dark rules"
    for twin in ("[data-ogsc]", "[data-ogsb]"):
        if twin not in styles:
            yield f"no {twin} rules"
    metas = {meta.get("name"): meta.get("content") for meta in root.iter("meta")}
    for name in ("color-scheme", "supported-color-schemes"):
        if metas.get(name) != "light dark":
            yield f"meta {name}"


def outlook(html: str, root: etree._Element) -> Iterator[str]:
    opened, closed = len(re.findall(r"<!--\[if [^\]]*\]>", html)), html.count("<![endif]-->")
    if opened < 10 or opened != closed or "o:PixelsPerInch" not in html:
        yield f"{opened} conditionals opened, {closed} closed"


def size(html: str, root: etree._Element) -> Iterator[str]:
    if len(html.encode()) >= 80_000:
        yield f"{len(html.encode())} bytes"
    if (styles := sum(len(style.text or "") for style in root.iter("style"))) >= 8_000:
        yield f"{styles} bytes of style"


def foreign(html: str, root: etree._Element) -> Iterator[str]:
    for element in root.iter("script", "form", "iframe", "link", "object", "embed", "svg", "base", "input"):
        yield f"<{element.tag}>"
    for element in root.iter(etree.Element):
        yield from (f"{name} on <{element.tag}>" for name in element.attrib if name.startswith("on"))
        if re.search(r"url\(|@import", element.get("style", "")):
            yield f"url() on <{element.tag}>"
    if "@import" in html or "@font-face" in html or "fonts.googleapis" in html:
        yield "a font from outside"


def names(html: str, root: etree._Element) -> Iterator[str]:
    if not (root.findtext("head/title") or "").strip():
        yield "no title"
    for image in root.iter("img"):
        if image.get("alt") is None or not image.get("width"):
            yield "a picture without alt or width"
    for span in root.iter("span"):
        if span.get("role") == "img" and not span.get("aria-label"):
            yield "a flag without its country"


RULES: dict[str, Callable[[str, etree._Element], Iterator[str]]] = {
    rule.__name__: rule
    for rule in (doctype, leftovers, language, headings, links, tables, dark, outlook, size, foreign, names)
}

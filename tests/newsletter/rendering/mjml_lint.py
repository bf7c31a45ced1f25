"""Which MJML tags and attributes our templates may use: mjml-python copies unknown tags and drops unknown attributes
without a word, and some known ones it renders wrongly."""

from lxml import etree

_BOX = {"padding", "css-class", "background-color"}
_FONT = {"align", "color", "font-family", "font-size", "font-weight", "line-height"}
MJML = {
    "mjml": {"lang", "dir"},
    "mj-head": set(),
    "mj-title": set(),
    "mj-breakpoint": {"width"},
    "mj-attributes": set(),
    "mj-all": {"font-family"},
    "mj-style": set(),
    "mj-raw": set(),
    "mj-body": {"width", "background-color", "css-class"},
    "mj-section": {*_BOX, "direction", "text-align"},
    "mj-column": {*_BOX, "direction"},
    "mj-text": {*_FONT, "padding", "css-class"},
    "mj-button": {*_FONT, "padding", "css-class", "inner-padding", "background-color", "border-radius", "href"},
}
HTML = {
    "a": {"href", "aria-label"},
    "b": set(),
    "bdi": set(),
    "br": set(),
    "div": {"class", "style"},
    "h1": set(),
    "h2": set(),
    "li": set(),
    "meta": {"name", "content"},
    "p": {"class"},
    "span": {"class", "role", "aria-label"},
    "ul": set(),
}
PARENTS = {
    "mj-section": {"mj-body", "mj-attributes"},
    "mj-column": {"mj-section", "mj-attributes"},
    "mj-text": {"mj-column", "mj-attributes"},
    "mj-button": {"mj-column", "mj-attributes"},
    "mj-raw": {"mj-head", "mj-body", "mj-column"},
}


def complaints(mjml: str) -> list[str]:
    root = etree.fromstring(mjml.encode(), etree.XMLParser(resolve_entities=False, no_network=True))
    found = []
    for element in root.iter(etree.Element):
        allowed = MJML.get(element.tag, HTML.get(element.tag))
        where = f"line {element.sourceline}, <{element.tag}>"
        if allowed is None:
            found.append(f"{where}: unknown tag")
            continue
        found += [f"{where}: unknown attribute {name}" for name in element.attrib if name not in allowed]
        found += [f"{where}: {name} is empty" for name, value in element.attrib.items() if not value.strip()]
        parent = element.getparent()
        if element.tag in PARENTS and parent.tag not in PARENTS[element.tag]:
            found.append(f"{where}: may not stand in <{parent.tag}>")
    if root.tag != "mjml":
        found.append("the root is not <mjml>")
    return found

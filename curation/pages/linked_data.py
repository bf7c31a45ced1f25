"""The story for machines that read pages: schema.org NewsArticle as JSON-LD (pure)."""

import json
from typing import Any

from django.utils.safestring import SafeString, mark_safe

from curation.pages.story import StoryPage

# In a script element only these can end it or open another; U+2028 and U+2029 end a line for older readers.
_ESCAPES = {ord(sign): f"\\u{ord(sign):04X}" for sign in "<>&\u2028\u2029"}


def news_article(page: StoryPage, *, site_name: str, site_url: str) -> SafeString:
    """The content of a script element of type application/ld+json, safe whatever the story holds."""
    address = f"{site_url}{page.path}"
    publisher = {"@type": "Organization", "name": site_name, "url": f"{site_url}/"}
    data: dict[str, Any] = {
        "@context": "https://schema.org",
        "@type": "NewsArticle",
        "headline": page.headline,
        "description": page.hook,
        "url": address,
        "mainEntityOfPage": address,
        "inLanguage": "en",
        "datePublished": page.published.machine if page.published else None,
        "dateModified": page.updated.machine if page.updated else None,
        "author": publisher,
        "publisher": publisher,
        "sourceOrganization": _without_unknown(
            {"@type": "Organization", "name": page.source, "url": page.source_url, "location": page.country}
        ),
        "isBasedOn": page.original_url,
        "audience": [{"@type": "Audience", "audienceType": label} for _, label in page.audiences],
        "correction": [step.reason for step in page.making.corrections],
    }
    text = json.dumps(_without_unknown(data), ensure_ascii=False).translate(_ESCAPES)
    return mark_safe(text)  # noqa: S308 - every sign that means something to HTML is escaped above


def _without_unknown(data: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in data.items() if value}

"""The house's fixed words: said once, used by the pages, the export of a story and whoever prints them."""

RIGHTS = "AI-curated news aggregator. All content rights belong to original publishers."
INSIGHT_DISCLOSURE = "AI-generated analysis for this event."
IMPLICATIONS_DISCLOSURE = "AI analysis grounded in cited sources"
RECAP_TITLE = "Weekly AI Recap"
RECAP_TEXT = "Read this week's curated digest of top AI events →"
TABLE_TOGGLE = "▸ Show"
FRESHNESS_BADGES: dict[str, str] = {"fresh": "New", "recent": "Recent", "stale": "Stale"}

HEADINGS: dict[str, str] = {
    "tldr": "30-Second TL;DR",
    "what_changed": "What Changed",
    "why_it_matters": "Why It Matters",
    "what_to_do_next": "What To Do Next",
    "who_should_care": "Who should care:",
    "deep_insight": "Deep Insight",
    "key_takeaways": "Enhanced Key Takeaways",
    "competitor_analysis": "Competitor Analysis",
    "technical_deep_dive": "Technical Deep Dive",
    "future_implications": "Future Implications",
    "timeline": "Timeline",
    "related_updates": "Related Updates",
    "recap_promo": RECAP_TITLE,
}


def original_source(name: str) -> str:
    """The last line of a story: whose news it was."""
    return f"Original source: {name} →"


def collected_in(minutes: int) -> str:
    """How long after its publication the news was collected, as the meta line says it."""
    return f"collected in {minutes}m"

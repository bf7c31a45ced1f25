"""A story as a file: every content field as it was read, and what a page shows beside it."""

from datetime import datetime
from typing import Any

from django.utils import timezone

from curation import wording
from curation.freshness import freshness
from curation.models import Claim, Story
from curation.models.claim import Origin
from curation.models.story import State
from curation.storyfile.content import Place, content, pointer
from curation.storyfile.reading import article_key
from curation.storyfile.words import write_moment


def write(story: Story, *, now: datetime | None = None) -> dict[str, Any]:
    """The story in the shape story/1. Freshness is that of `now`; a link that is unknown is null."""
    claims = _claims(story)
    keys = _article_keys(story)
    return {
        "schema": "story/1",
        "slug": story.slug,
        "status": "new" if story.state == State.COLLECTED else story.state,
        "source": _source(story),
        **_original(story),
        **_times(story, now=now or timezone.now()),
        "headline": story.headline,
        "hook": {"text": story.hook},
        "tldr": _tldr(story, claims),
        "deep_insight": _insight(story, claims),
        "citations": _citations(claims, keys),
        "related_updates": {
            "items": [
                {"slug": link.related.slug, "headline": link.related.headline} for link in story.related_links.all()
            ]
        },
        "recap_promo": {"title": wording.RECAP_TITLE, "text": wording.RECAP_TEXT},
        "footer": {"rights": wording.RIGHTS, "original_source": wording.original_source(story.source.name)},
        "articles": _articles(story, keys),
    }


def content_of(story: Story) -> dict[str, Any]:
    """The story's content fields as the database has them now, whatever this object remembers."""
    return content(write(Story.objects.with_parts().get(pk=story.pk)))


def _source(story: Story) -> dict[str, Any]:
    source = story.source
    country = {"country": str(source.country), "flag": source.flag} if source.country else {}
    return {"name": source.name, **country, "url": source.home_url or None}


def _original(story: Story) -> dict[str, Any]:
    known = {"original_url": story.original_url, "original_headline": story.original_headline}
    return {name: value for name, value in known.items() if value}


def _times(story: Story, *, now: datetime) -> dict[str, Any]:
    fresh = freshness(story.published_at, now=now)
    times: dict[str, Any] = {}
    if story.published_at:
        times["published_at"] = write_moment(story.published_at)
    if story.published_estimated:
        times["published_estimated"] = True
    if story.collected_at:
        times["collected_at"] = write_moment(story.collected_at)
    times["freshness"] = {"badge": wording.FRESHNESS_BADGES[fresh], "code": fresh}
    if (minutes := story.collected_minutes) is not None:
        times["collected"] = {"label": wording.collected_in(minutes), "minutes": minutes}
    return times


def _tldr(story: Story, claims: dict[Place, Claim]) -> dict[str, Any]:
    why = {place: claim.text for (kind, place), claim in claims.items() if kind == Claim.Kind.WHY_IT_MATTERS}
    tldr: dict[str, Any] = {
        "what_changed": [claim.text for claim in _of(claims, Claim.Kind.WHAT_CHANGED)],
        "why_it_matters": why.pop(None, ""),
    }
    if why:
        tldr["why_it_matters_for"] = why
    if story.what_to_do_next:
        tldr["what_to_do_next"] = story.what_to_do_next
    links = story.audience_links.all()
    tldr["who_should_care"] = [{"code": link.audience_id, "label": link.audience.label} for link in links]
    return tldr


def _insight(story: Story, claims: dict[Place, Claim]) -> dict[str, Any]:
    table = getattr(story, "table", None)
    events = list(story.events.all())
    machine = any(part.origin == Origin.MACHINE for part in [*claims.values(), *events, *([table] if table else [])])
    insight: dict[str, Any] = {"ai_generated": machine}
    if machine:
        insight["disclosure"] = wording.INSIGHT_DISCLOSURE
    insight["key_takeaways"] = {"items": [claim.text for claim in _of(claims, Claim.Kind.TAKEAWAY)]}
    if table:
        shown = {"toggle": wording.TABLE_TOGGLE, "collapsed": True}
        insight["competitor_analysis"] = shown | {name: getattr(table, name) for name in ("corner", "columns", "rows")}
    insight["technical_deep_dive"] = {
        "items": [{"term": claim.lead, "explanation": claim.text} for claim in _of(claims, Claim.Kind.TECHNICAL)]
    }
    insight["future_implications"] = {
        "disclosure": wording.IMPLICATIONS_DISCLOSURE,
        "items": [{"prediction": claim.lead, "rationale": claim.text} for claim in _of(claims, Claim.Kind.IMPLICATION)],
    }
    insight["timeline"] = {
        "items": [
            {"date": event.date, "text": event.text, **({"planned": True} if event.planned else {})} for event in events
        ]
    }
    return insight


def _claims(story: Story) -> dict[Place, Claim]:
    """Claims by their place in the file, in the page's order; audiences' own forms follow the general one."""
    found: dict[Place, Claim] = {}
    counts: dict[str, int] = {}
    for claim in sorted(story.claims.all(), key=lambda each: (each.position, each.pk)):
        if claim.kind == Claim.Kind.WHY_IT_MATTERS:
            found[claim.kind, claim.audience_id] = claim
        else:
            found[claim.kind, counts.get(claim.kind, 0)] = claim
            counts[claim.kind] = counts.get(claim.kind, 0) + 1
    return found


def _of(claims: dict[Place, Claim], kind: str) -> list[Claim]:
    return [claim for (each, _), claim in claims.items() if each == kind]


def _article_keys(story: Story) -> dict[int, str]:
    """Each article's key, numbered by kind in the order in which the articles were joined to the story."""
    counts: dict[str, int] = {}
    keys = {}
    for link in story.articles.through.objects.filter(story=story).select_related("article").order_by("pk"):
        kind = link.article.kind
        counts[kind] = counts.get(kind, 0) + 1
        keys[link.article_id] = article_key(kind, counts[kind])
    return keys


def _articles(story: Story, keys: dict[int, str]) -> list[dict[str, Any]]:
    articles = story.articles.in_bulk(list(keys))
    return [
        {
            "key": key,
            "kind": articles[pk].kind,
            **({"title": articles[pk].title} if articles[pk].title else {}),
            "language": articles[pk].language,
            "text": articles[pk].text,
            **({"url": articles[pk].url} if articles[pk].url else {}),
        }
        for pk, key in keys.items()
    ]


def _citations(claims: dict[Place, Claim], keys: dict[int, str]) -> list[dict[str, Any]]:
    order = list(Claim.Kind.values)
    places = sorted(claims, key=lambda each: order.index(each[0]))
    return [
        {
            "claim": pointer(*place),
            "source": keys[evidence.article_id],
            "quote": evidence.quote,
            "start": evidence.start,
            "end": evidence.end,
            "text_hash": evidence.text_hash,
        }
        for place in places
        for evidence in sorted(claims[place].evidence.all(), key=lambda each: each.pk)
        if evidence.article_id in keys
    ]

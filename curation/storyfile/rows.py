"""The rows of a story's parts, brought to what a StoryFile says; only rows that differ are touched."""

from collections.abc import Hashable, Iterable, Mapping
from functools import partial
from typing import Any, TypeVar

from django.db import models

from curation.models import Article, Audience, Claim, ComparisonTable, Evidence, Story, StoryAudience
from curation.models.article import hash_text
from curation.models.claim import Origin
from curation.models.insight import TimelineEvent
from curation.models.story import RelatedStory
from curation.storyfile.content import Place, pointers
from curation.storyfile.problems import StoryFileError
from curation.storyfile.shape import StoryFile

Row = TypeVar("Row", bound=models.Model)


def write_parts(story: Story, file: StoryFile) -> None:
    """Raises StoryFileError when a related story is not here."""
    origin = Origin.MACHINE if file.deep_insight.ai_generated else Origin.EDITOR
    _write_audiences(story, file)
    claims = _write_claims(story, file, origin=origin)
    _write_table(story, file, origin=origin)
    _sync(
        story.events.all(),
        {
            number: {"date": e.date, "text": e.text, "planned": e.planned, "position": number, "origin": origin}
            for number, e in enumerate(file.deep_insight.timeline.items)
        },
        key=None,
        make=lambda fields: TimelineEvent(story=story, **fields),
    )
    _write_evidence(claims, file, articles=_write_articles(story, file))
    _write_related(story, file)


def _write_audiences(story: Story, file: StoryFile) -> None:
    audiences = Audience.objects.in_bulk([care.code for care in file.tldr.who_should_care])
    _sync(
        story.audience_links.all(),
        {care.code: {"position": number} for number, care in enumerate(file.tldr.who_should_care)},
        key=lambda link: link.audience_id,
        make=lambda fields: StoryAudience(story=story, audience=audiences[fields.pop("key")], **fields),
    )


def _write_claims(story: Story, file: StoryFile, *, origin: str) -> dict[Place, Claim]:
    wanted = _wanted_claims(file)
    claims: dict[Place, Claim] = {}
    for kind in Claim.Kind.values:
        by_audience = kind == Claim.Kind.WHY_IT_MATTERS
        rows = _sync(
            story.claims.filter(kind=kind),
            {place: {**fields, "origin": origin} for (each, place), fields in wanted.items() if each == kind},
            key=(lambda claim: claim.audience_id) if by_audience else None,
            make=partial(_new_claim, story, kind),
        )
        claims |= {(kind, place): row for place, row in rows.items()}  # type: ignore[misc]
    return claims


def _new_claim(story: Story, kind: str, fields: dict[str, Any]) -> Claim:
    return Claim(story=story, kind=kind, audience_id=fields.pop("key", None), **fields)


def _wanted_claims(file: StoryFile) -> dict[Place, dict[str, Any]]:
    insight, kinds = file.deep_insight, Claim.Kind
    forms: list[tuple[str | None, str]] = [(None, file.tldr.why_it_matters), *file.tldr.why_it_matters_for.items()]
    wanted: dict[Place, dict[str, Any]] = {
        (kinds.WHY_IT_MATTERS, code): {"lead": "", "text": text, "position": number}
        for number, (code, text) in enumerate(forms)
    }
    lists: dict[str, list[tuple[str, str]]] = {
        kinds.WHAT_CHANGED: [("", text) for text in file.tldr.what_changed],
        kinds.TAKEAWAY: [("", text) for text in insight.key_takeaways.items],
        kinds.TECHNICAL: [(each.term, each.explanation) for each in insight.technical_deep_dive.items],
        kinds.IMPLICATION: [(each.prediction, each.rationale) for each in insight.future_implications.items],
    }
    for kind, points in lists.items():
        for number, (lead, text) in enumerate(points):
            wanted[kind, number] = {"lead": lead, "text": text, "position": number}
    return wanted


def _write_table(story: Story, file: StoryFile, *, origin: str) -> None:
    table = file.deep_insight.competitor_analysis
    wanted = {0: {**table.model_dump(), "origin": origin}} if table else {}
    _sync(
        ComparisonTable.objects.filter(story=story),
        wanted,
        key=None,
        make=lambda fields: ComparisonTable(story=story, **fields),
    )


def _write_articles(story: Story, file: StoryFile) -> dict[str, Article]:
    """The file's articles by key; a text that is already stored for the source is used again."""
    articles = {}
    for part in file.articles:
        facts = {"kind": part.kind, "title": part.title or "", "language": part.language, "url": part.url or ""}
        article = Article.objects.filter(source=story.source, text_hash=hash_text(part.text)).first()
        article = article or Article(source=story.source, text=part.text, collected_at=story.collected_at)
        _save_if_differing(article, facts)
        articles[part.key] = article
    wanted = [article.pk for article in articles.values()]
    through = Story.articles.through.objects.filter(story=story)
    if list(through.order_by("pk").values_list("article_id", flat=True)) != wanted:
        story.articles.clear()
        for pk in wanted:  # one by one: their order is the order of the rows
            story.articles.add(pk)
    return articles


def _write_evidence(claims: dict[Place, Claim], file: StoryFile, *, articles: dict[str, Article]) -> None:
    places = pointers(file.model_dump())
    wanted = [
        {
            "claim": claims[places[each.claim]],
            "article": articles[each.source],
            **each.model_dump(exclude={"claim", "source"}),
        }
        for each in file.citations
    ]
    Evidence.objects.filter(claim__in=claims.values()).delete()
    Evidence.objects.bulk_create(Evidence(**fields) for fields in wanted)


def _write_related(story: Story, file: StoryFile) -> None:
    slugs = [item.slug for item in file.related_updates.items]
    stories = {each.slug: each for each in Story.objects.filter(slug__in=slugs)}
    if unknown := [(number, slug) for number, slug in enumerate(slugs) if slug not in stories]:
        raise StoryFileError(
            f"related_updates.items.{number}.slug: there is no story “{slug}” here; import it first, or together"
            for number, slug in unknown
        )
    _sync(
        story.related_links.all(),
        {stories[slug].pk: {"position": number} for number, slug in enumerate(slugs)},
        key=lambda link: link.related_id,
        make=lambda fields: RelatedStory(story=story, related_id=fields.pop("key"), **fields),
    )


def _sync(rows: Iterable[Row], wanted: Mapping[Any, dict[str, Any]], *, key: Any, make: Any) -> dict[Hashable, Row]:
    """Make the rows what is wanted, touching only those that differ: by `key`, or by their order when it is None.

    `make` gets the fields and, under "key", the key it is made for (only when keys are more than order).
    """
    found: dict[Hashable, Row] = {key(row) if key else number: row for number, row in enumerate(rows)}
    for place in [place for place in found if place not in wanted]:
        found.pop(place).delete()
    for place, fields in wanted.items():
        if place in found:
            _save_if_differing(found[place], fields)
        else:
            found[place] = make({**fields, "key": place} if key else dict(fields))
            found[place].save()
    return {place: found[place] for place in wanted}


def _save_if_differing(row: models.Model, fields: dict[str, Any]) -> None:
    if row.pk is None or any(getattr(row, name) != value for name, value in fields.items()):
        for name, value in fields.items():
            setattr(row, name, value)
        row.save()

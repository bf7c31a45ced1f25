"""What the pages ask of the database, each in a fixed number of queries."""

from django.db.models import Prefetch

from curation.models import Story, StoryMove
from curation.models.story import StoryQuerySet

RELATED = 5


def whole_story(slug: str) -> Story | None:
    """The story in whatever state, with everything that its page shows."""
    moves = Prefetch("moves", StoryMove.objects.select_related("actor"))
    parts = Story.objects.with_parts().prefetch_related(
        "claims__audience", "claims__evidence__article__source", "provenance", moves
    )
    return parts.filter(slug=slug).first()


def related_to(story: Story) -> list[Story]:
    """What else to read: the group's other stories first, then the editor's choice; public ones only, never itself."""
    others = (
        list(Story.objects.public().filter(group_id=story.group_id).newest()[: RELATED + 1]) if story.group_id else []
    )
    chosen = [link.related for link in story.related_links.all()]
    found = {each.pk: each for each in [*others, *chosen] if each.is_public and each.pk != story.pk}
    return list(found.values())[:RELATED]


def listed(*, audience: str = "", words: str = "") -> StoryQuerySet:
    """Public stories, newest first: those for the audience, and those that hold every word."""
    stories = Story.objects.public().matching(words).newest()
    if audience:
        stories = stories.filter(audience_links__audience=audience)
    return stories.select_related("source").prefetch_related("audience_links__audience")


def entries(*, audience: str = "", limit: int) -> list[Story]:
    """The newest public stories with everything that a feed tells of them."""
    parts = (
        listed(audience=audience).with_parts().prefetch_related("claims__audience", "claims__evidence__article__source")
    )
    return list(parts.prefetch_related("provenance", "moves__actor")[:limit])

"""What a story still lacks before an editor may vouch for it."""

from curation.models import Claim, Story


def missing_for_approval(story: Story) -> list[str]:
    """The missing parts in words, in the order of the page; empty when the story can be approved."""
    kinds = set(story.claims.filter(audience=None).values_list("kind", flat=True))
    checks = [
        (bool(story.hook), "write the hook"),
        (Claim.Kind.WHAT_CHANGED in kinds, "say what changed (one to three claims)"),
        (Claim.Kind.WHY_IT_MATTERS in kinds, "say why it matters"),
        (story.audience_links.exists(), "choose who should care"),
    ]
    return [what for there, what in checks if not there]

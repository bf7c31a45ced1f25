"""What follows when a story's words change: a new version, a row of provenance for each field, and its approval lost.

Every way to change a story (the desk's form, an import) ends here, so that none can slip past the rule.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.models import AbstractUser
from django.db.models import F

from curation.models import Provenance, Story
from curation.models.story import State
from curation.review import workflow

QUIET = frozenset({"related_updates", "articles", "citations"})  # no words of the story itself


@dataclass(frozen=True)
class Change:
    """One field that was written: its name in a story file, and where its words come from."""

    field: str
    origin: str
    what: str = ""


def record(
    story: Story,
    changes: Sequence[Change],
    *,
    actor: AbstractUser | str,
    now: datetime,
    reason: str,
    run: str = "",
) -> State | None:
    """Keep who wrote which field, raise the version, and move the story as the rule says.

    An approved story goes back to review; a published one becomes corrected, for which `reason` is what readers are
    told. Returns the state it moved to, None when it stays. Raises workflow.MoveRefused.
    """
    editor = {} if isinstance(actor, str) else {"editor": actor}
    Provenance.objects.bulk_create(
        Provenance(story=story, field=each.field, origin=each.origin, at=now, run=run, change=each.what, **editor)
        for each in changes
    )
    Story.objects.filter(pk=story.pk).update(version=F("version") + 1, updated_at=now)
    story.refresh_from_db(fields=["version", "state"])
    if all(each.field in QUIET for each in changes):
        return None
    if story.state == State.APPROVED:
        workflow.reopen(story, actor=actor, now=now, reason=reason)
    elif story.state in (State.PUBLISHED, State.CORRECTED):
        workflow.correct(story, actor=actor, now=now, reason=reason)
    else:
        return None
    return State(story.state)

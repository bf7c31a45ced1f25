"""The moves of a story between its states. Nothing else changes `Story.state`.

    collected -> drafted -> in review -> approved -> published -> corrected, withdrawn
                    any before published -> spiked -> drafted

Each move is one conditional update and one StoryMove row in the same transaction; a move that somebody else made first
raises `MoveRefused`, which says who moved it and when.
"""

from datetime import datetime

from django.contrib.auth.models import AbstractUser
from django.db import transaction

from curation.models import Story, StoryMove
from curation.models.story import State
from curation.review.readiness import missing_for_approval

MOVES: dict[str, frozenset[str]] = {
    State.COLLECTED: frozenset({State.DRAFTED, State.SPIKED}),
    State.DRAFTED: frozenset({State.IN_REVIEW, State.SPIKED}),
    State.IN_REVIEW: frozenset({State.APPROVED, State.DRAFTED, State.SPIKED}),
    # Back to review: its words changed after the approval, which is therefore gone.
    State.APPROVED: frozenset({State.PUBLISHED, State.IN_REVIEW, State.SPIKED}),
    State.PUBLISHED: frozenset({State.CORRECTED, State.WITHDRAWN}),
    State.CORRECTED: frozenset({State.CORRECTED, State.WITHDRAWN}),  # corrected once more
    State.SPIKED: frozenset({State.DRAFTED}),
    State.WITHDRAWN: frozenset(),  # final: the page says so for ever
}
NEEDS_REASON = frozenset({State.SPIKED, State.CORRECTED, State.WITHDRAWN})


class MoveRefused(Exception):
    """The story cannot move so; the message says why and what to do."""


def draft(story: Story, *, actor: AbstractUser | str, now: datetime, reason: str = "") -> None:
    """A first draft stands, or a spiked story is taken up again."""
    _move(story, State.DRAFTED, allowed=(State.COLLECTED, State.SPIKED), actor=actor, now=now, reason=reason)


def submit(story: Story, *, actor: AbstractUser | str, now: datetime, reason: str = "") -> None:
    """Hand a draft to review."""
    _move(story, State.IN_REVIEW, allowed=(State.DRAFTED,), actor=actor, now=now, reason=reason)


def approve(story: Story, *, actor: AbstractUser | str, now: datetime, reason: str = "") -> None:
    """Vouch for the story as it stands; refused while a part that readers need is missing."""
    if missing := missing_for_approval(story):
        raise MoveRefused(f"“{story.headline}” cannot be approved yet: {'; '.join(missing)}.")
    _move(story, State.APPROVED, allowed=(State.IN_REVIEW,), actor=actor, now=now, reason=reason)


def send_back(story: Story, *, actor: AbstractUser | str, now: datetime, reason: str) -> None:
    """Ask for changes, with the reason."""
    if not reason.strip():
        raise MoveRefused("Say what should change: a story is sent back with a reason.")
    _move(story, State.DRAFTED, allowed=(State.IN_REVIEW,), actor=actor, now=now, reason=reason)


def reopen(story: Story, *, actor: AbstractUser | str, now: datetime, reason: str) -> None:
    """An approved story whose words changed goes back to review."""
    _move(story, State.IN_REVIEW, allowed=(State.APPROVED,), actor=actor, now=now, reason=reason)


def spike(story: Story, *, actor: AbstractUser | str, now: datetime, reason: str) -> None:
    """Decide not to run the story."""
    before = tuple(state for state, targets in MOVES.items() if State.SPIKED in targets)
    _move(story, State.SPIKED, allowed=before, actor=actor, now=now, reason=reason)


def publish(story: Story, *, actor: AbstractUser | str, now: datetime, reason: str = "") -> None:
    _move(story, State.PUBLISHED, allowed=(State.APPROVED,), actor=actor, now=now, reason=reason)


def correct(story: Story, *, actor: AbstractUser | str, now: datetime, reason: str) -> None:
    """Record that published words were changed; the reason is shown to readers as the correction."""
    _move(story, State.CORRECTED, allowed=(State.PUBLISHED, State.CORRECTED), actor=actor, now=now, reason=reason)


def withdraw(story: Story, *, actor: AbstractUser | str, now: datetime, reason: str) -> None:
    """Take a published story back; the reason stays where the story was."""
    _move(story, State.WITHDRAWN, allowed=(State.PUBLISHED, State.CORRECTED), actor=actor, now=now, reason=reason)


def _move(
    story: Story, to: State, *, allowed: tuple[str, ...], actor: AbstractUser | str, now: datetime, reason: str
) -> None:
    if to in NEEDS_REASON and not reason.strip():
        raise MoveRefused(f"Say why: a story becomes “{to.label.lower()}” with a reason.")
    before = story.state
    if before not in allowed or to not in MOVES[before]:
        raise MoveRefused(_refusal(story, to))
    with transaction.atomic():
        moved = Story.objects.filter(pk=story.pk, state=before).update(state=to, updated_at=now)
        if not moved:
            story.refresh_from_db(fields=["state"])
            raise MoveRefused(_refusal(story, to))
        StoryMove.objects.create(
            story=story, from_state=before, to_state=to, at=now, reason=reason.strip(), **_who(actor)
        )
    story.state = to


def _who(actor: AbstractUser | str) -> dict[str, object]:
    if isinstance(actor, str):
        return {"actor_name": actor}
    return {"actor": actor, "actor_name": actor.get_username()}


def _refusal(story: Story, to: State) -> str:
    last = story.moves.last()
    told = f" since {last.at:%d %B %H:%M} UTC ({last.actor_name})" if last else ""
    return (
        f"“{story.headline}” is {story.get_state_display().lower()}{told}; "
        f"it cannot become {to.label.lower()} from there."
    )

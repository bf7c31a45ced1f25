"""How a story was made: which words a machine drafted, who vouched for them, what was corrected since (pure)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from curation.models import Claim, Story, StoryMove
from curation.models.claim import Origin
from curation.pages.moments import Moment, moment
from curation.wording import HEADINGS

_PART_OF: dict[str, str] = {  # a claim's kind -> its heading on the page
    Claim.Kind.WHAT_CHANGED: HEADINGS["what_changed"],
    Claim.Kind.WHY_IT_MATTERS: HEADINGS["why_it_matters"],
    Claim.Kind.TAKEAWAY: HEADINGS["key_takeaways"],
    Claim.Kind.TECHNICAL: HEADINGS["technical_deep_dive"],
    Claim.Kind.IMPLICATION: HEADINGS["future_implications"],
}
_ORIGINS = (
    (Origin.MACHINE, "Drafted by a machine"),
    (Origin.EDITOR, "Written by an editor"),
    (Origin.SOURCE, "Taken from the source"),
)
_STEPS: dict[str, str] = {
    Story.State.APPROVED: "Approved",
    Story.State.PUBLISHED: "Published",
    Story.State.CORRECTED: "Corrected",
}


@dataclass(frozen=True)
class Step:
    """Something that was done to the story; `who` is empty when nobody is named to the public."""

    what: str
    who: str
    when: Moment
    reason: str


@dataclass(frozen=True)
class Making:
    """`origins` is (how they came to be, the parts); `models` names the machines that drafted."""

    origins: tuple[tuple[str, tuple[str, ...]], ...]
    models: tuple[str, ...]
    steps: tuple[Step, ...]

    @property
    def corrections(self) -> tuple[Step, ...]:
        return tuple(step for step in self.steps if step.what == _STEPS[Story.State.CORRECTED])


def making(story: Story, *, now: datetime) -> Making:
    """Needs the story's claims, events, table, moves with actors and provenance at hand."""
    parts = list(dict.fromkeys(_parts(story)))
    rows = list(story.provenance.all())
    return Making(
        origins=tuple(
            (words, found)
            for origin, words in _ORIGINS
            if (found := tuple(name for name, part_origin in parts if part_origin == origin))
        ),
        models=tuple(dict.fromkeys(row.model for row in rows if row.model)),
        steps=tuple(step for move in story.moves.all() if (step := _step(move, now=now))),
    )


def insight_is_machine_made(story: Story) -> bool:
    """Whether any part of the deep insight was drafted by a machine: the disclosure must then be shown."""
    shallow = (Claim.Kind.WHAT_CHANGED, Claim.Kind.WHY_IT_MATTERS)
    origins = [claim.origin for claim in story.claims.all() if claim.kind not in shallow]
    origins += [event.origin for event in story.events.all()]
    table = getattr(story, "table", None)
    return Origin.MACHINE in origins or (table is not None and table.origin == Origin.MACHINE)


def _parts(story: Story) -> Iterable[tuple[str, str]]:
    """(part of the page, origin) in the order of the page."""
    latest = {row.field: row.origin for row in story.provenance.all()}  # ordered by moment: the last one holds
    for name in ("headline", "hook"):
        yield from _scalar(name.title(), latest.get(name))
    claims = list(story.claims.all())
    for kind in (Claim.Kind.WHAT_CHANGED, Claim.Kind.WHY_IT_MATTERS):
        yield from ((_PART_OF[kind], claim.origin) for claim in claims if claim.kind == kind)
    yield from _scalar(HEADINGS["what_to_do_next"], latest.get("tldr.what_to_do_next", latest.get("what_to_do_next")))
    yield from ((_PART_OF[claim.kind], claim.origin) for claim in claims if claim.kind == Claim.Kind.TAKEAWAY)
    if table := getattr(story, "table", None):
        yield HEADINGS["competitor_analysis"], table.origin
    for kind in (Claim.Kind.TECHNICAL, Claim.Kind.IMPLICATION):
        yield from ((_PART_OF[kind], claim.origin) for claim in claims if claim.kind == kind)
    yield from ((HEADINGS["timeline"], event.origin) for event in story.events.all())


def _scalar(name: str, origin: str | None) -> Iterable[tuple[str, str]]:
    return [(name, origin)] if origin else []


def _step(move: StoryMove, *, now: datetime) -> Step | None:
    what = _STEPS.get(move.to_state)
    when = moment(move.at, now=now)
    if what is None or when is None:
        return None
    return Step(what, _public_name(move), when, move.reason if move.to_state == Story.State.CORRECTED else "")


def _public_name(move: StoryMove) -> str:
    """The person's name; an account that is called by an address or is none at all stays unnamed."""
    full = move.actor.get_full_name() if move.actor else ""
    return full or (move.actor_name if move.actor and "@" not in move.actor_name else "")

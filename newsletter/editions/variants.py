"""Which stories a segment reads, in which order and how much of each (pure).

Stories whose audience is the segment's come first in the editors' order and keep their form; the rest follow, shorter.
A segment without an audience reads everything as the editors placed it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from curation.catalog import StoryCopy

Form = Literal["lead", "normal", "brief"]
MOST_LEADS = 3


@dataclass(frozen=True)
class Entry:
    """A story as the editors placed it in the edition."""

    story: StoryCopy
    form: Form


@dataclass(frozen=True)
class Placed:
    """A story as one segment reads it: how much of it, and the "why it matters" that is meant for this segment."""

    story: StoryCopy
    form: Form
    why: str
    ours: bool  # the segment's audience is among those who should care


def arrange(entries: Sequence[Entry], *, audience: str) -> list[Placed]:
    """The variant's stories in reading order; at most three of them leads."""
    if not audience:
        placed = [Placed(entry.story, entry.form, entry.story.why_it_matters, ours=True) for entry in entries]
    else:
        ours = [entry for entry in entries if entry.story.is_for(audience)]
        rest = [entry for entry in entries if not entry.story.is_for(audience)]
        placed = [Placed(entry.story, entry.form, entry.story.why_for(audience), ours=True) for entry in ours]
        placed += [Placed(entry.story, "brief", entry.story.why_it_matters, ours=False) for entry in rest]
    return _with_few_leads(placed)


def _with_few_leads(placed: list[Placed]) -> list[Placed]:
    leads = 0
    result = []
    for each in placed:
        leads += each.form == "lead"
        too_many = each.form == "lead" and leads > MOST_LEADS
        result.append(Placed(each.story, "normal", each.why, each.ours) if too_many else each)
    return result

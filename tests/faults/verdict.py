"""The server's truth against the ledger: what was lost, doubled, left open, and whether it was all told."""

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import NamedTuple

from newsletter.models import Campaign, Chunk, Delivery
from tests.faults.leavers import Leave, mailed_after_leaving
from tests.faults.truth import Refused, Taken

OPEN = ("queued", "deferred", "in_doubt")
MOST_DOUBTS = 3  # as many tries as may end in doubt; then it is unknown


class Row(NamedTuple):
    """A delivery as the ledger has it at the end."""

    id: int
    recipient: str
    message_id: str
    state: str
    attempts: int
    doubts: int
    reply: str

    @property
    def copies_allowed(self) -> int:
        """Each doubt is a copy that may have arrived, up to the third; a delivery that is sent has had one more."""
        return min(self.doubts, MOST_DOUBTS) + (self.state == "sent")


@dataclass
class Verdict:
    """What a run came to. The first seven are the figures that checks from outside read."""

    lost: int = 0
    unsettled: int = 0
    doubled_outside_doubt: int = 0
    doubts: int = 0
    broken_connections: int = 0
    extra_copies: int = 0
    mailed_after_leaving: int = 0
    mixed_up: int = 0  # messages that reached the wrong reader, or came cut or joined
    unknown: int = 0  # ended in doubt, named on the campaign's page
    lost_connections: int = 0  # all that ended without QUIT
    sent: int = 0
    rejected: int = 0
    suppressed: int = 0
    leaves: int = 0
    leaves_protected: int = 0  # of them, before the window
    resumed: int = 0  # by the person at the desk, after a pause
    crashed: dict[str, int] = field(default_factory=dict)  # parts that ended unasked
    faults: dict[str, int] = field(default_factory=dict)
    recipients: int = 0
    seed: int = 0
    db: str = ""
    seconds: float = 0.0
    names: list[str] = field(default_factory=list)  # the readers (or steps) behind what is wrong, the first few

    @property
    def broken_promises(self) -> list[str]:
        wrong = ["lost", "unsettled", "doubled_outside_doubt", "mailed_after_leaving", "mixed_up"]
        broken = [name for name in wrong if getattr(self, name)]
        return broken + (["doubts"] if self.doubts > self.broken_connections else [])

    def as_json(self) -> str:
        return json.dumps(asdict(self), sort_keys=False)


def ledger(campaign: Campaign) -> list[Row]:
    fields = ("id", "subscriber__email", "message_id", "state", "attempts", "doubts", "reply")
    return [Row(*values) for values in Delivery.objects.filter(campaign=campaign).values_list(*fields).iterator()]


def judge(campaign: Campaign, truth: Iterable[Taken | Refused], leaves: Sequence[Leave] = ()) -> Verdict:
    """Compare. The campaign must be at rest."""
    taken: dict[str, list[Taken]] = defaultdict(list)
    refused: set[str] = set()
    for each in truth:
        if isinstance(each, Refused):
            refused.add(each.recipient)
        else:
            taken[each.recipient].append(each)
    rows = ledger(campaign)
    left = {each.recipient for each in leaves}
    lost = [row for row in rows if not taken.get(row.recipient) and not _is_accounted_for(row, refused, left)]
    doubled = [row for row in rows if len(taken.get(row.recipient, ())) > row.copies_allowed]
    mixed = [row for row in rows if any(_is_mixed_up(copy, row) for copy in taken.get(row.recipient, ()))]
    open_rows = [row for row in rows if row.state in OPEN]
    mailed = mailed_after_leaving(leaves, taken, {row.id: row.attempts for row in rows})
    strangers = len(set(taken) - {row.recipient for row in rows})
    wrong = [
        f"{row.recipient} {row.state} a={row.attempts} d={row.doubts} {row.reply}" for row in [*lost, *doubled, *mixed]
    ]
    return Verdict(
        lost=len(lost),
        unsettled=len(open_rows) + (0 if _is_closed(campaign) or open_rows else 1),
        doubled_outside_doubt=sum(row not in lost for row in doubled if row.state not in OPEN),
        doubts=sum(row.doubts for row in rows),
        extra_copies=sum(len(copies) - 1 for copies in taken.values()),
        mailed_after_leaving=len(mailed),
        mixed_up=len(mixed) + strangers,
        unknown=sum(row.state == "unknown" for row in rows),
        sent=sum(row.state == "sent" for row in rows),
        rejected=sum(row.state == "rejected" for row in rows),
        suppressed=sum(row.state == "suppressed" for row in rows),
        leaves=len(leaves),
        leaves_protected=sum(leave.is_protected for leave in leaves),
        recipients=len(rows),
        names=[*wrong, *(f"left {leave.recipient} {leave.state}" for leave in mailed)][:12],
    )


def _is_accounted_for(row: Row, refused: set[str], left: set[str]) -> bool:
    """Without a copy, and the ledger says truly why."""
    if row.state in OPEN:  # counted as unsettled
        return True
    return (
        (row.state == "rejected" and row.recipient in refused)
        or (row.state == "suppressed" and row.recipient in left)
        or (row.state == "unknown" and row.doubts > 0)
    )


def _is_mixed_up(copy: Taken, row: Row) -> bool:
    return copy.message_id != row.message_id or not copy.whole


def _is_closed(campaign: Campaign) -> bool:
    """The books are closed: done, and no chunk open or held."""
    campaign.refresh_from_db()
    return campaign.state == Campaign.State.DONE and not Chunk.objects.filter(campaign=campaign, closed=False).exists()

"""The circuit breaker: a campaign that harms its sender's good name is paused, and a person decides.

Looked at is what the campaign came to since it was last released or resumed, and at most in the last day: who resumes
it has seen what was before. Bounces and complaints count when they are about mail that was sent in that time.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from newsletter.models import Campaign, CampaignMinute, Delivery

LAST = 1_000  # of so many outcomes the hard refusals are looked at
LOOK_BACK = timedelta(days=1)
MOST_HARD, MOST_COMPLAINTS, MOST_DOUBTS = 0.05, 0.001, 0.01
FEWEST_OUTCOMES, FEWEST_COMPLAINTS, FEWEST_DOUBTS = 100, 2, 20


@dataclass(frozen=True)
class Tally:
    """`recent` and `recent_hard` are of the newest whole minutes with at least 1,000 outcomes; the rest of all."""

    outcomes: int = 0
    sent: int = 0
    hard: int = 0
    recent: int = 0
    recent_hard: int = 0
    bounced: int = 0
    complained: int = 0
    doubted: int = 0


def reason_to_pause(campaign: Campaign, *, now: datetime) -> str:
    """Why the campaign had better stop, in words for its page; empty when nothing is wrong. A few short queries."""
    return verdict(_tally(campaign, now=now))


def verdict(tally: Tally) -> str:
    """The decision (pure)."""
    hard, outcomes = tally.hard + tally.bounced, tally.outcomes
    if tally.recent_hard * max(outcomes, 1) > hard * tally.recent:  # lately it is worse than over all
        hard, outcomes = tally.recent_hard, tally.recent
    if outcomes >= FEWEST_OUTCOMES and hard > MOST_HARD * outcomes:
        return (
            f"{hard:,} of the last {outcomes:,} addresses do not exist (more than 5 %): the list is old or not its "
            "readers' own. Look at the refused deliveries, take such addresses out, then resume or cancel."
        )
    if tally.complained >= FEWEST_COMPLAINTS and tally.complained > MOST_COMPLAINTS * tally.sent:
        return (
            f"{tally.complained:,} of {tally.sent:,} readers called it spam (more than 0.1 %): mailbox providers will "
            "soon refuse us. Look at who was mailed and how they signed up, then resume or cancel."
        )
    doubtful = tally.outcomes + tally.doubted
    if tally.doubted >= FEWEST_DOUBTS and tally.doubted > MOST_DOUBTS * doubtful:
        return (
            f"{tally.doubted:,} of {doubtful:,} deliveries are in doubt (more than 1 %): connections to the relay "
            "break before it answers. Look at the relay and its log, then resume or cancel."
        )
    return ""


def _tally(campaign: Campaign, *, now: datetime) -> Tally:
    since = _since(campaign, now=now)
    minutes = CampaignMinute.objects.filter(campaign=campaign, minute__gte=since).order_by("-minute")
    rows = list(minutes.values_list("sent", "rejected", "hard"))
    recent, recent_hard = _newest(rows)
    mine = Delivery.objects.filter(campaign=campaign)
    return Tally(
        outcomes=sum(sent + rejected for sent, rejected, _ in rows),
        sent=sum(row[0] for row in rows),
        hard=sum(row[2] for row in rows),
        recent=recent,
        recent_hard=recent_hard,
        bounced=mine.filter(bounced_at__gte=since, settled_at__gte=since).count(),
        complained=mine.filter(complained_at__gte=since, settled_at__gte=since).count(),
        doubted=mine.filter(doubted_at__gte=since).count(),
    )


def _since(campaign: Campaign, *, now: datetime) -> datetime:
    """The first minute that counts. That in which it was resumed does not: it also holds what it was paused for."""
    moves = campaign.moves.filter(to_state=Campaign.State.SENDING).order_by("-id").values_list("at", "from_state")
    at, from_state = moves.first() or (now, "")
    if at < now - LOOK_BACK:
        return now - LOOK_BACK
    minute = at.replace(second=0, microsecond=0)
    return minute + timedelta(minutes=1) if from_state == Campaign.State.PAUSED else minute


def _newest(rows: Iterable[tuple[int, int, int]]) -> tuple[int, int]:
    outcomes = refused = 0
    for sent, rejected, hard in rows:
        outcomes, refused = outcomes + sent + rejected, refused + hard
        if outcomes >= LAST:
            break
    return outcomes, refused

"""A campaign as its page tells it: numbers that are links, and sentences. Read anew every two seconds while it runs."""

from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse

from newsletter.admin import words
from newsletter.admin.schedule import EXCLUDED
from newsletter.models import Campaign, Delivery
from newsletter.sending.progress import Doubtful, Progress, progress

State = Campaign.State


@dataclass(frozen=True)
class Number:
    label: str
    count: int
    link: str


@dataclass(frozen=True)
class Live:
    campaign: Campaign
    progress: Progress
    sentence: str  # how far it is, for eyes and for a screen reader
    numbers: list[Number]
    excluded: list[tuple[int, str]]
    copies: list[tuple[str, str, str]]  # of the doubtful: address, state, what may have arrived and why
    buttons: list[tuple[str, str, str]]  # verb, its label, a class

    @property
    def is_over(self) -> bool:
        return self.campaign.state in (State.DONE, State.CANCELLED)

    @property
    def percent(self) -> int:
        return int(self.progress.percent)


def live_of(campaign: Campaign, *, now: datetime) -> Live:
    found = progress(campaign, now=now)
    return Live(
        campaign=campaign,
        progress=found,
        sentence=_sentence(campaign, found, now=now),
        numbers=_numbers(campaign, found),
        excluded=[(count, EXCLUDED.get(reason, reason)) for reason, count in found.excluded.items()],
        copies=[_copies(each) for each in found.doubtful],
        buttons=PAUSED_IN_ITS_HOLD if _paused_in_its_hold(campaign) else BUTTONS.get(campaign.state, []),
    )


def _sentence(campaign: Campaign, found: Progress, *, now: datetime) -> str:
    done = f"{found.ended:,} of {words.count(found.total, 'reader')} ({int(found.percent)} %)"
    match campaign.state:
        case State.DRAFT:
            when = _at(campaign, campaign.slot, now=now) if campaign.slot else "as soon as it can be frozen"
            return f"Scheduled: its readers are frozen {when}."
        case State.MISSED:
            return "It missed its hour and waits for a person to decide."
        case State.FROZEN:
            left = _at(campaign, campaign.held_until, now=now)
            return f"Held for {words.count(found.total, 'reader')}: the first mail leaves {left}."
        case State.SENDING if found.stalled:
            return f"Stalled at {done}: nothing has moved for five minutes."
        case State.SENDING:
            return f"Sending: {done}{_speed(found)}."
        case State.PAUSED if _paused_in_its_hold(campaign):
            return f"Paused in its hold: none of {words.count(found.total, 'reader')} has been mailed."
        case State.PAUSED:
            return f"Paused at {done}."
        case State.DONE:
            return f"Done: {done} {_at(campaign, campaign.done_at, now=now)}."
    return f"Cancelled at {done}." if found.total else "Cancelled before anything was frozen."


def _paused_in_its_hold(campaign: Campaign) -> bool:
    return campaign.state == State.PAUSED and campaign.started_at is None


def _copies(doubtful: Doubtful) -> tuple[str, str, str]:
    why = doubtful.words or "the connection broke before the server answered"
    most = words.count(doubtful.copies, "copy", "copies")
    return doubtful.email, str(Delivery.State(doubtful.state).label), f"at most {most}; {why}"


def _at(campaign: Campaign, moment: datetime | None, *, now: datetime) -> str:
    return f"on {words.slot(moment, zone=campaign.newsletter.zone, now=now)}" if moment else ""


def _speed(found: Progress) -> str:
    if found.left is None:
        return "; the time left is not known yet"
    rate = f"{found.rate:.0f} a second" if found.rate >= 1 else f"{60 * found.rate:.0f} a minute"
    seconds = int(found.left.total_seconds())
    left = f"{seconds} s" if seconds < 120 else f"{round(seconds / 60)} min"
    return f", {rate}, about {left} left"


def _numbers(campaign: Campaign, found: Progress) -> list[Number]:
    """Every state that holds anybody, and always those that an operator looks for first."""
    base = reverse("admin:newsletter_delivery_changelist")
    always = {Delivery.State.QUEUED, Delivery.State.SENT}
    return [
        Number(
            label=str(Delivery.State(state).label),
            count=count,
            link=f"{base}?campaign__id__exact={campaign.pk}&state__exact={state}",
        )
        for state, count in found.counts.items()
        if count or (state in always and found.total)
    ]


# What may be pressed in which state; the label says what happens.
BUTTONS: dict[str, list[tuple[str, str, str]]] = {
    State.DRAFT: [("freeze", "Send now", "main"), ("cancel", "Cancel", "stop")],
    State.MISSED: [("send_missed", "Send now", "main"), ("cancel", "Cancel", "stop")],
    State.FROZEN: [("pause", "Pause", ""), ("release", "Send now, end the hold", ""), ("cancel", "Cancel", "stop")],
    State.SENDING: [("pause", "Pause", "main"), ("cancel", "Cancel the rest", "stop")],
    State.PAUSED: [("resume", "Send to the rest", "main"), ("cancel", "Cancel the rest", "stop")],
}
PAUSED_IN_ITS_HOLD = [("resume", "Resume, back to the hold", "main"), ("cancel", "Cancel", "stop")]

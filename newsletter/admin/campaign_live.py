"""A campaign as its page tells it: numbers that are links, and sentences. Read anew every two seconds while it runs."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from django.urls import reverse

from newsletter.admin import words
from newsletter.admin.campaign_doubts import Line, line_of
from newsletter.admin.campaign_minutes import Chart, chart_of
from newsletter.admin.schedule import EXCLUDED
from newsletter.models import Campaign, Delivery
from newsletter.sending.progress import Progress, Trouble, progress

State = Campaign.State
STEP = 10  # per cent: how often a screen reader is told


@dataclass(frozen=True)
class Number:
    state: str
    label: str
    count: int
    link: str
    csv: str

    @property
    def shown(self) -> str:
        return f"{self.count:,}"


@dataclass(frozen=True)
class Error:
    count: str
    kind: str  # empty when the words say it
    words: str
    when: str


@dataclass(frozen=True)
class Live:
    campaign: Campaign
    progress: Progress
    sentence: str  # how far it is
    heard: str  # the same for a screen reader: it changes with what happens, not with every number
    waits: list[str]  # what it waits for, in sentences
    numbers: list[Number]
    errors: list[Error]
    chart: Chart | None
    doubts: list[Line]
    excluded: list[tuple[str, str]]
    gone: Number | None  # left or suppressed after it was frozen and before it went
    buttons: list[tuple[str, str, str]]  # verb, its label, a class

    @property
    def is_over(self) -> bool:
        return self.campaign.state in (State.DONE, State.CANCELLED)

    @property
    def percent(self) -> int:
        return int(self.progress.percent)

    @property
    def csv_of_all(self) -> str:
        return reverse("admin:newsletter_campaign_csv", args=[self.campaign.pk, "all"])


def live_of(campaign: Campaign, *, now: datetime) -> Live:
    found = progress(campaign, now=now)
    numbers = _numbers(campaign, found)
    return Live(
        campaign=campaign,
        progress=found,
        sentence=_sentence(campaign, found, now=now),
        heard=_heard(campaign, found),
        waits=_waits(campaign, found, now=now),
        numbers=numbers,
        errors=[_error(each, campaign, now=now) for each in found.troubles],
        chart=chart_of(found.minutes, zone=campaign.newsletter.zone, now=now),
        doubts=[line_of(each, campaign, now=now) for each in found.doubtful],
        excluded=[(f"{count:,}", EXCLUDED.get(reason, reason)) for reason, count in found.excluded.items()],
        gone=next((each for each in numbers if each.state == Delivery.State.SUPPRESSED), None),
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
            return f"Stalled at {done}: nothing has moved for five minutes.{_last_error(found)}"
        case State.SENDING:
            return f"Sending: {done}{_speed(found)}."
        case State.PAUSED if _paused_in_its_hold(campaign):
            return f"Paused in its hold: none of {words.count(found.total, 'reader')} has been mailed."
        case State.PAUSED:
            return f"Paused at {done}."
        case State.DONE:
            return f"Done: {done} {_at(campaign, campaign.done_at, now=now)}."
    return f"Cancelled at {done}." if found.total else "Cancelled before anything was frozen."


def _heard(campaign: Campaign, found: Progress) -> str:
    stalled = " It has stalled." if found.stalled else ""
    kept = f" {found.trouble}" if found.trouble else ""
    doubts = found.counts[Delivery.State.IN_DOUBT] + found.counts[Delivery.State.UNKNOWN]
    unsure = f" {words.count(doubts, 'delivery', 'deliveries')} in doubt or unknown." if doubts else ""
    tens = int(found.percent) // STEP * STEP
    return f"{campaign.get_state_display()}, {tens} % of {words.count(found.total, 'reader')}.{stalled}{kept}{unsure}"


def _waits(campaign: Campaign, found: Progress, *, now: datetime) -> list[str]:
    told = []
    if found.waiting:
        many = "waits" if found.waiting == 1 else "wait"
        told.append(
            f"{words.count(found.waiting, 'reader')} {many} for a place at their domain, which is full for now."
        )
    if found.goes_on_at:
        told.append(f"Nothing is due before {_clock(campaign, found.goes_on_at, now=now)}; then it goes on by itself.")
    return told


def _error(trouble: Trouble, campaign: Campaign, *, now: datetime) -> Error:
    kind = "" if trouble.words.startswith(trouble.kind) else trouble.kind
    return Error(f"{trouble.count:,}", kind, trouble.words, _clock(campaign, trouble.at, now=now))


def _last_error(found: Progress) -> str:
    last = found.last_error
    return f" The last error was: {last.words}" if last else " No server has refused anything: look at the workers."


def _paused_in_its_hold(campaign: Campaign) -> bool:
    return campaign.state == State.PAUSED and campaign.started_at is None


def _at(campaign: Campaign, moment: datetime | None, *, now: datetime) -> str:
    return f"on {words.slot(moment, zone=campaign.newsletter.zone, now=now)}" if moment else ""


def _clock(campaign: Campaign, moment: datetime, *, now: datetime) -> str:
    """ "14:05 (in 25 min)" on the newsletter's clocks."""
    return f"{moment.astimezone(ZoneInfo(campaign.newsletter.zone)):%H:%M} ({words.until(moment, now=now)})"


def _speed(found: Progress) -> str:
    if not found.counts[Delivery.State.QUEUED]:
        return "; only later tries are left"
    if found.left is None:
        return "; the time left is not known yet"
    rate = f"{found.rate:,.0f} a second" if found.rate >= 1 else f"{60 * found.rate:.0f} a minute"
    seconds = int(found.left.total_seconds())
    left = f"{seconds} s" if seconds < 120 else f"{round(seconds / 60):,} min"
    return f", {rate}, about {left} left"


def _numbers(campaign: Campaign, found: Progress) -> list[Number]:
    """Every state that holds anybody, and always those that an operator looks for first."""
    base = reverse("admin:newsletter_delivery_changelist")
    always = {Delivery.State.QUEUED, Delivery.State.SENT}
    return [
        Number(
            state=state,
            label=str(Delivery.State(state).label),
            count=count,
            link=f"{base}?campaign__id__exact={campaign.pk}&state__exact={state}",
            csv=reverse("admin:newsletter_campaign_csv", args=[campaign.pk, state]),
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

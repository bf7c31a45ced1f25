"""A campaign in plain lines, for terminals and logs: the facts of its page."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from newsletter.models import Campaign, Delivery
from newsletter.sending.progress import Doubtful, Progress

WIDTH = 40


def bar(campaign: Campaign, found: Progress, *, now: datetime) -> str:
    """One line: how far, how fast, how long still."""
    filled = int(WIDTH * found.percent / 100)
    said = f"[{'#' * filled}{'.' * (WIDTH - filled)}] {found.ended}/{found.total}"
    if campaign.state == Campaign.State.FROZEN and campaign.held_until:
        return f"{said}  held for {_span(max(campaign.held_until - now, timedelta(0)))}"
    if found.stalled:
        return f"{said}  stalled for {_span(now - (campaign.progress_at or now))}"
    if found.goes_on_at:
        return f"{said}  goes on at {found.goes_on_at:%H:%M:%S} UTC"
    left = f", {_span(found.left)} left" if found.left else ""
    return f"{said}  {found.rate:.1f}/s{left}" if found.rate else said


def table(campaign: Campaign, found: Progress, *, now: datetime) -> Iterator[str]:
    """Everything, a line a fact."""
    yield f"Campaign {campaign.pk}: {campaign.edition}"
    stalled = " (stalled)" if found.stalled else ""
    yield f"{campaign.get_state_display()}{stalled}  {found.trouble}".rstrip()
    yield bar(campaign, found, now=now)
    for state, count in found.counts.items():
        yield f"  {state:<12}{count:>10}"
    if found.waiting:
        yield f"  of the deferred, {found.waiting} wait for a place at their domain"
    for reason, count in found.excluded.items():
        yield f"  not mailed: {reason:<12}{count:>8}"
    for each in found.troubles:
        yield f"  {each.count:>6} x {each.words}  ({each.kind}, last at {each.at:%H:%M:%S} UTC)"
    if found.doubtful_count:
        yield f"In doubt at some time: {found.doubtful_count}"
    for name in found.doubtful:
        yield f"  {name.email}  {name.state}, at most {name.copies} copies: {name.words}{_next(name)}"


def _next(name: Doubtful) -> str:
    decided = f"; {name.decided.by}: {name.decided.what}, {name.decided.at:%H:%M} UTC" if name.decided else ""
    if name.asked:
        return f"{decided}; one more mail is on its way"
    if name.state == Delivery.State.IN_DOUBT and name.waits_until:
        return f"{decided}; evidence is waited for until {name.waits_until:%H:%M} UTC"
    return decided


def _span(span: timedelta) -> str:
    return str(span).split(".")[0]

"""The first page of the desk: what goes out next, what waits for whom, how the last one went. Each number is a link."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from curation import catalog
from newsletter.admin import words
from newsletter.admin.edition_status import Status, status_of
from newsletter.models import Campaign, Delivery, Edition


@dataclass(frozen=True)
class Number:
    label: str
    count: int
    link: str


@dataclass(frozen=True)
class Card:
    """An edition that has not left yet."""

    status: Status
    stories: Number
    link: str


@dataclass(frozen=True)
class Result:
    """The newest campaign that has been frozen."""

    campaign: Campaign
    when: str
    numbers: list[Number]
    link: str


def callback(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """What templates/admin/index.html shows; only what the editor may look at."""
    now = timezone.now()
    context["title"] = "Today"
    if request.user.has_perm("newsletter.view_edition"):
        context["cards"] = next_editions(now=now)
        context["may_compose"] = True
    if request.user.has_perm("curation.view_story"):
        context["waiting"] = waiting()
    if request.user.has_perm("newsletter.view_campaign"):
        context["results"] = last_results(now=now)
    return context


def next_editions(*, now: datetime) -> list[Card]:
    """The next edition of each newsletter that has not been frozen: the earliest hour first."""
    open_editions = Edition.objects.filter(sent_at=None).exclude(campaigns__state__in=["sending", "paused", "done"])
    soonest: dict[int, Edition] = {}
    for edition in open_editions.select_related("newsletter").order_by("slot"):
        if edition.slot is not None:
            soonest.setdefault(edition.newsletter_id, edition)
    return [_card(edition, now=now) for edition in soonest.values()]


def waiting() -> list[Number]:
    base = reverse("admin:curation_story_changelist")
    return [Number(label, count, f"{base}?state__exact={state}") for state, label, count in catalog.waiting()]


def last_results(*, now: datetime) -> list[Result]:
    """Of each newsletter, the newest campaign that began to send."""
    newest: dict[int, Campaign] = {}
    for campaign in (
        Campaign.objects.exclude(started_at=None).select_related("edition", "newsletter").order_by("-id")[:20]
    ):
        newest.setdefault(campaign.newsletter_id, campaign)
    return [_result(campaign, now=now) for campaign in newest.values()]


def _card(edition: Edition, *, now: datetime) -> Card:
    link = reverse("admin:newsletter_edition_change", args=[edition.pk])
    count = edition.items.count()
    stories = Number("story" if count == 1 else "stories", count, f"{link}#items-group")
    return Card(status_of(edition, now=now), stories, link)


def _result(campaign: Campaign, *, now: datetime) -> Result:
    base = reverse("admin:newsletter_delivery_changelist")
    counts = dict(campaign.deliveries.order_by().values_list("state").annotate(number=Count("pk")))
    states = [Delivery.State(state) for state in Delivery.State.values if counts.get(state) or state == "sent"]
    return Result(
        campaign=campaign,
        when=words.until(campaign.started_at or now, now=now),
        numbers=[
            Number(
                str(state.label), counts.get(state, 0), f"{base}?campaign__id__exact={campaign.pk}&state__exact={state}"
            )
            for state in states
        ],
        link=reverse("admin:newsletter_campaign_change", args=[campaign.pk]),
    )

"""The last look before an edition goes out: one sentence that says what will happen, who gets it, and who does not."""

from datetime import datetime

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from unfold.admin import ModelAdmin

from newsletter.admin import words
from newsletter.admin.edition_status import status_of
from newsletter.admin.pages import edition_for, frame
from newsletter.models import Edition
from newsletter.sending import campaigns
from newsletter.sending.forecast import Forecast, forecast

TYPE_ABOVE = 1_000  # more readers than this ask for their number to be typed
EXCLUDED = {
    "pending": "not confirmed yet",
    "left": "left",
    "suppressed": "suppressed: bounced, complained, or asked us not to write",
}


def schedule_page(admin: ModelAdmin, request: HttpRequest, *, edition_id: int) -> HttpResponse:
    """Shows the plan on GET; on POST creates the edition's one campaign, for its hour or at once."""
    edition = edition_for(request, edition_id, permission="send_edition")
    now = timezone.now()
    status = status_of(edition, now=now)
    if status.campaign is not None:
        messages.info(request, f"“{edition}” has its campaign already: here it is.")
        return _to_campaign(status.campaign.pk)
    if not status.is_draft and status.blockers:
        for reason in status.blockers:
            messages.error(request, reason)
        return HttpResponseRedirect(reverse("admin:newsletter_edition_change", args=[edition.pk]))
    if not status.can_send:
        reason = "it has changed since it was approved" if status.changed else "it is not approved"
        messages.error(request, f"“{edition}” cannot be sent: {reason}. Approve it first.")
        return HttpResponseRedirect(reverse("admin:newsletter_edition_change", args=[edition.pk]))
    expected = forecast(edition.newsletter, now=now)
    if request.method == "POST" and (answer := _send(request, edition, expected, now=now)):
        return answer
    context = frame(admin, request, title="Schedule or send", original=edition, edition=edition, forecast=expected)
    context["planned"] = _can_wait(edition, now=now) and _sentence(edition, expected, now=now)
    context["at_once"] = f"Send {_what(expected)} now"
    context["altered"] = status.altered
    context["excluded"] = [(count, EXCLUDED.get(reason, reason)) for reason, count in expected.excluded.items()]
    context["type_number"] = expected.readers > TYPE_ABOVE
    return TemplateResponse(request, "admin/newsletter/edition/schedule.html", context)


def _can_wait(edition: Edition, *, now: datetime) -> bool:
    return edition.slot is not None and edition.slot > now


def _sentence(edition: Edition, expected: Forecast, *, now: datetime) -> str:
    """ "Send 5 variants to 60 readers on Thursday 26 November 09:00 Europe/Brussels (in 19 h)"."""
    assert edition.slot is not None
    return f"Send {_what(expected)} on {words.slot(edition.slot, zone=edition.newsletter.zone, now=now)}"


def _what(expected: Forecast) -> str:
    return f"{words.count(expected.variants, 'variant')} to {words.count(expected.readers, 'reader')}"


def _send(request: HttpRequest, edition: Edition, expected: Forecast, *, now: datetime) -> HttpResponse | None:
    """None when it was refused: the page then says why."""
    at_once = request.POST.get("when") == "now"
    typed = request.POST.get("readers", "").replace(",", "").strip()
    if expected.readers > TYPE_ABOVE and typed != str(expected.readers):
        messages.error(request, f"Nothing was sent: type the number of readers, {expected.readers}, to confirm.")
        return None
    if not at_once and not _can_wait(edition, now=now):
        messages.error(request, "Its hour is past: send it now, or take it back to draft and plan another hour.")
        return None
    try:
        campaign = campaigns.start(edition, slot=None if at_once else edition.slot, actor=request.user, now=now)  # type: ignore[arg-type]
        if at_once:
            campaigns.freeze(campaign, actor=request.user, now=now)  # type: ignore[arg-type]
    except campaigns.AlreadyStarted as started:
        messages.info(request, str(started))
        return _to_campaign(started.campaign.pk)
    except (campaigns.FreezeRefused, campaigns.NotMoved) as refused:
        for reason in getattr(refused, "reasons", [str(refused)]):
            messages.error(request, reason)
        return _to_campaign(campaign.pk)
    messages.success(request, _answer(edition, at_once=at_once, now=now))
    return _to_campaign(campaign.pk)


def _answer(edition: Edition, *, at_once: bool, now: datetime) -> str:
    if at_once:
        hold = edition.newsletter.hold_seconds
        return f"Frozen. The first mail leaves in {hold} s; until then, and after, you can stop it here."
    assert edition.slot is not None
    return f"Scheduled for {words.slot(edition.slot, zone=edition.newsletter.zone, now=now)}."


def _to_campaign(campaign_id: int) -> HttpResponseRedirect:
    return HttpResponseRedirect(reverse("admin:newsletter_campaign_change", args=[campaign_id]))

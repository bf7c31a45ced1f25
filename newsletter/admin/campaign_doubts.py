"""The deliveries of a campaign that are, or were, in doubt: a line for each, with its reason and its buttons."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import reverse

from newsletter import tasks
from newsletter.admin import words
from newsletter.admin.pages import demand
from newsletter.models import Campaign, Delivery, Newsletter
from newsletter.sending import again, doubts
from newsletter.sending.clock import database_now
from newsletter.sending.outcomes import MOST_DOUBTS
from newsletter.sending.progress import Doubtful

State = Delivery.State
LOST = "The connection broke before the server answered."


@dataclass(frozen=True)
class Button:
    label: str
    url: str
    sure: str = ""  # asked before it is pressed for good


@dataclass(frozen=True)
class Line:
    """`what_next`: what happens by itself; `decided`: who decided what about it, and when."""

    delivery: int
    email: str
    state: str
    label: str
    why: str
    copies: str
    what_next: str
    decided: str
    attempts: int
    buttons: list[Button]
    link: str


def line_of(doubtful: Doubtful, campaign: Campaign, *, now: datetime) -> Line:
    decided = doubtful.decided
    return Line(
        delivery=doubtful.delivery,
        email=doubtful.email,
        state=doubtful.state,
        label=str(State(doubtful.state).label),
        why=doubtful.words or LOST,
        copies=f"at most {words.count(doubtful.copies, 'copy', 'copies')}",
        what_next=_what_next(doubtful, campaign, now=now),
        decided=f"{decided.by}: {decided.what}, {decided.at:%d %B at %H:%M} UTC" if decided else "",
        attempts=doubtful.attempts,
        buttons=_buttons(doubtful, campaign),
        link=reverse("admin:newsletter_delivery_change", args=[doubtful.delivery]),
    )


def decide(request: HttpRequest, *, campaign_id: int, delivery_id: int, verb: str) -> HttpResponse:
    """One of the buttons. It tells how many attempts the person saw, so that nobody decides on what has changed."""
    demand(request, "send_edition")
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    if verb not in VERBS or not Delivery.objects.filter(pk=delivery_id, campaign_id=campaign_id).exists():
        raise Http404(f"Campaign {campaign_id} has no delivery {delivery_id}, or it has no verb “{verb}”.")
    seen = request.POST.get("attempts", "")
    if not seen.isdecimal():
        raise Http404("The form must tell the number of attempts that were seen.")
    try:
        VERBS[verb](delivery_id, actor=request.user, now=database_now(), attempts=int(seen))
    except doubts.TooLate as late:
        messages.error(request, str(late))
    else:
        _tell_workers(campaign_id, verb)
        messages.success(request, ANSWERS[verb])
    return HttpResponseRedirect(reverse("admin:newsletter_campaign_change", args=[campaign_id]) + "#doubts")


def _tell_workers(campaign_id: int, verb: str) -> None:
    if verb == "mail_again":
        tasks.hint_mails()
    elif verb == "send_again":
        tasks.hint(campaign_id)


def _what_next(doubtful: Doubtful, campaign: Campaign, *, now: datetime) -> str:
    if doubtful.asked:
        return "One more mail is on its way."
    if doubtful.state != State.IN_DOUBT:
        return ""
    if campaign.state == Campaign.State.CANCELLED:
        return "The campaign is cancelled: nothing more happens by itself."
    again_ = campaign.doubt_policy == Newsletter.DoubtPolicy.RESEND and doubtful.copies < MOST_DOUBTS
    then = "it is sent again, under the same Message-ID" if again_ else "it ends as unknown"
    until = doubtful.waits_until
    if until is None or until <= now:
        return f"No evidence has come: {then}."
    clock = f"{until.astimezone(ZoneInfo(campaign.newsletter.zone)):%H:%M} ({words.until(until, now=now)})"
    return f"Evidence that it arrived is waited for until {clock}; then {then}."


def _buttons(doubtful: Doubtful, campaign: Campaign) -> list[Button]:
    verbs = []
    if doubtful.state == State.IN_DOUBT:
        verbs = ["send_again", "let_be"] if campaign.state in doubts.GOING_ON else ["let_be"]
    elif doubtful.state == State.UNKNOWN and not doubtful.asked and campaign.state in again.MAY_MAIL:
        verbs = ["mail_again"]
    return [_button(verb, doubtful, campaign) for verb in verbs]


def _button(verb: str, doubtful: Doubtful, campaign: Campaign) -> Button:
    url = reverse("admin:newsletter_campaign_doubt", args=[campaign.pk, doubtful.delivery, verb])
    return Button(LABELS[verb], url, sure=SURE if verb == "mail_again" else "")


VERBS: dict[str, Callable[..., None]] = {
    "send_again": doubts.send_again,
    "let_be": doubts.let_be,
    "mail_again": again.ask,
}
LABELS = {"send_again": doubts.SEND_AGAIN, "let_be": doubts.LET_IT_BE, "mail_again": again.MAIL_AGAIN}
ANSWERS = {
    "send_again": "It is sent again with the campaign, under the same Message-ID.",
    "let_be": "Let be: it is not sent again.",
    "mail_again": "One more mail is on its way; what the server says will stand here.",
}
SURE = "The first copy may have arrived. Mail this reader once more?"

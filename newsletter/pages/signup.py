"""Signing up: the form, the page that everybody sees after it, and the page at the end of the mailed link."""

from datetime import datetime
from functools import partial
from zoneinfo import ZoneInfo

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from curation import catalog
from newsletter import tasks, tokens
from newsletter.audience import signup
from newsletter.audience.addresses import LONGEST, BadAddress
from newsletter.editions.plan import slot_after
from newsletter.models import Edition, Newsletter, Subscription
from newsletter.pages.reader import ip_of, token_page
from newsletter.tokens import Purpose, ReaderRef

# Shown by both forms (this page's and templates/pages/parts/signup.html), and kept with the reader's consent.
PROMISE = "We send one mail to ask whether it is really you. Nothing else until you say yes."
CONFIRM_BUTTON = "Confirm my subscription"


@never_cache
@csrf_exempt  # the form needs no cookie, stands on other people's sites too, and gives nobody any power
@require_http_methods(["GET", "HEAD", "POST"])
def subscribe(request: HttpRequest) -> HttpResponse:
    """The form. Every answer to a good address is the same, whatever we know of it."""
    newsletters = list(Newsletter.objects.order_by("id"))
    if request.method != "POST":
        return _form(request, newsletters)
    if request.POST.get("website"):  # people do not see this field
        return redirect("subscribe-sent")
    chosen = _chosen(newsletters, request.POST.get("newsletter"))
    if chosen is None:
        return _form(request, newsletters, newsletter_error="Please choose a newsletter.")
    try:
        _ask(request, chosen)
    except BadAddress as error:
        return _form(request, newsletters, email_error=error.reason)
    return redirect("subscribe-sent")


@require_safe
def sent(request: HttpRequest) -> HttpResponse:
    """What everybody sees who has filled in the form."""
    return render(request, "pages/subscribe_sent.html", {"days": signup.LINK_LASTS.days})


@token_page
def confirm(request: HttpRequest, token: str) -> HttpResponse:
    """GET shows a button; only pressing it subscribes."""
    now = timezone.now()
    if request.method == "POST":
        subscription = signup.confirm(token, now=now, means="mail link", ip=ip_of(request), wording=CONFIRM_BUTTON)
    else:
        subscription = signup.find(token, now=now)
    if subscription.state == Subscription.State.ACTIVE:
        return render(request, "pages/confirmed.html", _welcome(subscription, now))
    context = {
        "newsletter": subscription.newsletter,
        "button": CONFIRM_BUTTON,
        "rhythm": rhythm(subscription.newsletter),
    }
    return render(request, "pages/confirm.html", context)


def rhythm(newsletter: Newsletter) -> str:
    """How often it comes, as a sentence."""
    if not newsletter.weekly:
        return "It comes when there is an edition, and not otherwise."
    return f"It comes every {newsletter.get_weekday_display()} at {newsletter.wall_time:%H:%M} ({newsletter.zone})."


def _ask(request: HttpRequest, newsletter: Newsletter) -> None:
    known = dict(catalog.audiences())
    asked = signup.ask(
        newsletter=newsletter,
        email=request.POST.get("email", "").strip(),
        interests=[code for code in request.POST.getlist("interests") if code in known],
        means="web form",
        wording=f"{newsletter.name}. {PROMISE}",
        ip=ip_of(request),
        now=timezone.now(),
    )
    if asked.mail_to is not None:
        _hint(asked.mail_to)


def _hint(subscription_id: int) -> None:
    """Tell a worker that a mail is owed. With the broker away the row says so too, and the tick finds it.

    Robust: what the broker's client raises is logged, and the person has signed up all the same.
    """
    transaction.on_commit(partial(tasks.send_confirmation.delay, subscription_id=subscription_id), robust=True)


def _chosen(newsletters: list[Newsletter], slug: str | None) -> Newsletter | None:
    if not slug and len(newsletters) == 1:
        return newsletters[0]
    return next((newsletter for newsletter in newsletters if newsletter.slug == slug), None)


def _form(request: HttpRequest, newsletters: list[Newsletter], **errors: str) -> HttpResponse:
    given = request.POST if request.method == "POST" else request.GET
    chosen = _chosen(newsletters, given.get("newsletter")) or next(iter(newsletters), None)
    context = {
        "newsletters": [(newsletter, rhythm(newsletter)) for newsletter in newsletters],
        "chosen": chosen,
        "audiences": catalog.audiences(),
        "interests": given.getlist("interests"),
        "email": request.POST.get("email", "")[:LONGEST],
        "promise": PROMISE,
        **errors,
    }
    return render(request, "pages/subscribe.html", context, status=422 if errors else 200)


def _welcome(subscription: Subscription, now: datetime) -> dict[str, object]:
    newsletter, reader = subscription.newsletter, subscription.subscriber
    ref = ReaderRef(reader.key, newsletter.pk)
    place = ZoneInfo(reader.zone or newsletter.zone)
    return {
        "newsletter": newsletter,
        "next_issue": slot_after(newsletter, after=now).astimezone(place) if newsletter.weekly else None,
        "place": place.key,
        "latest": Edition.objects.filter(newsletter=newsletter).sent().first(),
        "settings_token": tokens.for_reader(Purpose.SETTINGS, ref),
    }

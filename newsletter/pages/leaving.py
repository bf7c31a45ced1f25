"""Leaving: by the link in a mail (a page with one button), and by the mail program's own button (RFC 8058)."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from newsletter import tokens
from newsletter.audience import leaving
from newsletter.models import Subscription
from newsletter.pages.reader import Opened, acted, ip_of, opened, token_page
from newsletter.tokens import Purpose

LEAVE_BUTTON = "Unsubscribe"
RETURN_BUTTON = "Undo: keep sending it"


@token_page
def leave(request: HttpRequest, token: str) -> HttpResponse:
    """GET shows where the reader stands and one button; POST ends the subscription, or undoes that (`act=return`)."""
    link = opened(Purpose.LEAVE, token)
    just_now = ""
    if request.method == "POST":
        acted(link)
        just_now = _return(request, link) if request.POST.get("act") == "return" else _leave(request, link)
    return _page(request, token, link, just_now)


@token_page
def one_click(request: HttpRequest, token: str) -> HttpResponse:
    """RFC 8058: the mail program posts `List-Unsubscribe=One-Click`, with no cookie, and is answered in one line.

    A person who opens the address sees the page of `leave`.
    """
    link = opened(Purpose.LEAVE, token)
    if request.method != "POST":
        return _page(request, token, link)
    if request.POST.get("List-Unsubscribe", "").strip().lower() != "one-click":
        return _line("To unsubscribe, POST the form field List-Unsubscribe=One-Click (RFC 8058).", status=400)
    leaving.leave(
        subscription=link.subscription,
        means="one-click header",
        now=timezone.now(),
        campaign=link.campaign,
        ip=ip_of(request),
    )
    acted(link)
    return _line("You are unsubscribed.")


def _leave(request: HttpRequest, link: Opened) -> str:
    leaving.leave(
        subscription=link.subscription,
        means="mail link",
        now=timezone.now(),
        campaign=link.campaign,
        ip=ip_of(request),
        wording=LEAVE_BUTTON,
    )
    return "left"


def _return(request: HttpRequest, link: Opened) -> str:
    came_back = leaving.return_(
        subscription=link.subscription, means="mail link", now=timezone.now(), ip=ip_of(request), wording=RETURN_BUTTON
    )
    return "returned" if came_back else ""


def _page(request: HttpRequest, token: str, link: Opened, just_now: str = "") -> HttpResponse:
    subscription = link.subscription
    context = {
        "newsletter": subscription.newsletter,
        "email": subscription.subscriber.email,
        "has_left": subscription.state == Subscription.State.LEFT,
        "may_return": leaving.may_return(subscription, now=timezone.now()),
        "just_now": just_now,
        "undo_days": leaving.UNDO_FOR.days,
        "leave_button": LEAVE_BUTTON,
        "return_button": RETURN_BUTTON,
        "token": token,
        "settings_token": tokens.for_reader(Purpose.SETTINGS, link.ref),
    }
    return render(request, "pages/leave.html", context)


def _line(text: str, status: int = 200) -> HttpResponse:
    return HttpResponse(f"{text}\n", content_type="text/plain; charset=utf-8", status=status)

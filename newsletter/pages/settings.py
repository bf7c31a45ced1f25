"""A reader's settings, by signed link and without a login."""

import zoneinfo
from functools import cache

from django.conf import settings as site_settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import get_language_info

from curation import catalog
from newsletter import tokens
from newsletter.audience import leaving, preferences
from newsletter.audience.preferences import BadChoices, Choices
from newsletter.models import Subscription
from newsletter.pages.reader import Opened, acted, ip_of, opened, token_page
from newsletter.tokens import Purpose

SAVE_BUTTON = "Save my settings"
REGIONS = ("Africa", "America", "Antarctica", "Arctic", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific")
DEPTHS = {
    "hooks": "Hooks only: one sentence a story",
    "short": "30 seconds: what changed, why it matters, what to do",
    "deep": "Deep: also takeaways and technical notes where there are some",
}


@token_page
def settings(request: HttpRequest, token: str) -> HttpResponse:
    """GET shows what the reader has chosen; POST stores it and says what changed."""
    link = opened(Purpose.SETTINGS, token)
    if request.method != "POST":
        return _page(request, link, preferences.read(link.subscription))
    acted(link)
    choices = _posted(request)
    try:
        changed = preferences.change(
            subscription=link.subscription,
            choices=choices,
            means="settings page",
            now=timezone.now(),
            ip=ip_of(request),
            wording=SAVE_BUTTON,
        )
    except BadChoices as error:
        return _page(request, link, choices, problems=error.problems)
    return _page(request, opened(Purpose.SETTINGS, token), choices, saved=True, changed=changed)


def _posted(request: HttpRequest) -> Choices:
    return Choices(
        interests=frozenset(request.POST.getlist("interests")),
        depth=request.POST.get("depth", ""),
        name=request.POST.get("name", "").strip(),
        language=request.POST.get("language", ""),
        zone=request.POST.get("zone", ""),
    )


def _page(request: HttpRequest, link: Opened, choices: Choices, **more: object) -> HttpResponse:
    subscription = link.subscription
    context = {
        "newsletter": subscription.newsletter,
        "email": subscription.subscriber.email,
        "choices": choices,
        "audiences": catalog.audiences(),
        "depths": DEPTHS.items(),
        "languages": _languages(choices.language),
        "zones": _zones(),
        "is_active": subscription.state == Subscription.State.ACTIVE,
        "has_left": subscription.state == Subscription.State.LEFT,
        "may_return": leaving.may_return(subscription, now=timezone.now()),
        "leave_token": tokens.for_reader(Purpose.LEAVE, link.ref),
        "save_button": SAVE_BUTTON,
        **more,
    }
    return render(request, "pages/settings.html", context, status=422 if "problems" in more else 200)


def _languages(chosen: str) -> list[tuple[str, str]]:
    """Every language by its own name; the reader's own too when the list does not have it."""
    known = _known_languages()
    return known if chosen in dict(known) or not chosen else [(chosen, chosen), *known]


@cache
def _known_languages() -> list[tuple[str, str]]:
    codes = [code for code, _ in site_settings.LANGUAGES]
    return sorted(
        ((code, get_language_info(code)["name_local"].capitalize()) for code in codes),
        key=lambda each: each[1].casefold(),
    )


@cache
def _zones() -> list[tuple[str, list[str]]]:
    names = sorted(zoneinfo.available_timezones())
    return [(region, [name for name in names if name.startswith(f"{region}/")]) for region in REGIONS]

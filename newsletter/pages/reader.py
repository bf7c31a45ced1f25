"""What the pages behind a reader's signed link have in common.

The link itself is the permission: no login and no cookie, and therefore no CSRF token either (with `no-referrer`
browsers send `Origin: null`, which the CSRF check would refuse). GET and HEAD change nothing: programs that look for
viruses open every link of every mail.
"""

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from newsletter import tokens
from newsletter.audience.signup import BadConfirmation, ExpiredConfirmation, WithdrawnConfirmation
from newsletter.models import Subscription
from newsletter.sending import doubts
from newsletter.tokens import BadToken, Purpose, ReaderRef

View = Callable[[HttpRequest, str], HttpResponse]

_METHODS = ["GET", "HEAD", "POST"]
_HEADERS = {
    "Cache-Control": "no-store, private",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex, nofollow",
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
}


@dataclass(frozen=True)
class Opened:
    """A link that was opened: whose it is, and the key of the campaign whose mail held it (empty: none)."""

    subscription: Subscription
    campaign: str

    @property
    def ref(self) -> ReaderRef:
        return ReaderRef(self.subscription.subscriber.key, self.subscription.newsletter_id, self.campaign)


def token_page(view: View) -> View:
    """A page at a signed link. The view raises BadToken or BadConfirmation for a link that is no good, or no longer."""

    @csrf_exempt
    @wraps(view)
    def page(request: HttpRequest, token: str) -> HttpResponse:
        if request.method not in _METHODS:
            return _private(HttpResponseNotAllowed(_METHODS))
        try:
            return _private(view(request, token))
        except (BadToken, BadConfirmation) as error:
            return _private(_bad_link(request, error))

    return page


def opened(purpose: Purpose, token: str) -> Opened:
    """Whose link it is. Raises BadToken, also when the reader's rows are gone."""
    ref = tokens.read(purpose, token)
    subscription = (
        Subscription.objects.filter(subscriber__key=ref.subscriber, newsletter_id=ref.newsletter_id)
        .select_related("subscriber", "newsletter")
        .first()
    )
    if subscription is None:
        raise BadToken
    return Opened(subscription, ref.campaign)


def acted(link: Opened) -> None:
    """The reader does something by the link, so the mail that held it arrived: evidence, should it be in doubt."""
    if link.campaign:
        doubts.link_used(subscriber_id=link.subscription.subscriber_id, campaign=link.campaign, now=timezone.now())


def ip_of(request: HttpRequest) -> str | None:
    """Where the request comes from; behind our own proxy, what that proxy wrote."""
    said = request.META.get("REMOTE_ADDR", "")
    if settings.SECURE_PROXY_SSL_HEADER:  # BEHIND_PROXY=1: only the last entry is the proxy's own
        said = request.META.get("HTTP_X_FORWARDED_FOR", said).rpartition(",")[2]
    try:
        return str(ipaddress.ip_address(said.strip().partition("%")[0]))
    except ValueError:
        return None


def _private(response: HttpResponse) -> HttpResponse:
    for name, value in _HEADERS.items():
        response.headers[name] = value
    # Django logs the address of every answer from 400 up; here the address is a key, and keys do not belong in logs.
    response._has_been_logged = True  # type: ignore[attr-defined]
    return response


def _bad_link(request: HttpRequest, error: Exception) -> HttpResponse:
    kinds: dict[type[Exception], tuple[str, int]] = {
        ExpiredConfirmation: ("expired", 410),
        WithdrawnConfirmation: ("withdrawn", 410),
    }
    kind, status = kinds.get(type(error), ("unknown", 404))
    return render(request, "pages/bad_link.html", {"kind": kind}, status=status)

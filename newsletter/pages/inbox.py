"""The pages of the local inbox: what arrived, and one message as HTML, text or source. Never mounted in production.

A message is somebody else's markup: it is shown in a sandboxed frame whose answer forbids scripts, forms and frames.
"""

import re
from collections.abc import Callable
from functools import wraps
from itertools import islice
from typing import Concatenate, ParamSpec

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from newsletter.inbox import maildir
from newsletter.inbox.maildir import Letter

PER_PAGE = 50
SOURCE_SHOWN = 300_000  # characters; the whole is a download away
TABS = ("html", "text", "source")
MESSAGE_POLICY = (
    "default-src 'none'; img-src http: https: data:; style-src 'unsafe-inline'; font-src 'none'; "
    "form-action 'none'; frame-ancestors 'self'; sandbox allow-popups allow-popups-to-escape-sandbox"
)
_HEAD = re.compile(r"<head\b[^>]*>", re.IGNORECASE)

Rest = ParamSpec("Rest")


@require_safe
def inbox(request: HttpRequest) -> HttpResponse:
    """The newest first; opens no more messages than it shows, unless it is asked to search."""
    words = request.GET.get("q", "").strip()
    number = _page_number(request)
    start = (number - 1) * PER_PAGE
    found = list(islice(maildir.summaries(settings.INBOX_DIR, words=words), start, start + PER_PAGE + 1))
    context = {
        "letters": found[:PER_PAGE],
        "older": number + 1 if len(found) > PER_PAGE else None,
        "newer": number - 1 if number > 1 else None,
        "words": words,
        "total": len(maildir.names(settings.INBOX_DIR)),
        "port": settings.INBOX_PORT,
    }
    return render(request, "pages/inbox/list.html", context)


def _page_number(request: HttpRequest) -> int:
    text = request.GET.get("page", "1")
    return max(1, int(text)) if text.isdecimal() and len(text) < 7 else 1


def _letter(view: Callable[Concatenate[HttpRequest, Letter, Rest], HttpResponse]) -> Callable[..., HttpResponse]:
    """Open the message that the address names; 404 where there is none."""

    @require_safe
    @wraps(view)
    def opened(request: HttpRequest, name: str, *args: Rest.args, **kwargs: Rest.kwargs) -> HttpResponse:
        letter = maildir.open_letter(settings.INBOX_DIR, name)
        if letter is None:
            raise Http404(f"No message {name} in the inbox.")
        return view(request, letter, *args, **kwargs)

    return opened


@_letter
def message(request: HttpRequest, letter: Letter) -> HttpResponse:
    """One message under the tab asked for, else under the first that it has."""
    asked = request.GET.get("show", "")
    usual = "html" if letter.html else "text"
    context = {
        "letter": letter,
        "tabs": TABS,
        "shown": asked if asked in TABS else usual,
        "source": letter.source.decode("utf-8", "replace").replace("\r\n", "\n")[:SOURCE_SHOWN],
        "cut": len(letter.source) > SOURCE_SHOWN,
    }
    return render(request, "pages/inbox/message.html", context)


@_letter
def message_html(request: HttpRequest, letter: Letter) -> HttpResponse:
    """The HTML part for the frame; its links open in a new tab."""
    base = '<base target="_blank">'
    html, found = _HEAD.subn(lambda head: head.group() + base, letter.html, count=1)
    return HttpResponse(html if found else base + html, headers={"Content-Security-Policy": MESSAGE_POLICY})


@_letter
def message_source(request: HttpRequest, letter: Letter) -> HttpResponse:
    """The message byte by byte, as a download."""
    disposition = f'attachment; filename="{letter.summary.name}.eml"'
    return HttpResponse(letter.source, content_type="message/rfc822", headers={"Content-Disposition": disposition})

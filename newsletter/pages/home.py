"""The front page: what this is, the newest recap, the newest stories, and how to get the recap by mail."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from curation import catalog
from newsletter.models import Newsletter
from newsletter.pages.archive import sent_editions
from newsletter.pages.signup import PROMISE, rhythm

NEWEST_STORIES = 6
HEADLINES = 4


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    newest = sent_editions().first()
    newsletter = newest.newsletter if newest else Newsletter.objects.order_by("id").first()
    context = {
        "edition": newest,
        "headlines": [str(item) for item in newest.items.all()[:HEADLINES]] if newest else [],
        "stories": catalog.approved(limit=NEWEST_STORIES),
        "newsletter": newsletter,
        "rhythm": rhythm(newsletter) if newsletter else "",
        "promise": PROMISE,
        "audiences": catalog.audiences(),
    }
    return render(request, "pages/home.html", context)

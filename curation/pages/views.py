"""The public pages of the stories."""

from collections.abc import Iterable
from datetime import datetime

from django.conf import settings
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.cache import patch_cache_control
from django.views.decorators.http import condition, require_safe

from curation.models import Audience, Story
from curation.pages import feed as atom
from curation.pages import reading
from curation.pages.linked_data import news_article
from curation.pages.listing import line, read_wish
from curation.pages.moments import moment
from curation.pages.story import story_page

PER_PAGE = 15


@require_safe
def story(request: HttpRequest, slug: str) -> HttpResponse:
    """One story: for everybody once it is public, before that for the desk, and gone with its reason when withdrawn."""
    found = reading.whole_story(slug)
    if found is None:
        raise Http404("There is no such story.")
    if found.state == Story.State.WITHDRAWN:
        return _withdrawn(request, found)
    if not found.is_public and not _is_of_the_desk(request):
        raise Http404("There is no such story.")
    page = story_page(found, related=reading.related_to(found), now=timezone.now())
    data = news_article(page, site_name=str(settings.UNFOLD["SITE_TITLE"]), site_url=settings.SITE_URL)
    response = render(request, "pages/story.html", {"page": page, "linked_data": data})
    if not found.is_public:
        patch_cache_control(response, private=True, no_store=True)
    return response


@require_safe
def stories(request: HttpRequest) -> HttpResponse:
    """Public stories, newest first; ?audience= and ?q= narrow them down."""
    wish = read_wish(request.GET)
    audiences = list(Audience.objects.all())
    chosen = _chosen(wish.audience, audiences)
    now = timezone.now()
    page = Paginator(reading.listed(audience=wish.audience, words=wish.words), PER_PAGE).get_page(
        request.GET.get("page")
    )
    context = {
        "wish": wish,
        "chosen": chosen,
        "choices": [("", "Everyone", wish.query(audience="") or ".")]
        + [(each.code, each.label, wish.query(audience=each.code)) for each in audiences],
        "page": page,
        "stories": [line(each, now=now) for each in page],
        "newer": wish.query(page=page.previous_page_number()) if page.has_previous() else "",
        "older": wish.query(page=page.next_page_number()) if page.has_next() else "",
        "canonical": f"{settings.SITE_URL}{request.path}{wish.query(page=page.number if page.number > 1 else '')}",
    }
    return render(request, "pages/stories.html", context)


def _feed_etag(request: HttpRequest) -> str:
    return atom.etag(audience=read_wish(request.GET).audience)


def _feed_moment(request: HttpRequest) -> datetime | None:
    return atom.last_modified()


@require_safe
@condition(etag_func=_feed_etag, last_modified_func=_feed_moment)
def feed(request: HttpRequest) -> HttpResponse:
    """The Atom feed of all stories, or of one audience's."""
    audience = read_wish(request.GET).audience
    chosen = _chosen(audience, Audience.objects.all())
    text = atom.write(audience=audience, label=chosen.label if chosen else "", now=timezone.now())
    return HttpResponse(text, content_type="application/atom+xml; charset=utf-8")


def _withdrawn(request: HttpRequest, found: Story) -> HttpResponse:
    last = [move for move in found.moves.all() if move.to_state == Story.State.WITHDRAWN][-1:]
    when = moment(last[0].at, now=timezone.now()) if last else None
    context = {"headline": found.headline, "reason": last[0].reason if last else "", "when": when}
    return render(request, "pages/withdrawn.html", context, status=410)


def _is_of_the_desk(request: HttpRequest) -> bool:
    # Asked only for stories that are not public: a public page never reads the session, and so sets no cookie.
    return request.user.is_staff and request.user.has_perm("curation.view_story")


def _chosen(code: str, audiences: Iterable[Audience]) -> Audience | None:
    if not code:
        return None
    chosen = next((each for each in audiences if each.code == code), None)
    if chosen is None:
        raise Http404("There is no such audience.")
    return chosen

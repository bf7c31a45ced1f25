"""What every public page's frame needs: a context processor, so that no view has to think of it."""

from django.conf import settings
from django.http import HttpRequest

from curation import wording


def frame(request: HttpRequest) -> dict[str, object]:
    """`site`: the name, address and fixed words of the house, for templates/pages/base.html and the pages in it."""
    return {
        "site": {
            "name": str(settings.UNFOLD["SITE_TITLE"]),  # the desk and its pages carry one name
            "url": settings.SITE_URL,
            "rights": wording.RIGHTS,
            "headings": wording.HEADINGS,
            "recap_title": wording.RECAP_TITLE,
            "recap_text": wording.RECAP_TEXT,
        }
    }

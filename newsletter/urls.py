"""The newsletter's addresses, a room a group."""

from django.conf import settings
from django.urls import URLPattern, path

from newsletter.pages import archive, home, inbox, leaving, signup
from newsletter.pages import settings as reader_settings

urlpatterns: list[URLPattern] = [
    # The front page and the archive (pages/home.py, pages/archive.py)
    path("", home.home, name="home"),
    path("archive/", archive.archive, name="archive"),
    path("archive/latest/", archive.latest, name="latest-edition"),
    path("archive/<slug:newsletter>/<slug:edition>/", archive.edition, name="edition"),
    # Signing up (pages/signup.py), and what opens by a reader's signed link (pages/settings.py, pages/leaving.py)
    path("subscribe/", signup.subscribe, name="subscribe"),
    path("subscribe/sent/", signup.sent, name="subscribe-sent"),
    path("confirm/<str:token>/", signup.confirm, name="confirm"),
    path("settings/<str:token>/", reader_settings.settings, name="settings"),
    path("leave/<str:token>/", leaving.leave, name="leave"),
    path("one-click/<str:token>/", leaving.one_click, name="one-click"),
]

if settings.LOCAL_INBOX:  # where mail stays on this machine, its pages are here too (pages/inbox.py)
    urlpatterns += [
        path("inbox/", inbox.inbox, name="inbox"),
        path("inbox/<str:name>/", inbox.message, name="inbox-message"),
        path("inbox/<str:name>/html", inbox.message_html, name="inbox-html"),
        path("inbox/<str:name>/source", inbox.message_source, name="inbox-source"),
    ]

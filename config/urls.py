"""Every address of the site, an app a line."""

from django.contrib import admin
from django.urls import include, path

admin.autodiscover()  # here and not at every start: config/desk.py

urlpatterns = [
    path("admin/", admin.site.urls),
    path("", include("curation.pages.urls")),
    path("", include("newsletter.urls")),
]

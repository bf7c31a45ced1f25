"""Every address of the site, an app a line."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("admin/", admin.site.urls),
    path("", include("curation.pages.urls")),
    path("", include("newsletter.urls")),
]

"""The addresses of the stories."""

from django.urls import URLPattern, path

from curation.pages import views

urlpatterns: list[URLPattern] = [
    path("stories/", views.stories, name="stories"),
    path("stories/feed.atom", views.feed, name="story-feed"),
    path("stories/<slug:slug>/", views.story, name="story"),
]

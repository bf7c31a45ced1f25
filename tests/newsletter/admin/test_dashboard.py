import pytest
from django.urls import reverse
from django.utils import timezone

from newsletter.editions import compose
from newsletter.sending import campaigns
from tests.makers import NOW, make_story
from tests.newsletter.admin.conftest import client_of, make_editor

pytestmark = pytest.mark.django_db


def test_tells_what_goes_out_next_and_what_waits(desk, edition):
    make_story(state="in_review")
    make_story(state="drafted")
    page = desk.get(reverse("admin:index")).content.decode()
    assert edition.subject in page
    assert "looked at and approved" in page
    assert "?state__exact=in_review" in page
    assert "Nothing has been sent yet" in page


def test_tells_what_stands_in_the_way(desk, edition):
    edition.items.all().delete()
    assert "It has no stories" in desk.get(reverse("admin:index")).content.decode()


def test_tells_the_last_result(desk, chief, edition):
    compose.approve(edition, actor=chief, now=NOW)
    assert "leaves by itself at its hour" in desk.get(reverse("admin:index")).content.decode()
    campaign = campaigns.start(edition, slot=None, actor=chief, now=timezone.now())
    campaigns.freeze(campaign, actor=chief, now=timezone.now())
    campaigns.release(campaign, actor=chief, now=timezone.now(), early=True)
    page = desk.get(reverse("admin:index")).content.decode()
    assert reverse("admin:newsletter_campaign_change", args=[campaign.pk]) in page
    assert f"?campaign__id__exact={campaign.pk}&amp;state__exact=queued" in page


def test_shows_nobody_what_they_may_not_see(edition):
    page = client_of(make_editor("nils", "view_segment")).get(reverse("admin:index")).content.decode()
    assert edition.subject not in page
    assert "Stories waiting" not in page

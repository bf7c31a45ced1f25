"""The list of deliveries: by campaign and state, by address, and nothing to press."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from newsletter.models import Delivery

pytestmark = pytest.mark.django_db

LIST = "admin:newsletter_delivery_changelist"


def test_deliveries_can_be_looked_at_and_no_more(desk, frozen):
    page = desk.get(reverse(LIST), {"campaign__id__exact": frozen.pk, "state__exact": "queued"}).content.decode()
    assert all(delivery.subscriber.email in page for delivery in frozen.deliveries.all())
    assert desk.get(reverse("admin:newsletter_delivery_add")).status_code == 403
    assert desk.get(reverse("admin:newsletter_campaign_add")).status_code == 403


@pytest.mark.parametrize("how", ["the beginning of the address", "the whole Message-ID", "in other letters"])
def test_one_is_found(desk, frozen, how):
    one, *others = frozen.deliveries.select_related("subscriber").order_by("number")
    asked = {
        "the beginning of the address": one.subscriber.email.partition("@")[0],
        "the whole Message-ID": f"<{one.message_id}>",
        "in other letters": one.subscriber.email.upper(),
    }[how]
    page = desk.get(reverse(LIST), {"q": asked}).content.decode()
    assert f'href="{reverse("admin:newsletter_delivery_change", args=[one.pk])}' in page
    assert not any(reverse("admin:newsletter_delivery_change", args=[each.pk]) in page for each in others)


def test_a_search_reads_no_text_in_the_middle(desk, frozen):
    """What begins with a wildcard is looked for in every one of a million rows."""
    with CaptureQueriesContext(connection) as queries:
        page = desk.get(reverse(LIST), {"q": "xample.org"}).content.decode()
    assert not any(
        delivery.message_id in page or delivery.subscriber.email in page for delivery in Delivery.objects.all()
    )
    assert not any("LIKE '%" in query["sql"] or "UPPER(" in query["sql"] for query in queries)


def test_its_page_tells_the_servers_words_and_every_moment(desk, frozen):
    one = frozen.deliveries.first()
    now = timezone.now()
    Delivery.objects.filter(pk=one.pk).update(state="sent", reply="250 2.0.0 queued", settled_at=now, bounced_at=now)
    page = desk.get(reverse("admin:newsletter_delivery_change", args=[one.pk])).content.decode()
    assert "250 2.0.0 queued" in page
    assert one.message_id in page
    assert "Bounced at" in page
    assert 'name="_save"' not in page
    assert "bounced" in desk.get(reverse(LIST)).content.decode()

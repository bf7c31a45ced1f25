"""The campaign's page while it runs: its numbers change, and nothing is taken from under the person who reads it."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from newsletter.models import CampaignMinute, Delivery
from tests.newsletter.admin.test_compose_in_a_browser import at

pytestmark = [pytest.mark.browser, pytest.mark.long, pytest.mark.django_db(transaction=True, serialized_rollback=True)]


@pytest.fixture
def campaign_page(page, live_server, chief, sending):
    minute = timezone.now().replace(second=0, microsecond=0)
    for ago in (1, 2):
        CampaignMinute.objects.create(campaign=sending, minute=minute - timedelta(minutes=ago), sent=6)
    for number in (0, 1):
        Delivery.objects.filter(number=number).update(
            state="in_doubt", doubts=1, attempts=1, doubted_at=timezone.now() + timedelta(seconds=number)
        )
    page.goto(at(live_server) + reverse("admin:login"))
    page.fill("[name=username]", "chief")
    page.fill("[name=password]", "a long password")
    page.click("[type=submit]")
    page.goto(at(live_server) + reverse("admin:newsletter_campaign_change", args=[sending.pk]))
    return page


def test_numbers_change_and_focus_opened_tables_and_typed_words_stay(campaign_page):
    campaign_page.locator("#campaign-minutes summary").click()
    campaign_page.fill("[name=reason]", "The link on")
    button = campaign_page.get_by_role("button", name="Let it be").last
    button.focus()
    heard = campaign_page.inner_text("[data-campaign-status]")
    assert heard == "Sending, 0 % of 3 readers. 2 deliveries in doubt or unknown."

    Delivery.objects.filter(number=2).update(state="sent", reply="250 ok", settled_at=timezone.now())
    campaign_page.get_by_text("Sending: 1 of 3 readers (33 %)").wait_for()

    assert campaign_page.locator("progress").get_attribute("value") == "1"
    assert campaign_page.locator("#campaign-minutes").get_attribute("open") is not None
    assert campaign_page.input_value("[name=reason]") == "The link on"
    assert button.evaluate("button => button === document.activeElement")
    assert campaign_page.inner_text("[data-campaign-status]").startswith("Sending, 30 % of 3 readers.")


def test_a_doubt_is_decided_by_its_button(campaign_page):
    campaign_page.get_by_role("button", name="Let it be").first.click()
    campaign_page.get_by_text("Let be: it is not sent again.").wait_for()
    campaign_page.once("dialog", lambda dialog: dialog.dismiss())
    campaign_page.get_by_role("button", name="Mail it again").click()
    assert campaign_page.get_by_text("One more mail is on its way.").count() == 0
    campaign_page.once("dialog", lambda dialog: dialog.accept())
    campaign_page.get_by_role("button", name="Mail it again").click()
    campaign_page.get_by_text("One more mail is on its way.").first.wait_for()


def test_what_the_campaign_became_meanwhile_brings_its_own_buttons(campaign_page, sending):
    type(sending).objects.update(state="paused")
    campaign_page.get_by_role("button", name="Send to the rest").wait_for()

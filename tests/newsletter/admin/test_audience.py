"""Newsletters, segments, subscribers, suppressions: each page opens, and tells its mistakes in words."""

import pytest
from django.urls import reverse

from newsletter.models import Consent, Newsletter, Segment, Subscriber, Suppression
from tests.makers import make_newsletter, make_segment, make_subscriber
from tests.newsletter.admin.test_edition_page import told

pytestmark = pytest.mark.django_db


def page_of(desk, name: str, *args: object) -> str:
    answer = desk.get(reverse(f"admin:newsletter_{name}", args=args))
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.mark.parametrize(
    "model", ["newsletter", "edition", "campaign", "delivery", "subscriber", "segment", "suppression"]
)
def test_every_list_opens(desk, edition, model):
    page_of(desk, f"{model}_changelist")


@pytest.mark.parametrize("model", ["newsletter", "edition", "subscriber", "segment", "suppression"])
def test_every_empty_form_opens(desk, edition, model):
    page_of(desk, f"{model}_add")


def test_a_newsletter_tells_its_next_slot_in_words(desk):
    newsletter = make_newsletter()
    page = page_of(desk, "newsletter_change", newsletter.pk)
    assert "09:00 Europe/Brussels (in " in page
    assert "Thursday" in page
    Newsletter.objects.update(weekly=False)
    assert "only when somebody sends them" in page_of(desk, "newsletter_change", newsletter.pk)


@pytest.mark.parametrize("zone", ["Europe/Nowhere", "-1", "../etc/passwd", "Europe"])
def test_an_unknown_zone_is_refused_in_words_and_the_input_stays(desk, zone):
    newsletter = make_newsletter()
    url = reverse("admin:newsletter_newsletter_change", args=[newsletter.pk])
    form = desk.get(url).context["adminform"].form
    shown = {name: value for name, value in form.initial.items() if value is not None}
    answer = desk.post(url, {**shown, "name": "A name just typed", "zone": zone})
    assert answer.status_code == 200
    assert "is no time zone" in str(answer.context["adminform"].form.errors["zone"])
    page = answer.content.decode()
    assert f'value="{zone}"' in page
    assert "A name just typed" in page
    newsletter.refresh_from_db()
    assert newsletter.zone == "Europe/Brussels"


def test_a_segment_tells_in_words_who_belongs_to_it(desk):
    newsletter = make_newsletter()
    segment = make_segment(newsletter, "researchers")
    reader = make_subscriber(newsletter, "researchers")
    make_subscriber(newsletter, "engineers")
    page = page_of(desk, "segment_change", segment.pk)
    assert "Researchers &amp; Academics" in page
    assert "1 reader" in page
    assert reader.email in page


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("{not json", "This is no JSON"),
        ("[" * 100_000, "nested too deeply"),
        ('{"not":' * 5_000 + "{}" + "}" * 5_000, "nested too"),
        ("[" * 90 + "]" * 90, "is no rule"),
        ('{"field": "shoe size", "op": "in", "value": [46]}', "is no field"),
        ('{"field": "audience", "op": "in", "value": ["witches"]}', "there is no audience"),
    ],
)
def test_an_unsound_rule_is_refused_in_words(desk, rule, words):
    newsletter = make_newsletter()
    form = {"newsletter": newsletter.pk, "name": "Mine", "slug": "mine", "position": 0, "rule": rule}
    answer = desk.post(reverse("admin:newsletter_segment_add"), form)
    assert words in answer.content.decode()
    assert not Segment.objects.exists()


def test_an_empty_rule_means_everyone(desk):
    newsletter = make_newsletter()
    form = {"newsletter": newsletter.pk, "name": "All", "slug": "all", "position": 0, "rule": ""}
    desk.post(reverse("admin:newsletter_segment_add"), form)
    assert Segment.objects.get().rule == {}


def test_a_stored_rule_gone_bad_is_told_and_breaks_no_page(desk):
    segment = make_segment(make_newsletter(), "researchers", rule={"any": []})
    assert "cannot be counted" in page_of(desk, "segment_change", segment.pk)
    page_of(desk, "segment_changelist")


def test_a_new_reader_is_asked_by_mail_and_not_subscribed(desk):
    newsletter = make_newsletter()
    form = {"email": "Ada.Lovelace@EXAMPLE.org", "name": "Ada", "newsletter": newsletter.pk}
    answer = desk.post(reverse("admin:newsletter_subscriber_add"), form)
    reader = Subscriber.objects.get()
    assert (reader.address, reader.name) == ("ada.lovelace@example.org", "Ada")
    assert reader.subscriptions.get().state == "pending"
    assert Consent.objects.get().means == "editor"
    assert "asks Ada.Lovelace@example.org to confirm" in told(answer)


def test_one_person_is_here_once_in_whatever_spelling(desk):
    make_subscriber(make_newsletter(), email="ada@example.org")
    answer = desk.post(reverse("admin:newsletter_subscriber_add"), {"email": "ADA@Example.ORG", "name": ""})
    assert "is here already" in answer.content.decode()
    assert Subscriber.objects.count() == 1


def test_an_address_that_is_none_is_refused_in_words(desk):
    answer = desk.post(reverse("admin:newsletter_subscriber_add"), {"email": "ada at example", "name": ""})
    assert "errors" in answer.context["adminform"].form.fields or answer.context["adminform"].form.errors["email"]
    assert not Subscriber.objects.exists()


def test_a_readers_interests_are_changed_on_record(desk):
    newsletter = make_newsletter()
    reader = make_subscriber(newsletter, "researchers", name="Ada")
    subscription = reader.subscriptions.get()
    form = {
        "name": "Ada",
        "language": "en",
        "zone": "",
        "subscriptions-TOTAL_FORMS": 1,
        "subscriptions-INITIAL_FORMS": 1,
        "subscriptions-0-id": subscription.pk,
        "subscriptions-0-subscriber": reader.pk,
        "subscriptions-0-depth": "short",
        "subscriptions-0-interests": ["policy", "engineers"],
    }
    answer = desk.post(reverse("admin:newsletter_subscriber_change", args=[reader.pk]), form)
    assert answer.status_code == 302, answer.context["errors"]
    assert set(subscription.interests.values_list("audience", flat=True)) == {"policy", "engineers"}
    assert subscription.consents.get().act == "changed"
    assert "changed settings" in page_of(desk, "subscriber_change", reader.pk)


def test_subscriptions_are_ended_for_the_ticked(desk):
    reader = make_subscriber(make_newsletter())
    form = {"action": "end_subscriptions", "_selected_action": [reader.pk]}
    desk.post(reverse("admin:newsletter_subscriber_changelist"), form)
    assert reader.subscriptions.get().state == "left"


def test_a_suppressed_address_is_stored_in_its_one_form(desk):
    form = {"address": "Ada@EXAMPLE.org", "newsletter": "", "reason": "asked", "note": ""}
    desk.post(reverse("admin:newsletter_suppression_add"), form)
    assert Suppression.objects.get().address == "ada@example.org"
    answer = desk.post(reverse("admin:newsletter_suppression_add"), form)
    assert answer.status_code == 200, "twice is told, not stored"

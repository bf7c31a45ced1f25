"""An editor's rules on how fast we send."""

import pytest
from django.urls import reverse

from newsletter.admin import words
from newsletter.models import DomainPace
from tests.makers import NOW, make_newsletter, make_subscriber

pytestmark = pytest.mark.django_db
ADD = reverse("admin:newsletter_domainpace_add")


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("gmail.com", "gmail.com"),
        (" @GMail.com ", "gmail.com"),
        ("bücher.example", "xn--bcher-kva.example"),
    ],
)
def test_a_domain_is_kept_in_one_form(desk, typed, kept):
    answer = desk.post(ADD, {"domain": typed, "per_minute": 600})
    assert answer.status_code == 302, answer.context["errors"]
    assert str(DomainPace.objects.get()) == f"{kept}: 600 a minute"


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"domain": "not a domain", "per_minute": 5}, "“not a domain” is no domain"),
        ({"domain": "gmail.com", "per_minute": 0}, "Ensure this value is greater than or equal to 1."),
    ],
)
def test_what_is_wrong_is_told_at_its_field(desk, typed, said):
    answer = desk.post(ADD, typed)
    assert answer.status_code == 200
    assert said in answer.content.decode()
    assert not DomainPace.objects.exists()


def test_the_list_changes_paces_at_once(desk):
    DomainPace.objects.create(domain="gmail.com", per_minute=600)
    page = desk.get(reverse("admin:newsletter_domainpace_changelist")).content.decode()
    assert "gmail.com" in page
    assert 'name="form-0-per_minute"' in page


def test_the_warm_up_plan_in_words():
    newsletter = make_newsletter(warm_up_from=NOW.date(), warm_up_first=500, warm_up_growth=50)
    assert words.warm_up(newsletter, 1500) == [
        "Thursday 19 November: 500 messages",
        "Friday 20 November: 750 messages",
        "Saturday 21 November: 1,125 messages",
        "Sunday 22 November: 1,687 messages",
        "A campaign to 1,500 readers that begins on the first day would take 3 days and end on 21 November.",
    ]
    assert words.warm_up(newsletter, 1)[-1].endswith("would take 1 day and end on 19 November.")
    assert len(words.warm_up(newsletter, 10_000_000)) == words.DAYS_SHOWN + 1


def test_a_plan_without_an_end_says_so():
    newsletter = make_newsletter(warm_up_from=NOW.date(), warm_up_first=1, warm_up_growth=0)
    assert words.warm_up(newsletter, 1000)[-1] == "A campaign to 1,000 readers would take more than 366 days."


def test_the_newsletters_page_shows_its_plan(desk):
    newsletter = make_newsletter()
    make_subscriber(newsletter)
    url = reverse("admin:newsletter_newsletter_change", args=[newsletter.pk])
    assert "No ceiling. Set the first day and save" in desk.get(url).content.decode()
    newsletter.warm_up_from = NOW.date()
    newsletter.save()
    assert "Thursday 19 November: 500 messages" in desk.get(url).content.decode()
    assert "No ceiling" in desk.get(reverse("admin:newsletter_newsletter_add")).content.decode()

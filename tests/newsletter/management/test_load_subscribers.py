from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from newsletter.models import Subscriber
from tests.makers import make_newsletter, make_segment

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def at_home(settings):
    settings.LOCAL_INBOX = True


def load(*words: str) -> str:
    out = StringIO()
    call_command("load_subscribers", *words, stdout=out)
    return out.getvalue()


def test_it_adds_so_many_and_says_where():
    make_segment(make_newsletter(slug="weekly"), "engineers")
    assert load("25", "--segment", "engineers") == (
        "25 made-up readers added to “The Weekly Recap” for the segment “Engineers”.\n"
    )
    assert Subscriber.objects.count() == 25


def test_where_mail_leaves_the_machine_it_asks_first(settings):
    settings.LOCAL_INBOX = False
    make_segment(make_newsletter(), "engineers")
    with pytest.raises(CommandError, match="Add --yes-synthetic if that is meant"):
        load("5", "--segment", "engineers")
    assert not Subscriber.objects.exists()
    load("5", "--segment", "engineers", "--yes-synthetic")
    assert Subscriber.objects.count() == 5


def test_a_slug_of_several_newsletters_asks_for_the_newsletter():
    for slug in ("weekly", "daily"):
        make_segment(make_newsletter(slug=slug), "engineers")
    with pytest.raises(CommandError, match="add --newsletter and one of weekly, daily"):
        load("5", "--segment", "engineers")
    load("5", "--segment", "engineers", "--newsletter", "daily")
    assert set(Subscriber.objects.values_list("subscriptions__newsletter__slug", flat=True)) == {"daily"}


def test_a_wrong_slug_is_answered_with_the_right_ones():
    make_segment(make_newsletter(slug="weekly"), "engineers")
    with pytest.raises(CommandError, match="No segment is named 'enginers'. There are: weekly/engineers"):
        load("5", "--segment", "enginers")


def test_a_rule_that_nobody_can_match_is_told_and_not_a_traceback():
    rule = {"field": "audience", "op": "in", "value": ["policy"]}
    make_segment(make_newsletter(), "policy", rule={"all": [rule, {"not": rule}]})
    with pytest.raises(CommandError, match="No made-up reader matches"):
        load("5", "--segment", "policy")

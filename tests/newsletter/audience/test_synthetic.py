from datetime import timedelta

import pytest
from django.utils import timezone

from newsletter.audience import segments
from newsletter.audience.synthetic import PEOPLE, CannotSynthesise, make_readers
from newsletter.models import Consent, Interest, Segment, Subscriber, Subscription
from tests.makers import make_newsletter, make_segment, make_subscriber

pytestmark = pytest.mark.django_db


def made_for(rule: object, count: int = 40) -> Segment:
    segment = make_segment(make_newsletter(), "engineers", rule=rule)
    make_readers(segment, count, now=timezone.now())
    return segment


def audience(*codes: str) -> dict[str, object]:
    return {"field": "audience", "op": "in", "value": list(codes)}


@pytest.mark.parametrize(
    "rule",
    [
        {},
        audience("engineers"),
        {"all": [audience("engineers"), audience("policy"), {"not": audience("investors")}]},
        {"any": [audience("founders"), {"field": "named", "op": "is", "value": True}]},
        {"not": {"field": "named", "op": "is", "value": True}},
        {
            "all": [
                {"field": "language", "op": "in", "value": ["ja", "ko"]},
                {"field": "depth", "op": "is", "value": "short"},
            ]
        },
        {
            "all": [
                {"field": "origin", "op": "is", "value": "web"},
                {"field": "joined", "op": "before", "value": "2026-01-01"},
            ]
        },
        {"not": {"field": "joined", "op": "within_days", "value": 30}},
    ],
    ids=str,
)
def test_all_of_them_match_the_segments_rule(rule):
    segment = made_for(rule)
    assert segments.members(segment).count() == Subscriber.objects.count() == 40


def test_a_rule_that_contradicts_itself_is_refused_and_nobody_is_made():
    with pytest.raises(CannotSynthesise, match="No made-up reader matches"):
        made_for({"all": [audience("policy"), {"not": audience("policy")}]})
    assert not Subscriber.objects.exists()


def test_a_rule_with_an_audience_that_is_not_there_is_refused():
    with pytest.raises(segments.BadRule, match="there is no audience 'astronauts'"):
        made_for(audience("astronauts"))


@pytest.mark.parametrize("count", [0, -5, 16**6 + 1])
def test_a_number_out_of_bounds_is_refused(count):
    with pytest.raises(CannotSynthesise, match="give a number from 1 to 16777216"):
        made_for({}, count)


def test_each_call_adds_others_and_leaves_real_readers_alone():
    segment = made_for({}, 30)
    real = make_subscriber(segment.newsletter, email="ada@example.org", name="Ada")
    make_readers(segment, 20, now=timezone.now())
    assert Subscriber.objects.count() == 51
    assert Subscriber.objects.values("key").distinct().count() == 51
    assert not Consent.objects.filter(subscription__subscriber=real).exists()


def test_they_are_confirmed_and_their_consents_say_that_nobody_was_asked():
    made_for(audience("engineers", "policy"))
    now = timezone.now()
    for reader in Subscription.objects.select_related("subscriber"):
        assert reader.state == "active"
        assert now - timedelta(minutes=5) < reader.confirmed_at <= now
        assert reader.subscriber.email == reader.subscriber.address
        assert reader.subscriber.address.endswith("@example.org")
        assert [str(interest) for interest in reader.interests.all()] == ["engineers"]
        consent = reader.consents.get()
        assert (consent.act, consent.means) == ("confirmed", "synthetic")
        assert "never asked" in consent.wording


def test_their_names_are_of_many_scripts_and_some_have_none():
    made_for({})
    assert set(Subscriber.objects.values_list("name", "language")) == set(PEOPLE)


def test_trying_a_rule_out_leaves_nothing_behind():
    made_for({"all": [audience("engineers"), audience("policy")]}, 3)
    assert Subscription.objects.count() == 3
    assert Interest.objects.count() == 6

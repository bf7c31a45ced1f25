"""Signing up: who waits for which mail, and what a confirmation link can do."""

import threading
from datetime import timedelta

import pytest
from django.db import connection

from newsletter.audience import leaving, signup, unsent
from newsletter.audience.addresses import BadAddress
from newsletter.audience.signup import BadConfirmation, ExpiredConfirmation, WithdrawnConfirmation
from newsletter.models import Consent, Subscriber, Subscription, Suppression
from tests.makers import NOW, make_newsletter, make_subscriber

pytestmark = pytest.mark.django_db
HOUR, DAY, MINUTE = timedelta(hours=1), timedelta(days=1), timedelta(minutes=1)


@pytest.fixture
def newsletter(db):
    return make_newsletter()


def ask(newsletter, email="Ada@Example.org", *, now=NOW, **more):
    return signup.ask(
        **{
            "newsletter": newsletter,
            "email": email,
            "interests": ["researchers"],
            "means": "web form",
            "wording": "Shall we?",
            "ip": "192.0.2.7",
            "now": now,
            **more,
        }
    )


def confirm(token, *, now=NOW):
    return signup.confirm(token, now=now, means="mail link", ip="192.0.2.8", wording="Yes")


def the_one():
    return Subscription.objects.select_related("subscriber", "newsletter").get()


def mailed(now=NOW):
    """The mail leaves now, as a sender would have it."""
    subscription = unsent.take(the_one().pk, now=now)
    unsent.sent(subscription, now=now)


def test_a_new_reader_waits_and_is_owed_a_mail(newsletter):
    asked = ask(newsletter)
    subscription = the_one()
    assert asked.mail_to == subscription.pk
    assert (subscription.state, subscription.origin, subscription.confirmed_at) == ("pending", "web", None)
    assert (subscription.subscriber.email, subscription.subscriber.address) == ("Ada@example.org", "ada@example.org")
    assert [interest.audience for interest in subscription.interests.all()] == ["researchers"]
    assert list(unsent.unsent_confirmations(NOW)) == [subscription]


def test_what_was_shown_and_where_from_is_kept(newsletter):
    ask(newsletter)
    consent = Consent.objects.get()
    assert (consent.act, consent.at, consent.means) == ("asked", NOW, "web form")
    assert (consent.wording, consent.ip) == ("Shall we?", "192.0.2.7")


def test_a_bad_address_leaves_no_trace(newsletter):
    with pytest.raises(BadAddress):
        ask(newsletter, "ada@example")
    assert not Subscriber.objects.exists()


@pytest.mark.parametrize("spelling", ["ADA@example.org", "ada@EXAMPLE.ORG", "aDa@ExAmPlE.oRg"])
def test_other_spellings_are_the_same_person(newsletter, spelling):
    ask(newsletter)
    ask(newsletter, spelling, now=NOW + 2 * HOUR)
    assert the_one().subscriber.email == "Ada@example.org"


def test_the_latest_request_counts(newsletter):
    ask(newsletter)
    mailed()
    ask(newsletter, interests=["engineers", "policy", "engineers"], now=NOW + 2 * HOUR)
    assert sorted(the_one().interests.values_list("audience", flat=True)) == ["engineers", "policy"]


def test_an_address_gets_one_mail_an_hour_however_often_it_is_typed(newsletter):
    ask(newsletter)
    mailed()
    for minutes in range(1, 60):
        assert ask(newsletter, now=NOW + minutes * MINUTE).mail_to is None
    assert Consent.objects.count() == 1
    assert ask(newsletter, now=NOW + HOUR + MINUTE).mail_to == the_one().pk
    assert Consent.objects.count() == 2


def test_asking_twice_before_the_mail_leaves_owes_one_mail(newsletter):
    assert ask(newsletter).mail_to == ask(newsletter).mail_to == the_one().pk
    assert Consent.objects.count() == 1
    assert unsent.take(the_one().pk, now=NOW)
    assert unsent.take(the_one().pk, now=NOW) is None


def test_another_newsletters_mail_to_the_same_address_waits_for_its_hour(newsletter):
    ask(newsletter)
    mailed()
    other = make_newsletter()
    assert ask(other, now=NOW + MINUTE).mail_to is None
    assert not unsent.unsent_confirmations(NOW + 59 * MINUTE)
    (late,) = unsent.unsent_confirmations(NOW + HOUR)
    assert late.newsletter == other


def test_a_reader_stays_one_and_is_told_so(newsletter):
    make_subscriber(newsletter, "policy", email="ada@example.org")
    before = the_one()
    assert ask(newsletter).mail_to == before.pk
    after = the_one()
    assert (after.state, after.confirmed_at) == ("active", before.confirmed_at)
    assert [interest.audience for interest in after.interests.all()] == ["policy"]
    assert Consent.objects.get().detail == "already a reader"


def test_one_who_left_must_confirm_anew(newsletter):
    make_subscriber(newsletter, email="ada@example.org", state="left")
    assert ask(newsletter).mail_to == the_one().pk
    assert the_one().state == "pending"


def test_one_who_left_within_the_hour_of_a_mail_gets_the_next_after_it(newsletter):
    ask(newsletter)
    mailed()
    confirm(signup.token_for(the_one(), now=NOW))
    leaving.leave(subscription=the_one(), means="mail link", now=NOW + 5 * MINUTE)
    assert ask(newsletter, now=NOW + 10 * MINUTE).mail_to is None
    assert the_one().state == "pending"
    assert list(unsent.unsent_confirmations(NOW + HOUR)) == [the_one()]


@pytest.mark.parametrize("everywhere", [True, False])
def test_a_suppressed_address_gets_nothing_and_is_not_even_noted(newsletter, everywhere):
    Suppression.objects.create(
        address="ada@example.org", newsletter=None if everywhere else newsletter, reason="complaint"
    )
    assert ask(newsletter).mail_to is None
    assert not Subscriber.objects.exists()


def test_a_suppression_for_another_newsletter_does_not_count(newsletter):
    Suppression.objects.create(address="ada@example.org", newsletter=make_newsletter(), reason="complaint")
    assert ask(newsletter).mail_to == the_one().pk


def test_a_suppression_that_comes_after_the_request_stops_its_mail(newsletter):
    ask(newsletter)
    Suppression.objects.create(address="ada@example.org", reason="hard_bounce")
    assert unsent.take(the_one().pk, now=NOW) is None


def test_a_mail_that_could_not_leave_is_tried_again_and_not_for_ever(newsletter):
    ask(newsletter)
    unsent.put_off(unsent.take(the_one().pk, now=NOW), now=NOW)
    assert not unsent.unsent_confirmations(NOW)
    assert unsent.unsent_confirmations(NOW + unsent.RETRY)
    assert not unsent.unsent_confirmations(NOW + unsent.GIVE_UP)


def test_a_sender_that_dies_loses_its_turn_and_not_the_mail(newsletter):
    ask(newsletter)
    assert unsent.take(the_one().pk, now=NOW)
    assert unsent.take(the_one().pk, now=NOW + MINUTE) is None
    assert unsent.take(the_one().pk, now=NOW + unsent.TURN)


def test_confirming_makes_a_reader_once(newsletter):
    ask(newsletter)
    token = signup.token_for(the_one(), now=NOW)
    for minutes in (1, 2, 3):
        subscription = confirm(token, now=NOW + minutes * MINUTE)
        assert (subscription.state, subscription.confirmed_at) == ("active", NOW + MINUTE)
    consent = Consent.objects.get(act="confirmed")
    assert (consent.means, consent.wording, consent.ip) == ("mail link", "Yes", "192.0.2.8")
    assert not unsent.unsent_confirmations(NOW + HOUR)


def test_the_link_lasts_seven_days(newsletter):
    ask(newsletter)
    token = signup.token_for(the_one(), now=NOW)
    with pytest.raises(ExpiredConfirmation):
        confirm(token, now=NOW + 7 * DAY + MINUTE)
    assert confirm(token, now=NOW + 7 * DAY - MINUTE).state == "active"
    assert confirm(token, now=NOW + 70 * DAY).state == "active"  # pressed again: still true, so still said


def test_an_old_link_does_not_bring_back_one_who_left(newsletter):
    ask(newsletter)
    token = signup.token_for(the_one(), now=NOW)
    confirm(token)
    leaving.leave(subscription=the_one(), means="mail link", now=NOW)
    with pytest.raises(WithdrawnConfirmation):
        confirm(token)
    assert the_one().state == "left"


def test_a_link_to_somebody_erased_is_bad_like_any_other(newsletter):
    ask(newsletter)
    token = signup.token_for(the_one(), now=NOW)
    Subscriber.objects.all().delete()
    with pytest.raises(BadConfirmation):
        confirm(token)


def test_links_live_on_when_the_key_is_replaced(newsletter, settings):
    ask(newsletter)
    settings.SECRET_KEY = "the old key"
    token = signup.token_for(the_one(), now=NOW)
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "the new key", ["the old key"]
    assert confirm(token).state == "active"


def test_each_changed_character_makes_a_link_bad(newsletter):
    ask(newsletter)
    token = signup.token_for(the_one(), now=NOW)
    for place in range(len(token)):
        for other in "Aa0.:-_é\x00":
            changed = token[:place] + other + token[place + 1 :]
            if changed != token:
                with pytest.raises(BadConfirmation):
                    confirm(changed)
    for changed in ("", ".", token[:-1], token + "A", token * 2, "x" * 100_000):
        with pytest.raises(BadConfirmation):
            confirm(changed)
    assert the_one().state == "pending"


@pytest.mark.django_db(transaction=True)
def test_two_requests_at_once_make_one_subscriber_and_owe_one_mail(newsletter):
    barrier, trouble = threading.Barrier(4), []

    def one(email):
        try:
            barrier.wait(10)
            ask(newsletter, email)
        except Exception as error:  # shown below
            trouble.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=one, args=[email]) for email in ("ada@example.org", "ADA@example.org") * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert trouble == []
    assert the_one().state == "pending"
    assert Subscriber.objects.count() == 1
    assert Consent.objects.count() == 1

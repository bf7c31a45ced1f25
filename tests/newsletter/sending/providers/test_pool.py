import time

import pytest

from newsletter.sending.outcomes import Accepted, Doubt, Halted, Never, NotSent, OursToMend
from newsletter.sending.providers.pool import ProviderPost
from newsletter.sending.relay import parse
from tests.newsletter.sending.providers.conftest import KINDS, Letters, open_post, reader, run
from tests.provider_api import KEY, Quirk

BATCHING = ["postmark", "resend"]
SINGLE = ["brevo", "mailgun", "sendgrid"]


@pytest.fixture(autouse=True)
def few_connections(settings):
    settings.SEND_CONNECTIONS = 3
    settings.SEND_WINDOW = 50


def send(api, count: int = 1, **options) -> Letters:
    letters = Letters(count)
    post = open_post(api, letters, **options)
    run(post, letters)
    post.close()
    return letters


@pytest.mark.parametrize("kind", KINDS)
def test_every_provider_takes_the_letters_and_names_each(make_api, kind):
    api = make_api(kind)
    letters = send(api, 7)
    assert sorted(mail.to for mail in api.truth) == [reader(number) for number in range(7)]
    outcomes = list(letters.outcomes.values())
    assert all(isinstance(outcome, Accepted) and outcome.code == 250 for outcome in outcomes)
    assert len({outcome.provider_id for outcome in outcomes}) == 7
    assert {outcome.provider for outcome in outcomes} == {kind}
    assert set(map(tuple, letters.codes.values())) == {(250,)}


@pytest.mark.parametrize("kind", KINDS)
def test_every_dot_is_recorded_before_its_request_leaves(make_api, kind):
    letters = send(make_api(kind), 5)
    for recipient in letters.outcomes:
        assert letters.log.index(("dot", recipient)) < letters.log.index(("answered", recipient))


@pytest.mark.parametrize("kind", BATCHING)
def test_up_to_fifty_letters_share_a_request(make_api, kind):
    api = make_api(kind)
    send(api, 57, options="&connections=1")
    assert [count for _, _, count in api.requests] == [50, 7]
    assert api.requests[0][0].endswith("/batch")


@pytest.mark.parametrize("kind", SINGLE)
def test_a_provider_without_such_a_batch_gets_one_request_a_reader_over_kept_connections(make_api, kind):
    api = make_api(kind)
    send(api, 20)
    assert [count for _, _, count in api.requests] == [1] * 20
    assert api.connections <= 3


@pytest.mark.parametrize("kind", KINDS)
def test_one_bad_recipient_is_refused_alone(make_api, kind):
    api = make_api(kind)
    api.refused = {reader(3)}
    letters = send(api, 6)
    refused = letters.outcomes.pop(reader(3))
    assert isinstance(refused, Never)
    assert not refused.is_ours_to_mend
    assert letters.codes[reader(3)][-1] == refused.code
    assert all(isinstance(outcome, Accepted) for outcome in letters.outcomes.values())
    assert set(api.copies().values()) == {1}


@pytest.mark.parametrize("kind", KINDS)
def test_an_answer_that_is_lost_leaves_exactly_its_slice_in_doubt(make_api, kind):
    api = make_api(kind)
    # A repeat of the same request is let alone only by those that promise not to send it twice.
    api.quirks = [Quirk(hang_up=True, takes=True)] * (4 if kind == "resend" else 1)
    letters = send(api, 53 if kind in BATCHING else 4, options="&connections=1")
    doubts = [recipient for recipient, outcome in letters.outcomes.items() if isinstance(outcome, Doubt)]
    assert doubts == [reader(number) for number in range(50 if kind in BATCHING else 1)]
    assert not set(doubts) & set(letters.codes)
    assert set(api.copies().values()) == {1}


def test_a_request_that_may_be_repeated_is_and_leaves_no_doubt(make_api):
    api = make_api("resend")
    api.quirks = [Quirk(hang_up=True, takes=True)]
    letters = send(api, 10)
    assert all(isinstance(outcome, Accepted) for outcome in letters.outcomes.values())
    assert len({headers["idempotency-key"] for _, headers, _ in api.requests}) == 1
    assert set(api.copies().values()) == {1}


@pytest.mark.parametrize("kind", ["postmark", "sendgrid"])
def test_silence_after_the_request_is_a_doubt(make_api, kind):
    api = make_api(kind)
    api.quirks = [Quirk(wait=1.0)]
    letters = send(api, 1, answer_seconds=0.2)
    assert isinstance(letters.outcomes[reader(0)], Doubt)


@pytest.mark.parametrize("status", [502, 504])
def test_a_gateway_that_lost_the_answer_leaves_doubt(make_api, status):
    api = make_api("mailgun")
    api.quirks = [Quirk(status=status, body="<html>Bad gateway</html>")]
    assert isinstance(send(api).outcomes[reader(0)], Doubt)


@pytest.mark.parametrize("kind", KINDS)
def test_a_refused_connection_is_not_sent_and_says_why_nothing_goes(make_api, kind):
    api = make_api(kind)
    letters = Letters(3)
    post = open_post(api, letters)
    assert post.down == ""
    api.close()
    run(post, letters, until=lambda: bool(letters.outcomes))
    post.step(0.2)
    assert all(isinstance(outcome, NotSent) for outcome in letters.outcomes.values())
    assert all(codes == [421] for codes in letters.codes.values())
    assert "refused" in post.down
    post.close()


@pytest.mark.parametrize("status", [500, 503])
def test_a_provider_in_trouble_has_taken_nothing_and_is_given_time(make_api, status):
    api = make_api("brevo")
    api.quirks = [Quirk(status=status, body={"message": "internal error"})]
    letters = Letters(2)
    post = open_post(api, letters, options="&connections=1")
    run(post, letters, until=lambda: bool(letters.outcomes))
    assert isinstance(letters.outcomes[reader(0)], NotSent)
    assert "internal error" in post.down
    began = time.monotonic()
    run(post, letters)
    assert time.monotonic() - began > 0.5
    assert isinstance(letters.outcomes[reader(1)], Accepted)
    assert post.down == ""
    post.close()


@pytest.mark.parametrize("kind", KINDS)
def test_letters_a_provider_is_too_busy_for_are_kept_and_go_when_it_says(make_api, kind):
    api = make_api(kind)
    api.quirks = [Quirk(status=429, body={"message": "Too many requests"}, headers={"Retry-After": "1"})]
    began = time.monotonic()
    letters = send(api, 1)
    assert time.monotonic() - began >= 1
    assert isinstance(letters.outcomes[reader(0)], Accepted)
    assert letters.codes[reader(0)] == [421, 250]
    assert letters.log.count(("dot", reader(0))) == 2


def test_a_burst_of_the_same_trouble_makes_one_rest(make_api):
    api = make_api("mailgun")
    api.quirks = [Quirk(status=429, body={"message": "Too many requests"})] * 3
    began = time.monotonic()
    letters = send(api, 3)
    assert all(isinstance(outcome, Accepted) for outcome in letters.outcomes.values())
    assert 1 <= time.monotonic() - began < 4


def test_a_provider_that_is_busy_for_long_is_down(make_api):
    api = make_api("resend")
    words = {"statusCode": 429, "name": "daily_quota_exceeded", "message": "You have reached your daily email quota."}
    api.quirks = [Quirk(status=429, body=words, headers={"Retry-After": "3600"})]
    letters = Letters(1)
    post = open_post(api, letters)
    run(post, letters)
    assert isinstance(letters.outcomes[reader(0)], NotSent)
    assert "daily email quota" in post.down
    post.close()


REFUSING_US = {
    "postmark": (401, {"ErrorCode": 10, "Message": "The Server Token you provided is not valid."}),
    "mailgun": (401, "Forbidden"),
    "sendgrid": (403, {"errors": [{"message": "The from address does not match a verified Sender", "field": "from"}]}),
    "brevo": (402, {"code": "not_enough_credits", "message": "You have insufficient credits"}),
    "resend": (403, {"statusCode": 403, "name": "validation_error", "message": "The domain is not verified."}),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_fault_of_our_account_is_ours_to_mend(make_api, kind):
    api = make_api(kind)
    status, body = REFUSING_US[kind]
    api.quirks = [Quirk(status=status, body=body)]
    letters = send(api)
    outcome = letters.outcomes[reader(0)]
    assert isinstance(outcome, OursToMend)
    assert letters.codes[reader(0)] == [421]  # a row whose sender dies now is queued as before


def test_a_sender_that_postmark_does_not_know_is_ours_to_mend(make_api):
    api = make_api("postmark")
    words = "The 'From' address you supplied (recap@news.example) is not a Sender Signature on your account."
    api.quirks = [Quirk(status=422, body={"ErrorCode": 400, "Message": words})]
    assert isinstance(send(api).outcomes[reader(0)], OursToMend)


def test_a_withheld_dot_holds_its_whole_slice_back(make_api):
    api = make_api("postmark")
    letters = Letters(5, withhold=3)
    post = open_post(api, letters)
    run(post, letters)
    assert all(isinstance(outcome, Halted) for outcome in letters.outcomes.values())
    assert len(letters.outcomes) == 5
    assert list(letters.codes.values()) == [[421]] * 3
    assert api.requests == []
    post.close()


def test_halted_it_waits_for_what_has_left_and_asks_for_no_more(make_api):
    api = make_api("mailgun")
    api.slow = 0.3
    letters = Letters(20)
    post = open_post(api, letters)
    post.step(0.05)
    post.halt()
    waiting = len(letters.waiting)
    run(post, letters, until=lambda: not post.in_hand)
    assert len(letters.waiting) == waiting == 17
    assert len(api.truth) == 3
    assert all(isinstance(outcome, Accepted) for outcome in letters.outcomes.values())
    post.close()


def test_halted_it_gives_kept_letters_back(make_api):
    api = make_api("resend")
    api.quirks = [Quirk(status=429, body={"message": "slow down"}, headers={"Retry-After": "20"})]
    letters = Letters(4)
    post = open_post(api, letters)
    run(post, letters, until=lambda: bool(letters.codes))
    post.halt()
    assert [type(outcome) for outcome in letters.outcomes.values()] == [Halted] * 4
    assert post.in_hand == 0
    post.close()


def test_closed_it_doubts_what_is_under_way(make_api):
    api = make_api("sendgrid")
    api.slow = 0.5
    letters = Letters(2)
    post = open_post(api, letters)
    post.step(0.05)
    post.close()
    assert [type(outcome) for outcome in letters.outcomes.values()] == [Doubt] * 2


def test_a_step_ends_when_it_should_although_answers_are_slow(make_api):
    api = make_api("brevo")
    api.slow = 0.6
    letters = Letters(3)
    post = open_post(api, letters)
    began = time.monotonic()
    post.step(0.1)
    assert time.monotonic() - began < 0.4
    run(post, letters)
    post.close()


def test_another_provider_takes_over_from_one_that_is_down(make_api):
    dead, spare = make_api("sendgrid"), make_api("brevo")
    dead.close()
    letters = Letters(8)
    post = ProviderPost([parse(dead.url), parse(spare.url + "&weight=0")], letters)
    run(post, letters)
    assert post.down == ""
    assert len(spare.truth) == 5  # the three that met the dead one are not sent, and the ledger hands them out again
    post.close()


def test_the_window_of_one_holds_for_batches_too(make_api, settings):
    settings.SEND_WINDOW = 1
    api = make_api("postmark")
    send(api, 4)
    assert [count for _, _, count in api.requests] == [1] * 4


def test_no_word_holds_the_key(make_api, caplog):
    api = make_api("mailgun")
    api.quirks = [Quirk(status=400, body={"message": f"the key {KEY} is strange"})]
    letters = send(api)
    assert KEY not in str(letters.outcomes)
    assert KEY not in caplog.text

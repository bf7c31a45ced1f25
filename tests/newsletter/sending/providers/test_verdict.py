import pytest

from newsletter.sending.outcomes import Accepted, Doubt, Never, NotSent, OursToMend
from newsletter.sending.providers import verdict


def refusal(status: int, words: str = "", *recipients: str, **headers: str) -> verdict.Reply:
    return verdict.refusal(status, words, headers, recipients or ("ann@example.org",), name="Postmark")


@pytest.mark.parametrize("status", [301, 401, 402, 403, 404, 405, 410])
def test_faults_of_the_account_are_ours(status):
    (outcome,) = refusal(status, "no").outcomes
    assert isinstance(outcome, OursToMend)


def test_a_slice_spoiled_by_one_is_sent_one_by_one():
    assert refusal(422, "Invalid `to` field.", "ann@example.org", "ben@example.org").alone


@pytest.mark.parametrize(
    "words",
    [
        "to parameter is not a valid address. please check documentation",
        "email is not valid in to",
        "Invalid `to` field. The email address needs to follow the format.",
        "Does not contain a valid address. (personalizations.0.to.0.email)",
        "Illegal address ANN@example.org",
    ],
)
def test_an_address_is_refused_for_good(words):
    (outcome,) = refusal(400, words).outcomes
    assert isinstance(outcome, Never)
    assert outcome.words.startswith("5.1.3 ")


@pytest.mark.parametrize(
    "words",
    [
        "The 'From' address you supplied is not a Sender Signature on your account.",
        "Account is not active",
        "You have insufficient credits",
    ],
)
def test_what_is_about_our_sender_is_ours(words):
    (outcome,) = refusal(422, words).outcomes
    assert isinstance(outcome, OursToMend)


def test_other_refusals_count_towards_the_twenty_that_pause():
    (outcome,) = refusal(422, "Invalid metadata content").outcomes
    assert isinstance(outcome, Never)
    assert outcome.is_ours_to_mend


@pytest.mark.parametrize(
    ("status", "expected"), [(500, NotSent), (503, NotSent), (502, Doubt), (504, Doubt), (520, Doubt)]
)
def test_only_an_origin_server_can_say_that_it_took_nothing(status, expected):
    outcomes = refusal(status, "oops", "ann@example.org", "ben@example.org").outcomes
    assert [type(outcome) for outcome in outcomes] == [expected, expected]


def test_patience_is_asked_for_in_seconds_or_by_a_date():
    assert refusal(429, "", **{"Retry-After": "7"}).wait == 7
    assert refusal(429, "", **{"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}).wait == 0
    assert refusal(429, "", **{"Retry-After": "soon"}).wait is None


def test_what_anymail_calls_sent_and_queued_is_accepted_with_the_providers_id():
    outcome = verdict.taken("queued", "abc", "", "ann@example.org", provider="resend")
    assert outcome == Accepted(250, "2.0.0 queued as abc", provider="resend", provider_id="abc")
    assert isinstance(verdict.taken("rejected", None, "inactive", "ann@example.org", provider="postmark"), Never)
    assert isinstance(verdict.taken("unknown", None, "", "ann@example.org", provider="postmark"), Doubt)


def test_a_providers_sentence_is_found_in_its_json():
    assert verdict.words_of('{"ErrorCode": 10, "Message": "No token"}') == "No token"
    assert (
        verdict.words_of('{"errors": [{"message": "Bad", "field": "from"}, {"message": "Worse"}]}')
        == "Bad (from); Worse"
    )
    assert verdict.words_of("Forbidden") == "Forbidden"

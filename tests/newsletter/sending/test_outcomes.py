from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from newsletter.sending.health import DROPS_IN_A_ROW, EQUAL_REFUSALS, Health
from newsletter.sending.outcomes import (
    Accepted,
    Doubt,
    Halted,
    Later,
    Letter,
    Never,
    NotSent,
    OursToMend,
    PutOff,
    Unbuildable,
    enhanced,
    plain,
    retry_after,
)
from newsletter.sending.outcomes import settlement as settlement_of

NOW = datetime(2026, 11, 19, 9, 0, tzinfo=UTC)
EVIDENCE = timedelta(minutes=30)
LETTER = Letter(7, 0, 1, "a.b@example.org", "Ada", "ada@example.org", "0" * 16)


def settlement(letter, outcome):
    return settlement_of(letter, outcome, now=NOW, evidence=EVIDENCE)


def test_a_day_of_retries_and_no_more():
    waits = []
    while (wait := retry_after(len(waits) + 1)) is not None:
        waits.append(wait)
    assert waits[:5] == [timedelta(minutes=m) for m in (5, 15, 30, 60, 120)]
    assert timedelta(hours=22) < sum(waits, timedelta()) <= timedelta(hours=24)


@pytest.mark.parametrize("outcome", [NotSent("dropped"), Halted(), OursToMend(550, "5.7.1 no")])
def test_what_surely_did_not_leave_changes_nothing(outcome):
    assert settlement(LETTER, outcome) is None


def test_each_outcome_has_its_state():
    found = {
        type(outcome).__name__: settlement(LETTER, outcome).state
        for outcome in (Accepted(250, "ok"), Later(451, "x"), Never(550, "x"), Doubt("x"), Unbuildable("x"))
    }
    assert found == {
        "Accepted": "sent",
        "Later": "deferred",
        "Never": "rejected",
        "Doubt": "in_doubt",
        "Unbuildable": "gave_up",
    }


def test_doubts_are_not_counted_as_deferrals():
    doubted = replace(LETTER, attempts=2, doubts=2)
    assert settlement(doubted, Later(451, "later")).next_attempt_at == NOW + timedelta(minutes=5)


def test_a_doubt_waits_for_evidence():
    found = settlement(LETTER, Doubt("lost"))
    assert (found.next_attempt_at, found.doubts, found.attempts) == (NOW + EVIDENCE, 1, 1)


def test_what_is_put_off_was_not_tried():
    found = settlement(replace(LETTER, attempts=1), PutOff(NOW))
    assert (found.state, found.attempts, found.next_attempt_at, found.paced) == ("deferred", 1, NOW, True)
    assert not settlement(LETTER, Later(451, "later")).paced


def test_a_servers_words_are_one_short_line():
    assert plain("a\r\nb\x00c\x85d") == "a b c d"
    assert len(plain("x" * 999)) == 200


def test_finds_the_enhanced_code():
    assert [enhanced(words) for words in ("5.7.26 no", " 4.2.2 full", "no 5.7.1", "5.7 x")] == [
        "5.7.26",
        "4.2.2",
        "",
        "",
    ]


def test_equal_refusals_of_ours_pause_and_anything_between_begins_anew():
    health, ours = Health(connections=1), Never(550, "5.7.1 blocked")
    verdicts = [health.judge(n, ours) for n in range(EQUAL_REFUSALS - 1)]
    health.judge(98, Accepted(250, "ok"))
    verdicts += [health.judge(n, ours) for n in range(EQUAL_REFUSALS - 1)]
    health.judge(99, Never(550, "5.7.26 something else"))
    verdicts += [health.judge(n, ours) for n in range(EQUAL_REFUSALS - 1)]
    assert not any(verdict.pause for verdict in verdicts)
    assert "5.7.1 blocked" in health.judge(1, ours).pause


def test_lines_lost_in_a_row_are_the_relays_trouble():
    health = Health(connections=1)
    found = [health.judge(number, NotSent("hung up")).trouble for number in range(DROPS_IN_A_ROW)]
    assert [bool(words) for words in found] == [False, False, True]


def test_so_many_lines_may_break_for_each_connection():
    health = Health(connections=5)
    found = [health.judge(number, NotSent("hung up")).trouble for number in range(5 * DROPS_IN_A_ROW)]
    assert [bool(words) for words in found] == [False] * (5 * DROPS_IN_A_ROW - 1) + [True]


def test_stopping_ourselves_is_nobodys_fault():
    health = Health(connections=1)
    assert not any(health.judge(1, Halted()).trouble for _ in range(9))


def test_421_is_never_held_against_a_letter():
    health = Health(connections=1)
    assert all(isinstance(health.judge(1, NotSent("421 busy")).outcome, NotSent) for _ in range(9))

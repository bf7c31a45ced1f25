"""Rate, pace and patience, with lanes on one moved clock and the real rows between them."""

import itertools
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from newsletter.models import Bucket, DomainPace
from newsletter.sending.buckets import Places, take_places
from newsletter.sending.outcomes import Accepted, Later, Letter, Never
from newsletter.sending.relay import Relay
from newsletter.sending.throttle import AHEAD, MINUTE, RULES_LAST, STALE, Throttle, ascii_domain
from tests.newsletter.sending.test_races import at_once

pytestmark = pytest.mark.django_db

START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
_names = itertools.count()
eased = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


class World:
    """One clock for the database and for all lanes."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def clock(self) -> datetime:
        return START + timedelta(seconds=self.seconds)

    def lane(self) -> Throttle:
        return Throttle(clock=self.clock, monotonic=lambda: self.seconds)


@pytest.fixture
def world() -> World:
    return World()


def relay(rate: float) -> Relay:
    return Relay("relay.example.org", next(_names) + 1, rate=rate)


def letter(email: str = "a@big.example", *, paced: bool = False) -> Letter:
    return Letter(1, 0, 1, "<1@example.org>", "", email, "key", paced=paced)


def most_in_any(span: float, moments: list[float]) -> int:
    return max((sum(start <= each <= start + span for each in moments) for start in moments), default=0)


# --- A relay's rate -----------------------------------------------------------------------------------------------


def test_a_relay_without_a_rate_is_never_asked_for(world, django_assert_num_queries):
    lane = world.lane()
    with django_assert_num_queries(0):
        assert all(lane.relay_may(relay(0)) for _ in range(100))


@eased
@given(
    rate=st.sampled_from([0.5, 3.0, 20.0]),
    steps=st.lists(
        st.tuples(st.integers(0, 2), st.sampled_from([0.0, 0.01, 0.1, 0.6, 3.0]), st.integers(1, 30)), max_size=80
    ),
)
def test_over_any_lanes_no_more_leave_than_the_rate_and_a_burst(rate, steps):
    world, one = World(), relay(rate)
    lanes, left = [world.lane() for _ in range(3)], []
    for number, wait, asked in steps:
        world.seconds += wait
        left += [world.seconds for _ in range(asked) if lanes[number].relay_may(one)]
    for span in (0.0, 0.5, 2.0, 10.0):
        assert most_in_any(span, left) <= rate * (span + STALE) + 1


@pytest.mark.parametrize("lanes", [1, 3])
@pytest.mark.parametrize("rate", [0.5, 10, 400])
def test_the_rate_is_used(world, rate, lanes):
    one, left = relay(rate), 0
    throttles = [world.lane() for _ in range(lanes)]
    for _ in range(20 * 20):
        world.seconds += 0.05
        for lane in throttles:
            while lane.relay_may(one):
                left += 1
    assert 0.9 * rate * 20 <= left <= rate * 20 + 1


def test_the_database_is_asked_twice_a_second_at_most(world, django_assert_max_num_queries):
    one, lane = relay(5), world.lane()
    lane.relay_may(one)
    with django_assert_max_num_queries(4 * 2):
        for _ in range(1000):
            world.seconds += 0.002
            lane.relay_may(one)


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_lanes_at_once_get_no_place_twice():
    clock = World().clock
    step = timedelta(seconds=1)

    def take() -> list[Places | None]:
        return [take_places("relay:x:25", step=step, wanted=lambda wait: 3, clock=clock) for _ in range(20)]

    taken = [places for found in at_once(4, take) for places in found]
    moments = [places.first + number * step for places in taken for number in range(places.count)]
    assert len(set(moments)) == len(moments) == 4 * 20 * 3
    assert Bucket.objects.get().next_at == max(moments) + step == min(moments) + len(moments) * step


# --- A domain's pace ----------------------------------------------------------------------------------------------


@pytest.fixture
def rule(db) -> DomainPace:
    return DomainPace.objects.create(domain="big.example", per_minute=60)


def test_without_rules_nothing_is_asked_per_letter(world, django_assert_num_queries):
    lane = world.lane()
    lane.put_off(letter())
    with django_assert_num_queries(0):
        assert [lane.put_off(letter()) for _ in range(100)] == [None] * 100


def test_what_a_domain_cannot_take_now_gets_a_moment_of_its_own(world, rule):
    lane = world.lane()
    moments = [lane.put_off(letter()) for _ in range(6)]
    assert moments == [None, None, None] + [world.clock() + timedelta(seconds=each) for each in (3, 4, 5)]
    assert lane.put_off(letter("a@small.example")) is None


def test_lanes_share_a_domains_moments(world, rule):
    lanes = [world.lane(), world.lane()]
    moments = [lane.put_off(letter()) for _ in range(20) for lane in lanes]
    later = sorted(each for each in moments if each)
    assert len(set(later)) == len(later)
    assert later[-1] <= world.clock() + timedelta(seconds=41)


@pytest.mark.parametrize("email", ["A@BIG.EXAMPLE", "a@bücher.example", "a@xn--bcher-kva.example"])
def test_a_domain_is_known_in_every_spelling(world, rule, email):
    DomainPace.objects.create(domain="xn--bcher-kva.example", per_minute=60)
    lane = world.lane()
    assert [lane.put_off(letter(email)) is None for _ in range(5)] == [True, True, True, False, False]


def test_domains_that_cannot_be_ascii_stay_as_they_are():
    assert ascii_domain("ÅÅ..x") == "åå..x"


def test_a_letter_that_has_waited_for_its_moment_goes(world, rule):
    lane = world.lane()
    moments = [lane.put_off(letter()) for _ in range(30)]
    world.seconds += (max(each for each in moments if each) - world.clock()).total_seconds()
    assert [lane.put_off(letter(paced=True)) for _ in range(27)] == [None] * 27


def test_after_a_night_only_a_minutes_worth_goes_and_the_others_wait_anew(world, rule):
    """Nothing ran while the moments of a thousand letters passed."""
    lane = world.lane()
    found = [lane.put_off(letter(paced=True)) for _ in range(1000)]
    assert found.count(None) == pytest.approx(60 + AHEAD, abs=2)
    assert max(each for each in found if each) == world.clock() + timedelta(seconds=1000 - 60 - 1)


@eased
@given(
    per_minute=st.sampled_from([1, 60, 1200]),
    steps=st.lists(
        st.tuples(st.integers(0, 2), st.sampled_from([0.0, 0.1, 1.0, 20.0]), st.integers(1, 40)), max_size=15
    ),
)
def test_over_any_lanes_no_more_go_to_a_domain_than_its_pace_and_a_minutes_worth(per_minute, steps):
    name = f"n{next(_names)}.example"
    DomainPace.objects.create(domain=name, per_minute=per_minute)
    world = World()
    lanes, waiting, left = [world.lane() for _ in range(3)], [], []
    for number, wait, new in steps:
        world.seconds += wait
        due = [moment for moment in waiting if moment <= world.clock()]
        waiting = [moment for moment in waiting if moment > world.clock()]
        for each in [letter(f"a@{name}", paced=True)] * len(due) + [letter(f"a@{name}")] * new:
            put_off = lanes[number].put_off(each)
            left, waiting = (left, [*waiting, put_off]) if put_off else ([*left, world.seconds], waiting)
            assert put_off is None or put_off > world.clock()
    for span in (0.0, MINUTE, 5 * MINUTE):
        assert most_in_any(span, left) <= per_minute / MINUTE * (span + MINUTE + AHEAD + STALE) + 3


def test_a_rule_that_changes_is_read_within_half_a_minute(world, rule):
    lane = world.lane()
    for _ in range(5):
        lane.put_off(letter())
    rule.delete()
    assert lane.put_off(letter()) is not None
    world.seconds += RULES_LAST
    assert lane.put_off(letter()) is None


# --- Patience -----------------------------------------------------------------------------------------------------

DEFERRED = Later(451, "4.7.1 Try again later")


def test_after_three_deferrals_in_a_row_a_domain_is_left_alone_ever_longer(world):
    lane = world.lane()
    for _ in range(2):
        lane.heard(letter(), DEFERRED)
    assert lane.put_off(letter()) is None
    waits = []
    for _ in range(6):
        lane.heard(letter(), DEFERRED)
        lane.heard(letter(), DEFERRED)  # one that was under way at the same time
        until = lane.put_off(letter())
        waits.append((until - world.clock()) / timedelta(minutes=1))
        world.seconds += (until - world.clock()).total_seconds()
        assert lane.put_off(letter()) is None
    assert waits == [1, 2, 4, 8, 15, 15]
    assert lane.put_off(letter("a@other.example")) is None


def test_patience_ends_when_one_is_accepted(world):
    lane = world.lane()
    for _ in range(3):
        lane.heard(letter(), DEFERRED)
    lane.heard(letter("b@other.example"), Accepted(250, "ok"))
    lane.heard(letter(), Never(550, "5.1.1 unknown"))
    assert lane.put_off(letter()) is not None
    lane.heard(letter(), Accepted(250, "ok"))
    assert lane.put_off(letter()) is None
    lane.heard(letter(), DEFERRED)
    assert lane.put_off(letter()) is None


def test_a_letter_with_its_own_moment_is_put_off_too(world, rule):
    lane = world.lane()
    for _ in range(3):
        lane.heard(letter(), DEFERRED)
    assert lane.put_off(letter(paced=True)) == world.clock() + timedelta(minutes=1)

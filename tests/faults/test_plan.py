import random

import pytest

from tests.faults.plan import KINDS, BadWord, Plan, parse


def test_reads_the_words_of_make() -> None:
    plan = parse(["RECIPIENTS=20000", "FAULTS=200", "SEED=7", "DB=postgresql", "KINDS=redis,flushall"])
    assert (plan.recipients, plan.faults, plan.seed, plan.db) == (20000, 200, 7, "postgresql")
    assert plan.kinds == ("redis", "flushall")


@pytest.mark.parametrize("word", ["RECIPIENTS=many", "SPEED=3", "DB=oracle", "KINDS=fire", "MACHINES=3", "hurry"])
def test_refuses_a_word_that_says_nothing(word: str) -> None:
    with pytest.raises(BadWord):
        parse([word])


def test_tells_how_to_run_it_again() -> None:
    words = ["RECIPIENTS=500", "SEED=7", "DB=postgresql", "KINDS=redis,flushall"]
    assert parse(words).command() == " ".join(["make faults", *words])
    assert parse(["STEPS=1", "EVERY=3"]).command() == "make faults STEPS=1 EVERY=3"


def test_a_seed_draws_the_same_faults_each_time_and_every_kind_at_least_once() -> None:
    plan = Plan(faults=50, db="postgresql")
    assert plan.deck(random.Random(3)) == plan.deck(random.Random(3)) != plan.deck(random.Random(4))
    assert set(plan.deck(random.Random(3))) == set(KINDS)


def test_sqlite_has_no_server_to_kill() -> None:
    assert "database" not in Plan(faults=50, db="sqlite").deck(random.Random(1))
    with pytest.raises(BadWord):
        Plan(kinds=("database",), db="sqlite").deck(random.Random(1))

import os

import pytest

from newsletter.sending import journal
from newsletter.sending.journal import SIZE, Journal, Sealed

ABOUT = {"delivery": 2**40 + 7, "epoch": 3, "attempt": 1}


def test_tells_the_dot_from_the_answer():
    written = Journal.create()
    written.at_dot(**ABOUT)
    at_dot = journal.seal_and_read(written.owner)
    assert (at_dot.reached_the_dot(**ABOUT), at_dot.answer(**ABOUT), at_dot.whole) == (True, None, True)

    other = Journal.create()
    other.at_dot(**ABOUT)
    other.answer(**ABOUT, code=250)
    assert journal.seal_and_read(other.owner).answer(**ABOUT) == 250


def test_knows_nothing_of_other_deliveries_epochs_and_attempts():
    written = Journal.create()
    written.at_dot(**ABOUT)
    trace = journal.seal_and_read(written.owner)
    for field in ABOUT:
        assert not trace.reached_the_dot(**{**ABOUT, field: 99})


def test_a_record_has_24_bytes_and_is_on_file_at_once():
    written = Journal.create()
    written.at_dot(**ABOUT)
    assert (SIZE, written.path.stat().st_size) == (24, 24)


def test_a_sealed_journal_takes_no_more_dots():
    written = Journal.create()
    written.at_dot(**ABOUT)
    journal.seal_and_read(written.owner)
    with pytest.raises(Sealed):
        written.at_dot(**{**ABOUT, "delivery": 1})


def test_what_was_written_after_the_seal_is_not_read():
    """A late dot is withheld, so it must not be taken for one that was sent."""
    written = Journal.create()
    journal.seal_and_read(written.owner)
    with pytest.raises(Sealed):
        written.at_dot(**ABOUT)
    assert not journal.seal_and_read(written.owner).reached_the_dot(**ABOUT)


def test_a_damaged_record_is_passed_over_and_the_next_is_read():
    written = Journal.create()
    written.at_dot(**ABOUT)
    written.at_dot(**{**ABOUT, "delivery": 1})
    with written.path.open("r+b") as file:
        file.seek(10)
        file.write(b"\xff")
    trace = journal.seal_and_read(written.owner)
    assert not trace.reached_the_dot(**ABOUT)
    assert trace.reached_the_dot(**{**ABOUT, "delivery": 1})


def test_a_journal_that_is_not_there_is_none():
    assert journal.seal_and_read("elsewhere/boot-1-2") is None


def test_an_owner_cannot_name_a_file_outside_the_folder(own_journal, tmp_path):
    Journal.create()
    (tmp_path / "evil.journal").write_bytes(b"")
    assert journal.seal_and_read(f"{journal.home()}/../evil") is None


def test_the_folders_name_is_made_once(own_journal):
    first = journal.home()
    journal._home.cache_clear()
    assert journal.home() == first
    assert os.uname().nodename[:8] in first

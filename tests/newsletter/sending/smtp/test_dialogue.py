"""The conversation without a socket: what is written together, and that pieces of any size make no difference."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.sending.outcomes import Accepted, Doubt, Halted, Later, Never, NotSent
from newsletter.sending.smtp.dialogue import ANSWER_SECONDS, COMMAND_SECONDS, Dialogue
from newsletter.sending.smtp.opening import Server
from newsletter.sending.smtp.replies import LONGEST_LINE, Replies
from tests.newsletter.sending.smtp.conftest import Letters, envelope

PIPELINING = Server(pipelining=True)
BOTH = Server(pipelining=True, chunking=True)
OK = b"250 ok\r\n"
BODY = b"Subject: x\r\n\r\nbody\r\n"
R0, R1 = (f"MAIL FROM:<bounce@example.org>\r\nRCPT TO:<r{number}@example.org>\r\n".encode() for number in (0, 1))


def letter(number: int):
    return envelope(f"r{number}@example.org", BODY)


def flushed(dialogue: Dialogue) -> bytes:
    dialogue.load()
    written = b"".join(dialogue.out.pieces)
    if dialogue.out.size:
        dialogue.out.sent(dialogue.out.size)
    return written


def at_dot(server: Server, letters: Letters) -> Dialogue:
    """Letter 0 stands at its dot, all of it sent; letter 1 is behind it."""
    dialogue = Dialogue(letters, server)
    dialogue.take(letter(0))
    flushed(dialogue)
    dialogue.received(OK * 2 + (b"" if server.chunking else b"354 go\r\n"))
    dialogue.take(letter(1))
    flushed(dialogue)
    return dialogue


def test_content_dot_and_the_next_envelope_leave_together():
    dialogue = Dialogue(Letters(), PIPELINING)
    dialogue.take(letter(0))
    assert flushed(dialogue) == R0 + b"DATA\r\n"
    dialogue.received(OK * 2 + b"354 go\r\n")
    dialogue.take(letter(1))
    assert flushed(dialogue) == BODY + b".\r\n" + R1 + b"DATA\r\n"
    assert not dialogue.has_room


def test_a_chunk_leaves_without_waiting_for_data():
    dialogue = Dialogue(Letters(), BOTH)
    dialogue.take(letter(0))
    assert flushed(dialogue) == R0
    dialogue.received(OK * 2)
    dialogue.take(letter(1))
    assert flushed(dialogue) == b"BDAT %d LAST\r\n" % len(BODY) + BODY + R1
    dialogue.received(OK * 3)
    assert flushed(dialogue) == b"BDAT %d LAST\r\n" % len(BODY) + BODY


def test_without_pipelining_each_command_waits_for_its_answer():
    dialogue = Dialogue(Letters(), Server())
    dialogue.take(letter(0))
    assert flushed(dialogue) == b"MAIL FROM:<bounce@example.org>\r\n"
    assert flushed(dialogue) == b""
    dialogue.received(OK)
    assert flushed(dialogue) == b"RCPT TO:<r0@example.org>\r\n"
    dialogue.received(OK)
    assert flushed(dialogue) == b"DATA\r\n"
    dialogue.received(b"354 go\r\n")
    assert flushed(dialogue) == BODY + b".\r\n"
    assert not dialogue.has_room or dialogue.in_hand == 1


def test_the_dot_has_left_only_with_its_last_byte():
    letters = Letters()
    dialogue = Dialogue(letters, PIPELINING)
    dialogue.take(letter(0))
    flushed(dialogue)
    dialogue.received(OK * 2 + b"354 go\r\n")
    dialogue.take(letter(1))
    dialogue.load()
    dialogue.out.sent(len(BODY) + 2)
    assert not dialogue.awaits_answer
    dialogue.out.sent(1)
    assert dialogue.awaits_answer
    assert b"".join(dialogue.out.pieces) == R1 + b"DATA\r\n"
    dialogue.lost("cut")
    assert isinstance(letters.outcomes["r0@example.org"], Doubt)


def test_a_line_lost_one_byte_before_the_end_of_the_dot_is_no_doubt():
    letters = Letters()
    dialogue = Dialogue(letters, PIPELINING)
    dialogue.take(letter(0))
    flushed(dialogue)
    dialogue.received(OK * 2 + b"354 go\r\n")
    dialogue.load()
    dialogue.out.sent(len(BODY) + 2)
    dialogue.lost("cut")
    assert letters.diary[1:] == [
        ("answer", "r0@example.org", 421),
        ("end", "r0@example.org", NotSent("the connection was lost before the dot: cut")),
    ]


@pytest.mark.parametrize(
    ("answer", "outcome", "code"),
    [
        (b"552 5.3.4 too big\r\n", Never(552, "5.3.4 too big"), 552),
        (b"451 later\r\n", Later(451, "later"), 451),
        (b"421 bye\r\n", NotSent("421 bye"), 421),
        (b"250 taken\r\n", NotSent("The server spoke before the dot: 250 taken"), 421),
    ],
)
def test_an_answer_before_all_has_left_is_believed_only_as_a_refusal(answer, outcome, code):
    letters = Letters()
    dialogue = Dialogue(letters, PIPELINING)
    dialogue.take(letter(0))
    flushed(dialogue)
    dialogue.received(OK * 2 + b"354 go\r\n")
    dialogue.load()
    dialogue.out.sent(3)
    dialogue.received(answer)
    assert letters.outcomes == {"r0@example.org": outcome}
    assert letters.codes("r0@example.org") == [code]
    assert dialogue.broken


def test_a_refusal_together_with_the_go_ahead_is_heard_before_the_dot():
    letters = Letters()
    dialogue = Dialogue(letters, PIPELINING)
    dialogue.take(letter(0))
    flushed(dialogue)
    dialogue.received(OK * 2 + b"354 go\r\n552 5.3.4 too big after all\r\n")
    assert letters.outcomes == {"r0@example.org": Never(552, "5.3.4 too big after all")}
    assert letters.dots() == []


def test_a_chunk_refused_with_the_next_envelope_behind_it_blames_nobody_else():
    letters = Letters()
    dialogue = at_dot(BOTH, letters)
    dialogue.received(b"451 later\r\n503 RSET first\r\n")
    assert letters.outcomes["r0@example.org"] == Later(451, "later")
    assert letters.outcomes["r1@example.org"].words.startswith("421 ")
    assert dialogue.broken


def test_a_chunk_refused_with_nothing_behind_it_is_followed_by_a_reset():
    dialogue = Dialogue(Letters(), BOTH)
    dialogue.take(letter(0))
    flushed(dialogue)
    dialogue.received(OK * 2)
    flushed(dialogue)
    dialogue.received(b"451 later\r\n")
    dialogue.take(letter(1))
    assert flushed(dialogue) == b"RSET\r\n" + R1


def test_a_lost_lease_breaks_off_only_what_has_not_left():
    letters = Letters()
    dialogue = Dialogue(letters, PIPELINING)
    dialogue.take(letter(0))
    flushed(dialogue)
    dialogue.received(OK * 2 + b"354 go\r\n")
    dialogue.load()
    letters.lease = False
    assert dialogue.may_go_on(), "at_dot was asked just now"
    dialogue.out.sent(3)
    assert not dialogue.may_go_on()
    assert letters.outcomes == {"r0@example.org": Halted()}
    assert letters.codes("r0@example.org") == [421]
    assert at_dot(PIPELINING, letters).may_go_on()


def test_patience_is_longest_for_the_answer_to_the_dot():
    dialogue = Dialogue(Letters(), PIPELINING)
    assert dialogue.patience == float("inf")
    dialogue.take(letter(0))
    flushed(dialogue)
    assert dialogue.patience == COMMAND_SECONDS
    dialogue.received(OK * 2 + b"354 go\r\n")
    flushed(dialogue)
    assert dialogue.patience == ANSWER_SECONDS


CONVERSATIONS = [
    OK * 3 + b"354 go\r\n",
    b"250-taken\r\n250 as 1\r\n550-5.1.1 nobody\r\n550 here\r\n503 no\r\n503 no\r\n",
    b"451 later\r\n250 ok\r\n550 5.1.1 nobody\r\n354 go\r\n",
    b"250 ok\r\n421 4.3.2 closing\r\n",
    b"354 what\r\n",
    b"250 ok\r\nnonsense\r\n250 ok\r\n",
    b"",
]


@given(st.sampled_from(CONVERSATIONS), st.lists(st.integers(1, 60)), st.sampled_from([PIPELINING, BOTH]))
def test_replies_in_any_pieces_have_the_same_end(data, cuts, server):
    def end(pieces):
        letters = Letters()
        dialogue = at_dot(server, letters)
        for piece in pieces:
            if not dialogue.broken:
                dialogue.received(piece)
        if not dialogue.broken:
            dialogue.lost("the end")
        return letters.diary

    pieces, rest = [], data
    for cut in cuts:
        pieces.append(rest[:cut])
        rest = rest[cut:]
    assert end([*pieces, rest]) == end([data])


@given(st.binary(max_size=200))
def test_whatever_a_server_says_every_letter_ends_once(data):
    letters = Letters()
    dialogue = at_dot(PIPELINING, letters)
    dialogue.received(data)
    if not dialogue.broken:
        dialogue.lost("the end")
    assert set(letters.outcomes) == {"r0@example.org", "r1@example.org"}
    assert dialogue.in_hand == 0
    assert not isinstance(letters.outcomes["r1@example.org"], Accepted | Doubt)


@pytest.mark.parametrize("endless", [b"2" * 100, b"250-more\r\n"])
def test_a_reply_without_end_is_no_smtp(endless):
    replies = Replies()
    for _ in range(20 * LONGEST_LINE // len(endless)):
        replies.read(endless)
    assert "has no end" in replies.fault

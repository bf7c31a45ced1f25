import contextlib
import socket
import time

import pytest

from newsletter.sending.outcomes import Accepted, Doubt, Halted, Later, Never, NotSent, OursToMend
from newsletter.sending.relay import Relay
from newsletter.sending.smtp import Pool, dialogue, entrance
from tests.newsletter.sending.smtp.conftest import MESSAGE, Letters, carry, envelope, send, step_until
from tests.postbox import Quirk

LARGE = b"Subject: large\r\n\r\n" + b"." * 70 + b"\r\n" + (b"x" * 76 + b"\r\n") * 100_000


def relay_of(box, **options) -> Relay:
    return Relay("127.0.0.1", box.port, **options)


def readers(count: int) -> list[str]:
    return [f"r{number}@example.org" for number in range(count)]


def letters_to(*recipients: str, message: bytes = MESSAGE) -> Letters:
    return Letters([envelope(recipient, message) for recipient in recipients])


def test_what_arrives_is_what_was_sent(make_postbox, offers):
    box = make_postbox(extensions=offers)
    assert send(relay_of(box)) == Accepted(250, "2.0.0 taken as 1")
    assert box.truth == [("ada@example.org", MESSAGE)]
    assert box.senders == ["bounce@example.org"]


def test_many_letters_arrive_once_each_over_several_connections(make_postbox, offers):
    box = make_postbox(extensions=offers)
    letters = carry([relay_of(box)], letters_to(*readers(200)), connections=4)
    assert all(isinstance(outcome, Accepted) for outcome in letters.outcomes.values())
    assert box.copies() == dict.fromkeys(readers(200), 1)
    assert box.connections == 4
    assert {message for _, message in box.truth} == {MESSAGE}
    for reader in readers(200):
        kinds = [kind for kind, who, _ in letters.diary if who == reader]
        assert kinds == ["dot", "answer", "end"]


def test_a_large_message_arrives_whole(make_postbox, offers):
    box = make_postbox(extensions=offers)
    send(relay_of(box), LARGE)
    assert box.truth[0][1] == LARGE


def test_answers_that_drip_are_put_together(make_postbox, offers):
    box = make_postbox(extensions=offers, drip=1)
    letters = carry([relay_of(box)], letters_to(*readers(10)), connections=2)
    assert set(map(type, letters.outcomes.values())) == {Accepted}


@pytest.mark.parametrize(
    ("quirk", "expected"),
    [
        (Quirk("rcpt", "451 4.7.1 grey"), Later(451, "4.7.1 grey")),
        (Quirk("rcpt", "550 5.1.1 unknown"), Never(550, "5.1.1 unknown")),
        (Quirk("rcpt", "421 4.3.2 closing"), NotSent("421 4.3.2 closing")),
        (Quirk("dot", "452 4.3.1 full"), Later(452, "4.3.1 full")),
        (Quirk("dot", "552 5.3.4 too big"), Never(552, "5.3.4 too big")),
        (Quirk("dot", "421 4.3.2 closing"), NotSent("421 4.3.2 closing")),
        (Quirk("rcpt"), NotSent("the connection was lost before the dot: the server hung up")),
        (Quirk("dot"), Doubt("The connection was lost after the dot: the server hung up")),
        (Quirk("after"), Doubt("The connection was lost after the dot: the server hung up")),
    ],
)
def test_each_end_of_one_letter_and_the_others_go_on(make_postbox, offers, quirk, expected):
    box = make_postbox(extensions=offers)
    box.quirks["r3@example.org"] = [quirk]
    letters = letters_to(*readers(8))
    with contextlib.closing(Pool([relay_of(box)], letters, connections=1)) as pool:
        step_until(pool, lambda: len(letters.outcomes) == 8)
    assert letters.outcomes["r3@example.org"] == expected
    others = {reader: outcome for reader, outcome in letters.outcomes.items() if reader != "r3@example.org"}
    behind = {reader for reader, outcome in others.items() if not isinstance(outcome, Accepted)}
    assert behind <= {"r4@example.org"}
    assert all(others[reader].words.startswith("421 ") for reader in behind), "it is not to blame"


def test_a_refused_recipient_costs_no_content_and_the_line_stays(make_postbox, offers):
    box = make_postbox(extensions=offers)
    box.quirks["r1@example.org"] = [Quirk("rcpt", "550 5.1.1 unknown")]
    letters = carry([relay_of(box)], letters_to(*readers(4)), connections=1)
    assert letters.dots() == ["r0@example.org", "r2@example.org", "r3@example.org"]
    assert box.connections == 1
    assert "RSET" in box.commands


def test_a_server_that_wants_content_for_nobody_is_given_a_lone_dot(make_postbox):
    box = make_postbox(blind=True)
    box.quirks["r1@example.org"] = [Quirk("rcpt", "550 5.1.1 unknown")]
    letters = carry([relay_of(box)], letters_to(*readers(4)), connections=1)
    assert letters.outcomes["r1@example.org"] == Never(550, "5.1.1 unknown")
    assert box.copies() == dict.fromkeys(["r0@example.org", "r2@example.org", "r3@example.org"], 1)
    assert box.connections == 1


def test_a_refused_sender_is_ours_to_mend_and_the_line_stays_good(make_postbox, offers):
    box = make_postbox(extensions=offers)
    box.always = Quirk("mail", "553 5.1.8 no such sender")
    letters = carry([relay_of(box)], letters_to(*readers(3)), connections=1)
    assert set(letters.outcomes.values()) == {OursToMend(553, "5.1.8 no such sender")}
    assert box.connections == 1


def test_the_journal_is_told_before_the_dot_and_after_the_answer(make_postbox, offers):
    box = make_postbox(extensions=offers)

    class Witness(Letters):
        def at_dot(self, envelope):
            time.sleep(0.1)  # the server reads as much as was sent
            self.diary.append(("truth", envelope.recipient, len(box.truth)))

    letters = carry([relay_of(box)], Witness([envelope()]), connections=1)
    assert [(kind, what) for kind, _, what in letters.diary[:2]] == [("truth", 0), ("answer", 250)]


def test_a_letter_that_is_withheld_at_its_dot_does_not_leave(make_postbox, offers):
    box = make_postbox(extensions=offers)
    letters = letters_to(*readers(3))
    letters.withheld = {"r1@example.org"}
    carry([relay_of(box)], letters, connections=1)
    assert letters.outcomes["r1@example.org"] == Halted()
    assert letters.codes("r1@example.org") == []
    assert "r1@example.org" not in box.copies()


def test_silence_after_the_dot_is_waited_for_and_then_a_doubt(make_postbox, offers):
    box = make_postbox(extensions=offers, slow=30)
    assert send(relay_of(box), answer_seconds=0.6) == Doubt(
        "The connection was lost after the dot: the server does not answer"
    )


def test_a_line_that_breaks_with_the_dot_unsent_is_no_doubt(make_postbox):
    box = make_postbox(deaf=True)
    letters = letters_to("ada@example.org", message=LARGE)
    with contextlib.closing(Pool([relay_of(box)], letters, connections=1)) as pool:
        step_until(pool, letters.dots)
        box.drop()
        step_until(pool, lambda: letters.outcomes)
    assert isinstance(letters.outcomes["ada@example.org"], NotSent)
    assert letters.codes("ada@example.org") == [421]


def test_a_letter_whose_lease_ends_while_its_content_waits_is_withheld(make_postbox):
    box = make_postbox(deaf=True)
    letters = letters_to("ada@example.org", message=LARGE)
    with contextlib.closing(Pool([relay_of(box)], letters, connections=1)) as pool:
        step_until(pool, letters.dots)
        letters.lease = False
        box.deaf = False
        step_until(pool, lambda: letters.outcomes)
    assert letters.outcomes["ada@example.org"] == Halted()
    assert letters.codes("ada@example.org") == [421]


@pytest.mark.parametrize("deaf", [True, False])
def test_halt_cuts_what_is_before_its_dot_and_waits_for_what_is_at_it(make_postbox, deaf):
    box = make_postbox(deaf=deaf, slow=0.5)
    letters = letters_to(*readers(2), message=LARGE if deaf else MESSAGE)
    with contextlib.closing(Pool([relay_of(box)], letters, connections=1)) as pool:
        step_until(pool, letters.dots)
        pool.halt()
        assert len(letters.outcomes) == (2 if deaf else 1)
        step_until(pool, lambda: not pool.in_hand)
        assert letters.waiting == []
    assert letters.outcomes["r0@example.org"] == (Halted() if deaf else Accepted(250, "2.0.0 taken as 1"))
    assert letters.outcomes["r1@example.org"] == Halted()


def test_close_ends_everything(make_postbox):
    box = make_postbox(slow=30)
    letters = letters_to(*readers(2))
    with contextlib.closing(Pool([relay_of(box)], letters, connections=1)) as pool:
        step_until(pool, letters.dots)
    assert isinstance(letters.outcomes["r0@example.org"], Doubt)
    assert isinstance(letters.outcomes["r1@example.org"], NotSent)


def test_a_server_that_refuses_in_the_middle_of_the_content_is_heard(make_postbox):
    box = make_postbox()
    box.quirks["ada@example.org"] = [Quirk("body", "552 5.3.4 too much")]
    letters = carry([relay_of(box)], letters_to("ada@example.org", message=LARGE), connections=1)
    assert letters.outcomes["ada@example.org"] == Never(552, "5.3.4 too much")


def test_a_closed_idle_line_is_opened_again_without_blame(make_postbox):
    box = make_postbox()
    letters = letters_to("r0@example.org")
    with contextlib.closing(Pool([relay_of(box)], letters, connections=1)) as pool:
        step_until(pool, lambda: letters.outcomes)
        box.drop()
        letters.waiting.append(envelope("r1@example.org"))
        step_until(pool, lambda: len(letters.outcomes) == 2)
        assert pool.down == ""
    assert isinstance(letters.outcomes["r1@example.org"], Accepted)
    assert box.connections == 2


def test_a_connection_carries_so_many_messages_and_says_goodbye(make_postbox, offers):
    box = make_postbox(extensions=offers)
    letters = carry([relay_of(box, messages=3)], letters_to(*readers(9)), connections=1)
    assert set(map(type, letters.outcomes.values())) == {Accepted}
    assert box.connections >= 3
    assert box.commands.count("QUIT") >= 2


def test_a_server_that_hangs_up_after_each_letter_is_called_again(make_postbox):
    box = make_postbox(lasts=1)
    letters = letters_to(*readers(5))
    with contextlib.closing(Pool([relay_of(box)], letters, connections=2)) as pool:
        step_until(pool, lambda: len(letters.outcomes) == 5)
    assert {type(outcome) for outcome in letters.outcomes.values()} <= {Accepted, NotSent}
    behind = [each for each in letters.outcomes.values() if isinstance(each, NotSent)]
    assert all(each.words.startswith("421 ") or "before the dot" in each.words for each in behind)


# --- Several relays ---------------------------------------------------------------------------------------------


def test_relays_share_the_connections_by_weight(make_postbox):
    large, small = make_postbox(), make_postbox()
    relays = [relay_of(large, weight=3), relay_of(small, weight=1)]
    letters = Letters()
    with contextlib.closing(Pool(relays, letters, connections=4)) as pool:
        step_until(pool, lambda: (large.connections, small.connections) == (3, 1))
        letters.waiting = [envelope(reader) for reader in readers(100)]
        step_until(pool, lambda: len(letters.outcomes) == 100)
    assert large.truth
    assert small.truth


def test_a_relay_in_reserve_is_used_only_while_the_others_are_down(make_postbox):
    first, reserve = make_postbox(), make_postbox()
    port = first.port
    relays = [relay_of(first), relay_of(reserve, weight=0)]
    letters = letters_to(*readers(10))
    with contextlib.closing(Pool(relays, letters, connections=2)) as pool:
        step_until(pool, lambda: len(letters.outcomes) == 10 and first.connections == 2)
        assert reserve.connections == 0
        first.close()
        step_until(pool, lambda: reserve.connections)
        letters.waiting = [envelope(f"late{number}@example.org") for number in range(10)]
        step_until(pool, lambda: len(letters.outcomes) == 20)
        assert len(reserve.truth) == 10
        assert pool.down == ""
        again = make_postbox(port=port)
        step_until(pool, lambda: again.connections)
        step_until(pool, lambda: "QUIT" in reserve.commands)


def test_a_pool_is_down_when_all_its_relays_are_and_says_why_of_each(make_postbox):
    closed, refuses = make_postbox(), make_postbox(greeting="554 5.3.2 not today")
    closed.close()
    with contextlib.closing(Pool([relay_of(closed), relay_of(refuses)], Letters(), connections=2)) as pool:
        assert pool.down == ""
        step_until(pool, lambda: pool.down)
        assert f"relay 127.0.0.1:{closed.port} does not answer: Connection refused" in pool.down
        assert f"relay 127.0.0.1:{refuses.port} does not let us in: 554 5.3.2 not today" in pool.down


def test_a_relay_that_comes_back_is_found_again(make_postbox):
    box = make_postbox()
    box.close()
    letters = letters_to(*readers(3))
    with contextlib.closing(Pool([relay_of(box)], letters, connections=2)) as pool:
        step_until(pool, lambda: pool.down)
        make_postbox(port=box.port)
        step_until(pool, lambda: len(letters.outcomes) == 3)
        assert pool.down == ""


def test_a_limit_of_connections_leaves_those_that_are_open_at_work(make_postbox):
    box = make_postbox()
    letters = letters_to(*readers(1))
    with contextlib.closing(Pool([relay_of(box)], letters, connections=3)) as pool:
        step_until(pool, lambda: letters.outcomes)
        box.always = Quirk("greeting", "421 4.7.0 too many connections")
        step_until(pool, lambda: box.connections >= 3)
        box.always = None
        letters.waiting = [envelope(f"late{number}@example.org") for number in range(50)]
        step_until(pool, lambda: len(letters.outcomes) == 51)
        assert pool.down == ""


def test_a_relay_that_only_breaks_connections_is_down(make_postbox):
    box = make_postbox(always=Quirk("mail"))
    letters = letters_to(*readers(9))
    with contextlib.closing(Pool([relay_of(box)], letters, connections=1)) as pool:
        step_until(pool, lambda: pool.down)
        assert "breaks connections off" in pool.down


# --- Silence ----------------------------------------------------------------------------------------------------


def test_a_server_that_accepts_and_says_nothing_is_down(make_postbox, monkeypatch):
    monkeypatch.setattr(entrance, "OPENING_SECONDS", 0.3)
    box = make_postbox(greeting="")
    with contextlib.closing(Pool([relay_of(box)], Letters(), connections=1)) as pool:
        step_until(pool, lambda: pool.down)
        assert pool.down == f"relay 127.0.0.1:{box.port} does not answer: the server does not answer"


def test_a_host_that_does_not_even_refuse_is_down(monkeypatch):
    monkeypatch.setattr(entrance, "CONNECT_SECONDS", 0.3)
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        port = full.getsockname()[1]
        with contextlib.ExitStack() as callers:
            for _ in range(3):
                caller = callers.enter_context(socket.socket())
                caller.setblocking(False)
                caller.connect_ex(("127.0.0.1", port))
            with contextlib.closing(Pool([Relay("127.0.0.1", port)], Letters(), connections=1)) as pool:
                step_until(pool, lambda: pool.down)


def test_a_host_that_nobody_knows_is_down():
    relay = Relay("relay.invalid", 25)
    with contextlib.closing(Pool([relay], Letters(), connections=1)) as pool:
        step_until(pool, lambda: pool.down)
        assert pool.down.startswith("relay relay.invalid:25 cannot be found")


def test_a_server_that_reads_no_more_is_left(make_postbox, monkeypatch):
    monkeypatch.setattr(dialogue, "COMMAND_SECONDS", 0.4)
    box = make_postbox(deaf=True)
    assert send(relay_of(box), LARGE) == NotSent("the connection was lost before the dot: the server reads no more")

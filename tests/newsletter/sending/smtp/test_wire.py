import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.sending.outcomes import Never, OursToMend
from newsletter.sending.post import Envelope
from newsletter.sending.smtp.opening import Server
from newsletter.sending.smtp.wire import commands, content, path, stuffed, whole
from tests.newsletter.sending.smtp.conftest import envelope

PLAIN = Server()
FULL = Server(eight_bit=True, utf8=True, sized=True, most_bytes=1000)


def test_says_only_what_is_needed_and_known():
    letter = envelope(message=b"x\r\n")
    assert commands(letter, PLAIN) == (b"MAIL FROM:<bounce@example.org>\r\n", b"RCPT TO:<ada@example.org>\r\n")
    assert commands(letter, FULL) == (b"MAIL FROM:<bounce@example.org> SIZE=3\r\n", b"RCPT TO:<ada@example.org>\r\n")
    eight = commands(envelope(message="ü\r\n".encode()), Server(eight_bit=True))
    assert eight[0] == b"MAIL FROM:<bounce@example.org> BODY=8BITMIME\r\n"
    wide = commands(envelope("adä@example.org"), Server(eight_bit=True, utf8=True))
    assert wide[0] == b"MAIL FROM:<bounce@example.org> BODY=8BITMIME SMTPUTF8\r\n"
    assert wide[1] == "RCPT TO:<adä@example.org>\r\n".encode()


@pytest.mark.parametrize(
    ("letter", "server", "refusal"),
    [
        (envelope("adä@example.org"), PLAIN, "553 5.6.7"),
        (envelope(message="ü\r\n".encode()), PLAIN, "554 5.6.3"),
        (envelope(message=b"x" * 1001), FULL, "552 5.3.4"),
        (envelope("ada@example..org\r\nDATA"), FULL, "553 5.1.3"),
        (envelope("ada@\u2028.example"), FULL, "553 5.1.3"),
    ],
)
def test_what_a_server_cannot_take_is_refused_without_asking_it(letter, server, refusal):
    outcome = commands(letter, server)
    assert isinstance(outcome, Never)
    assert f"{outcome.code} {outcome.words}".startswith(refusal)


def test_a_sender_that_cannot_be_written_is_ours_to_mend():
    assert isinstance(commands(Envelope("a\r\n@b.example", "ada@example.org", b""), FULL), OursToMend)


@pytest.mark.parametrize("address", ["a@b.example>\r\nRCPT TO:<c@d.example", "a b@c.example", "a\u0000@c.example"])
def test_an_address_cannot_speak_smtp(address):
    with pytest.raises(UnicodeError):
        path(address)


def test_a_path_is_in_ascii_where_that_is_possible():
    assert path("ada@münchen.example") == ("ada@xn--mnchen-3ya.example", False)
    assert path("adä@example.org") == ("adä@example.org", True)
    assert path("") == ("", False)


def test_dots_at_line_beginnings_are_doubled_and_the_end_is_a_line():
    assert stuffed(b".a\r\n.\r\n..b") == b"..a\r\n..\r\n...b\r\n"


def test_a_byte_template_is_sent_as_it_is():
    letter = envelope(message=b"x\r\n", dot_free=True)
    assert content(letter, chunked=False) == [letter.message, b".\r\n"]
    assert content(letter, chunked=True) == [b"BDAT 3 LAST\r\n", letter.message]


lines = st.lists(st.sampled_from([b".", b"..", b"x", b"\r\n", b"\n", b"\r", b"\r\n.\r\n", b"\n.\n", b" "]))


@given(lines.map(b"".join))
def test_no_bare_cr_or_lf_is_sent_and_the_end_is_the_only_one(message):
    sent = b"".join(content(envelope(message=message), chunked=False))
    assert not sent.replace(b"\r\n", b"").strip(b".x ")
    assert sent.startswith(b".\r\n") is False or len(sent) == 3
    assert (b"\r\n" + sent).index(b"\r\n.\r\n") == len(sent) - 3
    read = b"".join(line.removeprefix(b".") for line in sent[:-3].splitlines(keepends=True))
    assert read == whole(message)


@given(lines.map(b"".join))
def test_a_chunk_has_the_length_it_says(message):
    head, body = content(envelope(message=message), chunked=True)
    assert head == b"BDAT %d LAST\r\n" % len(body)
    assert body == whole(message)

import re
from email import message_from_bytes, policy
from email.header import decode_header, make_header

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.rendering.headers import BadHeader, feedback_id, mailbox, standing_headers, unstructured, wire_address
from newsletter.rendering.links import Site
from tests.newsletter.rendering.makers import SITE, make_publication

LINE = (
    st.text(alphabet=st.characters(blacklist_categories=("Cc", "Cs", "Zl", "Zp")), min_size=1, max_size=150)
    .map(lambda text: " ".join(text.split()))
    .filter(bool)
)


def read_phrase(written):
    if written.startswith('"'):
        return re.sub(r"\\(.)", r"\1", written[1:-1])
    return str(make_header(decode_header(written))) if written.startswith("=?") else written


def parsed(line):
    return message_from_bytes(line.encode() + b"\r\n\r\n", policy=policy.default)


@given(LINE)
def test_a_subject_of_any_letters_reads_back_the_same(subject):
    message = parsed(unstructured("Subject", subject))
    assert " ".join(str(message["Subject"]).split()) == subject
    assert message.keys() == ["Subject"]


@given(LINE.filter(lambda name: len(name) <= 80))
def test_a_name_of_any_letters_reads_back_the_same_beside_its_address(name):
    line = mailbox("To", name, "ada@example.org")
    message = parsed(line)
    [address] = message["To"].addresses
    assert address.addr_spec == "ada@example.org"
    # Read by RFC 2047 itself: this Python's address parser puts a space between encoded words that belong together.
    written = line.partition(": ")[2].rpartition("<")[0].rstrip()
    assert read_phrase(written) == name


@given(LINE, st.sampled_from(["Subject", "To"]))
def test_lines_stay_within_76_and_in_ascii(text, header):
    line = unstructured(header, text) if header == "Subject" else mailbox(header, text[:80], "ada@example.org")
    assert line.isascii()
    assert all(len(each) <= 76 or " " not in each.strip() for each in line.split("\r\n"))


@pytest.mark.parametrize(
    "bad", ["a\r\nBcc: x@example.org", "a\nb", "a\rb", "a\x00b", "a\x85b", "a\u2028b", "a\u2029b", "a\ud800b"]
)
def test_a_value_with_a_line_break_or_control_character_is_refused(bad):
    with pytest.raises(BadHeader):
        unstructured("Subject", bad)
    with pytest.raises(BadHeader):
        mailbox("To", bad, "ada@example.org")
    with pytest.raises(BadHeader):
        mailbox("To", "Ada", f"{bad}@example.org")


@pytest.mark.parametrize(
    "bad", ["", "ada", "a b@example.org", "<a@example.org>", "a@b@c", "a@example.org, b@example.org"]
)
def test_what_is_no_address_is_refused(bad):
    with pytest.raises(BadHeader):
        wire_address(bad)


def test_the_domain_travels_in_ascii_and_the_local_part_as_it_is():
    assert wire_address("ada@bücher.example") == "ada@xn--bcher-kva.example"
    assert wire_address("адa@example.org") == "адa@example.org"


def test_every_header_of_a_mailing_list_is_there():
    block = standing_headers(make_publication(name="Überblick"), subject="Héllo", site=Site(SITE))
    message = message_from_bytes(block.encode() + b"\r\n", policy=policy.default)
    assert message["From"] == "The Desk <recap@example.org>"
    assert message["Reply-To"] == "desk@example.org"
    assert message["Subject"] == "Héllo"
    assert message["List-Id"].endswith("<weekly-recap.example.org>")
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert message["List-Unsubscribe"].startswith(f"<{SITE}/one-click/")
    assert "<mailto:unsubscribe+" in message["List-Unsubscribe"]
    assert message["List-Archive"] == f"<{SITE}/archive/>"
    assert message["List-Post"] == "NO"
    assert message["Precedence"] == "bulk"
    assert "\n" not in block.replace("\r\n", "")


def test_without_a_reply_address_there_is_no_such_header():
    block = standing_headers(make_publication(reply_to=""), subject="x", site=Site(SITE))
    assert "Reply-To" not in block
    assert "List-Owner: <mailto:recap@example.org>" in block


def test_the_feedback_id_names_edition_segment_and_sender_but_no_reader():
    line = feedback_id(make_publication(), segment="Policy & Legal", content_hash="ab" * 32)
    assert line == "Feedback-ID: abababababab:policy-legal:recap:weekly-recap\r\n"


@pytest.mark.parametrize("bad", ["", "a b", "a>b", "ä", "a\r\nb"])
def test_a_list_id_that_is_no_single_word_is_refused(bad):
    with pytest.raises(BadHeader):
        standing_headers(make_publication(list_id=bad), subject="x", site=Site(SITE))

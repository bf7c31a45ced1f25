"""The byte template: what it gives for one reader equals what a mail library builds from the filled parts."""

from email import message_from_bytes, policy
from email.message import EmailMessage
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newsletter.rendering.headers import BadHeader, mailbox
from newsletter.rendering.message import BadTemplate, BadValue, ByteTemplate
from newsletter.rendering.slots import fill_html, fill_text
from newsletter.rendering.variant import render
from newsletter.rendering.writing import RESERVED
from tests.newsletter.rendering.makers import (
    SITE,
    demo_stories,
    make_copy,
    make_issue,
    make_publication,
    make_sight,
    make_slots,
)

NAMES = st.text(alphabet=st.characters(blacklist_categories=("Cc", "Cs", "Zl", "Zp")), max_size=120) | st.sampled_from(
    [
        "",
        ".",
        ". Ada",
        "From Ada",
        "Ада",
        "عائشة بنت أبي بكر",
        "สมชาย",
        "田中花子" * 20,
        "👩🏽‍🔬🇫🇷" * 9,
        "x" * 400,
        'a"b\\c',
        "=?utf-8?q?x?=",
        "<b>&amp;",
        "Ada,",
        "a=b=3D=",
        "Ada  Lovelace ",
        "-",
        "Ada " * 19,
    ]
)
PLAIN_NAMES = st.from_regex(r"[A-Za-z0-9-]{1,20}( [A-Za-z0-9-]{1,20}){0,3}", fullmatch=True)
ADDRESSES = st.from_regex(r"[a-z0-9.+_'-]{1,40}@[a-z0-9-]{1,30}\.example", fullmatch=True)
TOKENS = st.text(alphabet="ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", min_size=48, max_size=48)


@cache
def rendered():
    return render(make_publication(), make_issue(), make_sight(demo_stories()[:4]), site_url=SITE)


@cache
def template():
    return ByteTemplate.from_bytes(rendered().template)


def parts_of(raw):
    message = message_from_bytes(raw, policy=policy.default)
    text, html = message.iter_parts()
    return message, text, html


@settings(max_examples=60, deadline=None)
@given(NAMES | PLAIN_NAMES, TOKENS, TOKENS)
def test_a_merge_equals_the_message_that_a_mail_library_builds(name, leave, own):
    slots = make_slots(to_name=name, leave_token=leave, settings_token=own)
    message, text, html = parts_of(template().merge(slots))
    reference = EmailMessage(policy.SMTP)
    reference.set_content(fill_text(rendered().text, slots))
    reference.add_alternative(fill_html(rendered().html, slots), subtype="html")
    _, ref_text, ref_html = parts_of(reference.as_bytes())
    assert text.get_content().rstrip() == ref_text.get_content().rstrip()
    assert html.get_content().rstrip() == ref_html.get_content().rstrip()
    assert message["Subject"] == rendered().subject


@settings(max_examples=150, deadline=None)
@given(NAMES | PLAIN_NAMES, ADDRESSES | st.just("用户@example.org"))
def test_the_headers_of_the_reader_are_what_the_rules_for_headers_say(name, email):
    raw = template().merge(make_slots(to_name=name, to_email=email))
    head = f"{mailbox('To', name, email)}\r\nDate: Thu, 19 Nov 2026 09:00:00 +0000\r\n"
    assert raw.startswith(f"{head}Message-ID: <1a2b3c.4d5e6f@example.org>\r\nFrom: ".encode())


@settings(max_examples=60, deadline=None)
@given(NAMES | PLAIN_NAMES)
def test_no_line_is_too_long_bare_or_begins_with_a_dot(name):
    raw = template().merge(make_slots(to_name=name))
    assert b"\n" not in raw.replace(b"\r\n", b"")
    assert b"\r" not in raw.replace(b"\r\n", b"")
    head, _, body = raw.partition(b"\r\n\r\n")
    assert all(len(line) <= 76 and not line.startswith(b".") for line in body.split(b"\r\n"))
    assert all(len(line) <= 998 for line in head.split(b"\r\n"))


@pytest.mark.parametrize("name", ["Ada Lovelace", "", "أحمد", "王 小明", "O'Brien, Pat"])
def test_the_message_has_no_defects_and_both_parts_are_utf8(name):
    message, text, html = parts_of(template().merge(make_slots(to_name=name)))
    assert [defect for part in message.walk() for defect in part.defects] == []
    assert [defect for header in message.values() for defect in getattr(header, "defects", ())] == []
    assert message.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in (text, html)] == ["text/plain", "text/html"]
    assert [part.get_content_charset() for part in (text, html)] == ["utf-8", "utf-8"]
    assert message["To"].addresses[0].display_name == name
    assert message["To"].addresses[0].addr_spec == "ada@example.org"


def test_the_readers_links_are_in_headers_text_and_html():
    slots = make_slots()
    message, text, html = parts_of(template().merge(slots))
    assert message["List-Unsubscribe"] == (
        f"<{SITE}/one-click/{slots.leave_token}/>, "
        f"<mailto:unsubscribe+{slots.leave_token}@example.org?subject=unsubscribe>"
    )
    for part in (text.get_content(), html.get_content()):
        assert f"{SITE}/leave/{slots.leave_token}/" in part
        assert f"{SITE}/settings/{slots.settings_token}/" in part


def test_nothing_that_stands_for_a_value_is_left_over():
    assert RESERVED.encode() not in template().merge(make_slots())
    assert RESERVED.encode() not in template().merge(make_slots(to_name=""))


def test_each_header_occurs_once_and_date_and_id_are_the_readers():
    message, _, _ = parts_of(template().merge(make_slots(message_id="<x.y@example.org>")))
    assert sorted(set(message.keys())) == sorted(message.keys())
    assert message["Message-ID"] == "<x.y@example.org>"
    assert message["Date"] == "Thu, 19 Nov 2026 09:00:00 +0000"


def test_an_international_address_stays_in_the_letters_it_has():
    raw = template().merge(make_slots(to_name="", to_email="用户@例子.example"))
    assert "To: 用户@xn--fsqu00a.example\r\n".encode() in raw


@pytest.mark.parametrize(
    "bad",
    [
        {"to_name": "Ada\r\nBcc: x@example.org"},
        {"to_name": "Ada\nb"},
        {"to_name": "\x00"},
        {"to_name": "a\x85"},
        {"to_name": "a\u2028"},
        {"to_name": "a\ud800"},
        {"to_email": "ada@example.org\r\nBcc: x@example.org"},
        {"to_email": "ada"},
        {"message_id": "x"},
        {"message_id": "<a@b>\r\nX: y"},
        {"leave_token": "short"},
        {"leave_token": "L" * 47 + "\n"},
        {"settings_token": "S" * 49},
        {"settings_token": "/" * 48},
        {"to_name": "Ada\nada@example.org", "to_email": "x@example.org"},
        {"to_email": "ada@example.org\nx@example.org"},
    ],
)
def test_a_value_that_could_break_the_message_is_refused(bad):
    with pytest.raises(BadValue):
        template().merge(make_slots(**bad))


def test_a_name_that_looks_like_a_mark_stays_a_name():
    name = f"{RESERVED}NAME_ {RESERVED}LEAVE"
    _, text, _ = parts_of(template().merge(make_slots(to_name=name)))
    assert f"Hello {name}," in text.get_content()


def test_the_same_values_give_the_same_bytes():
    again = render(make_publication(), make_issue(), make_sight(demo_stories()[:4]), site_url=SITE)
    assert again == rendered()


def test_other_content_gives_another_hash():
    others = [
        render(make_publication(), make_issue(subject="Another"), make_sight(), site_url=SITE),
        render(make_publication(from_name="Another"), make_issue(), make_sight(), site_url=SITE),
        render(make_publication(), make_issue(preheader="Another"), make_sight(), site_url=SITE),
        render(make_publication(), make_issue(), make_sight([make_copy(hook="Another")]), site_url=SITE),
    ]
    assert len({each.content_hash for each in [*others, rendered()]}) == 5


def test_a_template_survives_its_bytes():
    assert template().to_bytes() == rendered().template
    assert ByteTemplate.from_bytes(memoryview(rendered().template)).merge(make_slots()) == template().merge(
        make_slots()
    )


@pytest.mark.parametrize(
    "broken",
    [
        lambda stored: b"",
        lambda stored: stored[:-1],
        lambda stored: stored + b"x",
        lambda stored: b"byte-template/9 " + stored[16:],
        lambda stored: stored.replace(b'"slots"', b'"slips"', 1),
        lambda stored: stored.replace(b'"to"', b'"tx"', 1),
        lambda stored: stored[:30] + b"\n" + stored[30:],
    ],
)
def test_bytes_that_are_no_template_are_refused(broken):
    with pytest.raises(BadTemplate):
        ByteTemplate.from_bytes(broken(rendered().template))


def test_the_boundary_cannot_occur_in_the_content():
    raw = template().merge(make_slots(to_name="--=_" + rendered().content_hash[:40]))
    boundary = b"--=_" + rendered().content_hash[:40].encode()
    assert sum(line.startswith(boundary) for line in raw.split(b"\r\n")) == 3


def test_headers_that_would_end_early_are_refused():
    for headers in ("A: b\n", "A: b\r\n\r\nC: d\r\n", "A: b\rC: d\r\n"):
        with pytest.raises(BadHeader):
            ByteTemplate.compile(headers, html="x", text="y", content_hash="0" * 64)


def test_a_greeting_that_is_not_whole_is_refused():
    html = rendered().html.replace(f"{RESERVED}NAME_", "")
    with pytest.raises(BadTemplate, match="one greeting"):
        ByteTemplate.compile("", html=html, text="y", content_hash="0" * 64)

"""The Maildir read back: order, search, damaged messages, names that lead elsewhere."""

from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path

import pytest

from newsletter.inbox import maildir

NOW = datetime(2026, 11, 19, 9, 0, tzinfo=UTC)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    maildir.create(tmp_path)
    return tmp_path


def put(folder: Path, *, subject: str = "Hello", to: str = "ada@example.org", content: bytes = b"") -> str:
    message = EmailMessage()
    message["Subject"], message["From"], message["To"] = subject, "The Desk <desk@example.org>", to
    message.set_content("The text.\n")
    message.add_alternative("<p>The page.</p>", subtype="html")
    return maildir.put(folder, content or message.as_bytes(), sender="b@example.org", recipient=to, now=NOW).name


def test_lists_the_newest_first(folder: Path) -> None:
    given = [put(folder) for _ in range(20)]
    assert maildir.names(folder) == given[::-1]


def test_an_inbox_that_was_never_used_is_empty(tmp_path: Path) -> None:
    assert maildir.names(tmp_path / "nowhere") == []
    assert list(maildir.summaries(tmp_path / "nowhere")) == []


def test_finds_by_all_words_in_subject_sender_or_reader(folder: Path) -> None:
    put(folder, subject="The week in AI", to="ada@example.org")
    wanted = put(folder, subject="Die Woche: Künstliche Intelligenz", to="alan@example.org")
    found = [summary.name for summary in maildir.summaries(folder, words="künstliche ALAN")]
    assert found == [wanted]


def test_reads_headers_in_raw_utf8_beside_encoded_words(folder: Path) -> None:
    head = (
        "Subject: Grüße =?utf-8?q?aus_K=C3=B6ln?=\r\nFrom: =?utf-8?q?Jos=C3=A9?= <josé@example.org>\r\nTo: 用户@例え.jp"
    )
    put(folder, content=head.encode() + b"\r\n\r\nHello\r\n")
    (summary,) = maildir.summaries(folder)
    assert (summary.subject, summary.sender, summary.to) == (
        "Grüße aus Köln",
        "José <josé@example.org>",
        "用户@例え.jp",
    )


def test_opens_text_and_page(folder: Path) -> None:
    letter = maildir.open_letter(folder, put(folder))
    assert letter
    assert (letter.text, letter.html) == ("The text.\n", "<p>The page.</p>\n")
    assert letter.summary.sender == "The Desk <desk@example.org>"
    assert letter.summary.arrived_at.tzinfo is UTC


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe\x00 no header at all",
        b"Subject: =?no-such-charset?q?x?=\r\nContent-Type: text/plain; charset=no-such\r\n\r\nbody \xff",
        b"Content-Type: multipart/alternative; boundary=lost\r\n\r\n--other\r\n",
    ],
)
def test_a_damaged_message_is_shown_as_far_as_it_goes(folder: Path, content: bytes) -> None:
    name = put(folder, content=content or b"\r\n")
    letter = maildir.open_letter(folder, name)
    assert letter
    assert [summary.name for summary in maildir.summaries(folder)] == [name]


@pytest.mark.parametrize("name", ["../secret_key", "..", "1795000000.M1/../../secret_key", "secret_key", ""])
def test_no_name_leads_out_of_the_folder(folder: Path, name: str) -> None:
    (folder.parent / "secret_key").touch()
    (folder / "new" / "secret_key").touch()
    assert maildir.open_letter(folder, name) is None

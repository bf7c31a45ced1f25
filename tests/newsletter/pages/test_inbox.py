"""The inbox pages: smtplib -> server -> Maildir -> page."""

import re
import smtplib
import time
from datetime import UTC, datetime
from email.message import EmailMessage
from typing import Any

import pytest
from django.test import Client

from newsletter.inbox import maildir
from tests.conftest import Inbox

HTML = '<html><head><title>x</title></head><body><a href="https://example.org/">read</a><script>bad()</script></body></html>'


def send(inbox: Inbox, *, subject: str, html: str = HTML) -> None:
    message = EmailMessage()
    message["Subject"], message["From"], message["To"] = subject, "desk@example.org", "ada@example.org"
    message.set_content("Plain & simple <text>\n")
    message.add_alternative(html, subtype="html")
    with smtplib.SMTP("127.0.0.1", inbox.port, local_hostname="localhost") as client:
        client.send_message(message)


def address_of_first(client: Client) -> str:
    found = re.search(r'href="(/inbox/[^"?]+/)"', client.get("/inbox/").content.decode())
    assert found
    return found.group(1)


def test_an_empty_inbox_says_so(client: Client, inbox: Inbox) -> None:
    assert "Nothing has arrived yet" in client.get("/inbox/").content.decode()


def test_shows_what_arrived_newest_first(client: Client, inbox: Inbox) -> None:
    send(inbox, subject="The first")
    send(inbox, subject="Zweite & <letzte>")
    page = client.get("/inbox/").content.decode()
    assert page.index("Zweite &amp; &lt;letzte&gt;") < page.index("The first")
    assert "The first" not in client.get("/inbox/?q=zweite").content.decode()


def test_opens_a_message_as_page_text_and_source(client: Client, inbox: Inbox) -> None:
    send(inbox, subject="Hello")
    address = address_of_first(client)
    assert f'src="{address}html"' in client.get(address).content.decode()
    assert "Plain &amp; simple &lt;text&gt;" in client.get(address + "?show=text").content.decode()
    assert "Delivered-To: ada@example.org" in client.get(address + "?show=source").content.decode()


def test_the_frame_runs_nothing_and_opens_links_in_a_new_tab(client: Client, inbox: Inbox) -> None:
    send(inbox, subject="Hello")
    answer = client.get(address_of_first(client) + "html")
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "sandbox allow-popups" in policy
    assert "allow-scripts" not in policy
    assert '<head><base target="_blank">' in answer.content.decode()


def test_the_source_downloads_as_it_came(client: Client, inbox: Inbox) -> None:
    send(inbox, subject="Hello")
    answer = client.get(address_of_first(client) + "source")
    assert answer.content == (inbox.folder / "new" / inbox.names()[0]).read_bytes()
    assert answer.headers["Content-Disposition"].endswith('.eml"')


def test_a_message_that_is_not_there_is_404(client: Client, inbox: Inbox) -> None:
    for address in ("/inbox/1795000000.M1P1Q1.host/", "/inbox/..%2Fsecret_key/", "/inbox/secret_key/html"):
        assert client.get(address).status_code == 404


@pytest.mark.parametrize("page", ["0", "-1", "x", "99999999999", "²"])
def test_a_page_number_that_is_none_shows_a_page(client: Client, inbox: Inbox, page: str) -> None:
    assert client.get("/inbox/", {"page": page}).status_code == 200


def test_five_thousand_messages_are_listed_quickly(client: Client, tmp_path: Any, settings: Any) -> None:
    settings.INBOX_DIR = tmp_path / "full"
    maildir.create(settings.INBOX_DIR)
    for number in range(5_000):
        content = b"Subject: Recap %d\r\nFrom: desk@example.org\r\nTo: r%d@example.org\r\n\r\nBody\r\n" % (
            number,
            number,
        )
        maildir.put(
            settings.INBOX_DIR, content, sender="b@example.org", recipient="r@example.org", now=datetime.now(UTC)
        )
    client.get("/inbox/")
    begun = time.perf_counter()
    page = client.get("/inbox/").content.decode()
    listed = time.perf_counter() - begun
    assert "5000 messages in all" in page
    assert page.count("<tr>") == 51
    begun = time.perf_counter()
    assert "r7@example.org" in client.get("/inbox/?q=r7@example").content.decode()
    searched = time.perf_counter() - begun
    assert listed < 1
    assert searched < 10

"""A newcomer starts the demo: within a minute each reader has the recap, in the order of the reader's segment."""

import re
import subprocess
import sys
from email import message_from_bytes, policy
from email.message import EmailMessage
from urllib.parse import urlsplit

import pytest

from newsletter.demo.load import SEGMENTS
from newsletter.demo.readers import READERS, Reader
from tests.journeys.conftest import letters
from tests.parts.newsroom import ROOT, Newsroom

pytestmark = [pytest.mark.redis, pytest.mark.xdist_group("demo")]

LEFTOVERS = ("{{", "}}", "{%", "%}", "READER-SLOT", "__")
TOKEN = re.compile(r"/(settings|leave|one-click)/[\w-]{48}/")  # random: it may hold two underscores
STORIES = 12


@pytest.fixture(scope="module")
def mails(demo: Newsroom) -> dict[str, EmailMessage]:
    """Each reader's recap, by address."""
    return {str(mail["Delivered-To"]): mail for mail in first_recaps(demo)}


def first_recaps(demo: Newsroom) -> list[EmailMessage]:
    parsed = [message_from_bytes(raw, policy=policy.default) for raw in letters(demo)]
    return [mail for mail in parsed if str(mail["Subject"]).startswith("Five years of AI")]


def segment_of(reader: Reader) -> tuple[str, str]:
    """Slug and name of the first segment whose readers share an interest with this one."""
    return next(
        (slug, name) for slug, name, interests in SEGMENTS if not interests or set(interests) & set(reader.interests)
    )


def of_each_segment(mails: dict[str, EmailMessage]) -> dict[str, EmailMessage]:
    return {segment_of(reader)[0]: mails[f"{reader.local}@example.org"] for reader in READERS}


def part(mail: EmailMessage, kind: str) -> str:
    found = mail.get_body((kind,))
    assert found is not None
    assert found.get_content_charset() == "utf-8"
    return str(found.get_content()).replace("\r\n", "\n")


def test_every_reader_has_it_once(demo: Newsroom, mails: dict[str, EmailMessage]) -> None:
    assert len(first_recaps(demo)) == len(READERS) == len(mails)
    assert set(mails) == {f"{reader.local}@example.org" for reader in READERS}
    assert len({mail["Message-ID"] for mail in mails.values()}) == len(READERS)


def test_each_reads_the_variant_of_the_first_segment_that_matches(mails: dict[str, EmailMessage]) -> None:
    for reader in READERS:
        name = segment_of(reader)[1]
        assert f"for {name}" in part(mails[f"{reader.local}@example.org"], "plain"), reader.local


def test_each_segment_reads_its_own_stories_first(mails: dict[str, EmailMessage]) -> None:
    orders = {
        slug: re.findall(r"^\d+\. (.+)$", part(mail, "plain"), flags=re.M)
        for slug, mail in of_each_segment(mails).items()
    }
    assert len(orders) == len(SEGMENTS)
    assert {len(order) for order in orders.values()} == {STORIES}
    assert orders["researchers"][0] == "Xiaomi Launches $2.2B AI Talent Program"
    assert len({tuple(order) for order in orders.values()}) == len(SEGMENTS)


def test_the_mails_are_well_made(mails: dict[str, EmailMessage]) -> None:
    for slug, mail in of_each_segment(mails).items():
        html, text = part(mail, "html"), part(mail, "plain")
        assert [each.defects for each in mail.walk() if each.defects] == [], slug
        assert len(html.encode()) < 80_000, slug
        assert [word for word in LEFTOVERS if word in TOKEN.sub("/", html + text)] == [], slug
        assert [line for line in mail.as_bytes().splitlines() if len(line) > 998] == []


def test_leaving_takes_one_click(demo: Newsroom, mails: dict[str, EmailMessage]) -> None:
    for mail in of_each_segment(mails).values():
        web, post = re.findall(r"<([^>]+)>", mail["List-Unsubscribe"])
        assert web.startswith(f"{demo.url}/one-click/")
        assert post.startswith("mailto:unsubscribe+")
        assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


def test_every_link_is_absolute(mails: dict[str, EmailMessage]) -> None:
    for slug, mail in of_each_segment(mails).items():
        html = part(mail, "html")
        links = re.findall(r'(?:href|src)="([^"]*)"', html)
        assert len(links) > STORIES
        for link in links:
            parts = urlsplit(link)
            assert parts.scheme in ("http", "https", "mailto"), (slug, link)
            assert parts.netloc or parts.scheme == "mailto", (slug, link)


def test_more_ticks_than_needed_send_nothing_again(demo: Newsroom, mails: dict[str, EmailMessage]) -> None:
    command = [sys.executable, "manage.py", "tick"]
    ticks = [subprocess.Popen(command, cwd=ROOT, env=demo.environment, stdout=subprocess.DEVNULL) for _ in range(3)]
    assert [tick.wait(timeout=60) for tick in ticks] == [0, 0, 0]
    assert len(first_recaps(demo)) == len(mails)

"""An editor edits and approves a story, composes an edition with it and sends it; a reader opens the mail and leaves.

In a real browser, on the running demo, with real parts all the way.
"""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.conftest import READERS, letters
from tests.parts import wait_until
from tests.parts.newsroom import Newsroom

pytestmark = [pytest.mark.browser, pytest.mark.redis, pytest.mark.xdist_group("demo")]

STORY = "GitHub Opens a Technical Preview of Copilot, an AI Pair Programmer"
HOOK = "Invited developers get whole lines and functions suggested as they type"
SUBJECT = "An assistant in the editor: the week in AI"
LEAVER = "priya.raman@example.org"


@pytest.fixture
def desk(demo: Newsroom, page: Page) -> Page:
    page.set_default_timeout(15_000)
    page.goto(f"{demo.url}/admin/")
    page.fill("#id_username", "editor")
    page.fill("#id_password", "a-demo-password")
    page.get_by_role("button", name=re.compile("log in", re.I)).click()
    expect(page.get_by_text("Next edition")).to_be_visible()
    return page


def test_from_the_desk_to_the_inbox_and_out(demo: Newsroom, desk: Page) -> None:
    before = len(letters(demo))
    edit_and_approve(demo, desk)
    compose(demo, desk)
    look_at_the_preview(desk)
    approve_and_send(desk)
    wait_until(lambda: len(letters(demo)) == before + READERS, within=60, what="the second recap")
    read_and_leave(demo, desk)


def edit_and_approve(demo: Newsroom, desk: Page) -> None:
    desk.goto(f"{demo.url}/admin/curation/story/")
    desk.get_by_role("link", name=STORY).click()
    desk.fill("#id_hook", HOOK)
    desk.get_by_role("button", name="Save", exact=True).click()
    desk.get_by_role("link", name=STORY).first.click()
    desk.get_by_role("link").filter(has_text=re.compile(r"Approve\s*$")).click()  # an icon's name stands before it
    desk.get_by_role("button", name="Approve", exact=True).click()
    expect(desk.get_by_text(f"“{STORY}” is approved.")).to_be_visible()


def compose(demo: Newsroom, desk: Page) -> None:
    desk.goto(f"{demo.url}/admin/")
    desk.get_by_role("link", name=re.compile(r"^\d+ stories$")).click()  # of the next edition
    desk.get_by_role("link", name="Add stories").click()
    desk.get_by_label(STORY).check()
    desk.get_by_role("button", name="Add the ticked stories").click()
    desk.fill("#id_subject", SUBJECT)
    desk.get_by_role("button", name="Save and continue editing").click()
    expect(desk.locator("#id_subject")).to_have_value(SUBJECT)
    expect(desk.get_by_text(STORY).first).to_be_visible()


def look_at_the_preview(desk: Page) -> None:
    desk.get_by_role("link", name="Preview", exact=True).click()
    desk.get_by_role("link", name="Developers & Engineers").click()
    frame = desk.frame_locator("iframe")
    expect(frame.get_by_role("heading", name=STORY)).to_be_visible()
    expect(frame.get_by_text(HOOK)).to_be_visible()
    desk.get_by_role("link", name="Dark").click()
    desk.get_by_role("link", name="Phone").click()
    expect(frame.get_by_role("heading", name=SUBJECT)).to_be_visible()
    assert {"segment=engineers", "scheme=dark"} <= set(re.split("[?&]", desk.url))


def approve_and_send(desk: Page) -> None:
    desk.get_by_role("link", name=SUBJECT).first.click()
    desk.get_by_role("button", name="Approve", exact=True).click()
    desk.get_by_role("link", name=re.compile("Schedule|Send")).first.click()
    desk.locator("button[name=when][value=now]").click()
    expect(desk.get_by_text(f"Done: {READERS} of {READERS} readers")).to_be_visible(timeout=60_000)


def read_and_leave(demo: Newsroom, reader: Page) -> None:
    reader.goto(f"{demo.url}/inbox/?q={LEAVER}")
    reader.get_by_role("link", name=SUBJECT).click()
    mail = reader.frame_locator("iframe")
    expect(mail.get_by_text("Hello Priya Raman,")).to_be_visible()
    address = mail.get_by_role("link", name=re.compile("unsubscribe", re.I)).get_attribute("href")
    assert address
    reader.goto(address)
    expect(reader.get_by_text(LEAVER)).to_be_visible()
    reader.get_by_role("button", name=re.compile("unsubscribe", re.I)).click()
    expect(reader.get_by_role("heading", name="You are unsubscribed")).to_be_visible()

"""What the compose page does beyond its forms: live inbox row, ordering without a mouse, a guard for unsaved words."""

import pytest
from django.urls import reverse

pytestmark = [pytest.mark.browser, pytest.mark.long, pytest.mark.django_db(transaction=True, serialized_rollback=True)]


def at(live_server) -> str:
    return live_server.url.replace("localhost", "127.0.0.1")  # the browser under test looks up no names


@pytest.fixture
def compose_page(page, live_server, chief, edition):
    page.goto(at(live_server) + reverse("admin:login"))
    page.fill("[name=username]", "chief")
    page.fill("[name=password]", "a long password")
    page.click("[type=submit]")
    page.goto(at(live_server) + reverse("admin:newsletter_edition_change", args=[edition.pk]))
    return page


def headlines(page) -> list[str]:
    return page.locator("#items-data .compose-headline").all_inner_texts()


def test_the_inbox_row_follows_what_is_typed_and_verbs_wait_for_the_save(compose_page):
    approve = compose_page.get_by_role("button", name="Approve")
    assert approve.is_enabled()
    compose_page.fill("#id_subject", "Seven words about the week in AI")
    compose_page.fill("#id_preheader", "And more")
    row = compose_page.inner_text("[data-compose-inbox]")
    assert "Seven words about the week in AI" in row
    assert "And more" in row
    assert "32 of 150 characters" in compose_page.inner_text("#id_subject_count")
    assert approve.is_disabled()
    assert "save them first" in compose_page.inner_text("[data-compose-unsaved]")


def test_stories_change_places_by_their_buttons_and_keep_them(compose_page):
    first, second, third = headlines(compose_page)
    compose_page.get_by_role("button", name=f"Down: {first}").click()
    assert headlines(compose_page) == [second, first, third]
    compose_page.click("button[name=_continue]")
    compose_page.get_by_text("was changed successfully").wait_for()
    assert headlines(compose_page) == [second, first, third]


def test_the_preview_shows_the_mail_and_runs_none_of_it(compose_page, edition):
    compose_page.get_by_role("link", name="Preview").first.click()
    compose_page.get_by_role("link", name="Dark").click()
    compose_page.wait_for_url("**scheme=dark")
    frame = compose_page.frame_locator("iframe")
    assert edition.subject in frame.locator("body").inner_text()
    assert compose_page.locator("iframe").get_attribute("sandbox") == "allow-popups allow-popups-to-escape-sandbox"


def test_the_picker_counts_what_is_ticked(compose_page, live_server, edition):
    from tests.makers import make_story

    make_story(headline="A telescope learns to see")
    compose_page.goto(at(live_server) + reverse("admin:newsletter_edition_stories", args=[edition.pk]))
    compose_page.get_by_label("A telescope learns to see").check()
    assert compose_page.inner_text("[data-compose-ticked]") == "1 ticked"
    compose_page.get_by_role("button", name="Add the ticked stories").click()
    compose_page.wait_for_url("**/change/")
    assert headlines(compose_page)[-1] == "A telescope learns to see"

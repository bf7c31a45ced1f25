"""Who may do what with an edition: looking, editing and sending are three things."""

import pytest

from newsletter.editions import compose
from newsletter.models import Edition
from tests.makers import NOW
from tests.newsletter.admin.conftest import client_of, make_editor
from tests.newsletter.admin.test_edition_page import form_of, url

pytestmark = pytest.mark.django_db

LOOKER = ("view_edition",)
EDITOR = ("view_edition", "change_edition")
SENDER = ("view_edition", "change_edition", "send_edition")


@pytest.mark.parametrize(
    ("permissions", "look", "pick", "schedule"),
    [((), 403, 403, 403), (LOOKER, 200, 403, 403), (EDITOR, 200, 200, 403), (SENDER, 200, 200, 302)],
    ids=["nobody", "looker", "editor", "sender"],
)
def test_pages(edition, permissions, look, pick, schedule):
    client = client_of(make_editor("nils", *permissions))
    assert client.get(url("change", edition)).status_code == look
    assert client.get(url("preview", edition)).status_code == look
    assert client.get(url("preview_frame", edition)).status_code == look
    assert client.get(url("stories", edition)).status_code == pick
    assert client.get(url("schedule", edition)).status_code == schedule


@pytest.mark.parametrize(
    ("permissions", "edits", "approves"),
    [(LOOKER, 403, 403), (EDITOR, 302, 403), (SENDER, 302, 302)],
    ids=["looker", "editor", "sender"],
)
def test_deeds(edition, permissions, edits, approves):
    client = client_of(make_editor("nils", *permissions))
    assert client.post(url("act", edition, "refresh")).status_code == edits
    assert client.post(url("act", edition, "proof")).status_code == edits
    assert client.post(url("change", edition), form_of(edition)).status_code == edits
    assert client.post(url("act", edition, "approve")).status_code == approves
    assert (Edition.objects.get(pk=edition.pk).state == "approved") == (approves == 302)


def test_an_editor_who_may_not_send_sees_no_such_button(edition, chief):
    client = client_of(make_editor("nils", *EDITOR))
    page = client.get(url("change", edition)).content.decode()
    assert "Add stories" in page
    assert "Approve</button>" not in page
    compose.approve(edition, actor=chief, now=NOW)
    page = client.get(url("change", edition)).content.decode()
    assert "Back to draft" not in page
    assert "Schedule or send now" not in page


def test_strangers_are_asked_to_sign_in(client, edition):
    for name in ("change", "preview", "preview_frame", "stories", "schedule"):
        assert "/admin/login/" in client.get(url(name, edition)).url

"""The preview: every segment, every view, in a frame that can do nothing."""

import email
from email.policy import default as modern

import pytest

from newsletter.admin.preview import in_scheme
from tests.newsletter.admin.test_edition_page import url

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("segment", ["researchers", "engineers", ""])
@pytest.mark.parametrize("view", ["html", "text", "source"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_segment_view_and_scheme_opens(desk, edition, segment, view, scheme):
    state = {"segment": segment, "view": view, "width": "375", "scheme": scheme}
    answer = desk.get(url("preview", edition), state)
    page = answer.content.decode()
    assert answer.status_code == 200
    assert edition.subject in page
    if view == "html":
        assert 'sandbox="allow-popups' in page
        assert "allow-scripts" not in page
        assert f"segment={segment}&amp;view=html&amp;width=375&amp;scheme={scheme}" in page
        frame = desk.get(url("preview_frame", edition), state)
        assert edition.items.first().copy["headline"] in frame.content.decode()
        assert "READER-SLOT-" not in frame.content.decode()
    else:
        assert edition.items.first().copy["headline"] in page
        assert "READER-SLOT-" not in page


def test_the_frame_runs_nothing_and_loads_nothing(desk, edition):
    answer = desk.get(url("preview_frame", edition))
    policy = answer["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert policy.startswith("sandbox allow-popups")
    assert answer["X-Frame-Options"] == "SAMEORIGIN"


def test_the_source_is_the_whole_message(desk, edition):
    plain = desk.get(url("preview", edition), {"view": "source"}).context["plain"]
    message = email.message_from_string(plain, policy=modern)
    assert message["Subject"] == edition.subject
    assert message.get_content_type() == "multipart/alternative"


def test_each_segment_reads_its_own_story_first(desk, edition):
    _, for_engineers, _ = (item.copy["headline"] for item in edition.items.all())
    plain = desk.get(url("preview", edition), {"segment": "engineers", "view": "text"}).context["plain"]
    others = [item.copy["headline"] for item in edition.items.all() if item.copy["headline"] != for_engineers]
    assert all(plain.index(for_engineers) < plain.index(other) for other in others)


def test_nonsense_in_the_address_falls_back_to_the_first_choice(desk, edition):
    state = {"segment": "../etc", "view": "<script>", "width": "9999999", "scheme": "pink"}
    view = desk.get(url("preview", edition), state).context["view"]
    assert (view.segment, view.view, view.width, view.scheme) == ("researchers", "html", "800", "light")


def test_text_that_no_mail_may_hold_is_told_instead_of_failing(desk, edition):
    type(edition).objects.filter(pk=edition.pk).update(subject="READER-SLOT-LEAVE")
    assert "reserved word" in desk.get(url("preview", edition)).content.decode()
    assert desk.get(url("preview_frame", edition)).status_code == 200


def test_a_scheme_is_forced_whatever_the_machine_prefers():
    css = "@media (prefers-color-scheme: dark) { } @media screen and (prefers-color-scheme:light) { }"
    assert in_scheme(css, "dark") == "@media all { } @media screen and not all { }"

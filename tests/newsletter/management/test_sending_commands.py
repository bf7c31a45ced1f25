import email
import email.policy
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from newsletter.models import Campaign, Delivery
from newsletter.sending import clock
from tests.makers import make_edition, make_newsletter, make_segment, make_story, make_subscriber
from tests.newsletter.sending.conftest import approved_edition, own_journal, postbox  # noqa: F401

pytestmark = pytest.mark.django_db


def run(*words: str) -> str:
    out = StringIO()
    call_command(*words, stdout=out)
    return out.getvalue()


@pytest.fixture
def edition():
    newsletter = make_newsletter(hold_seconds=300, slug="weekly", weekly=False)
    make_segment(newsletter, "researchers")
    make_subscriber(newsletter, "researchers", email="ada@example.org", name="Ada")
    make_subscriber(newsletter, email="bea@example.org")
    return approved_edition(newsletter, slug="first")


def test_send_edition_freezes_and_waits_for_the_hold(edition, postbox):  # noqa: F811
    assert "is frozen and leaves at" in run("send_edition", "first")
    assert Campaign.objects.get().state == "frozen"
    assert postbox.truth == []


def test_send_edition_now_and_wait_sends_in_this_process_and_only_once(edition, postbox):  # noqa: F811
    assert "Done, 2 of 2 ended" in run("send_edition", "first", "--now", "--wait")
    again = run("send_edition", str(edition.pk), "--now", "--wait")
    assert "already started by send_edition" in again
    assert postbox.copies() == {"ada@example.org": 1, "bea@example.org": 1}


def test_send_edition_approves_nothing():
    newsletter = make_newsletter()
    make_subscriber(newsletter)
    make_edition(newsletter, [make_story()], slug="draft")
    with pytest.raises(CommandError, match="not approved"):
        run("send_edition", "draft", "--now")
    assert not Delivery.objects.exists()


def test_a_wrong_name_is_answered_with_the_right_ones(edition):
    with pytest.raises(CommandError, match="No edition is named 'frist'. Use an id or one of: weekly/first"):
        run("send_edition", "frist")
    with pytest.raises(CommandError, match="no segment 'x'. Use one of: researchers"):
        run("render", "first", "--segment", "x")
    with pytest.raises(CommandError, match="There is no campaign 9"):
        run("campaign", "9")


def test_a_slug_of_two_newsletters_needs_the_newsletters_name(edition):
    other = make_newsletter(slug="daily")
    make_edition(other, [make_story()], slug="first")
    with pytest.raises(CommandError, match="Several editions are named 'first'"):
        run("render", "first")
    assert "Subject:" in run("render", "weekly/first")


def test_tick_does_what_is_due(edition):
    type(edition).objects.update(slot=clock.database_now())
    assert "Nothing to send." in run("tick")
    assert Campaign.objects.get().state == "frozen"
    Campaign.objects.update(held_until=clock.database_now())
    assert "1 campaign(s) to send." in run("tick")


def test_campaign_shows_how_far_it_is(edition, postbox):  # noqa: F811
    run("send_edition", "first", "--now", "--wait")
    shown = run("campaign")
    assert "Done" in shown
    assert "2/2" in shown
    assert "sent                 2" in shown


@pytest.mark.parametrize("form", ["eml", "html", "text"])
def test_render_writes_the_mail_of_a_segment(edition, tmp_path: Path, form):
    target = tmp_path / "out"
    run("render", "first", "--segment", "researchers", "--format", form, "--out", str(target))
    data = target.read_bytes()
    if form == "eml":
        message = email.message_from_bytes(data, policy=email.policy.default)
        assert (message["Subject"], message.defects) == (edition.subject, [])
    else:
        assert edition.intro in data.decode()
        assert ("<html" in data.decode()) == (form == "html")
    assert not Campaign.objects.exists()

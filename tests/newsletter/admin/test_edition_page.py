"""The compose page: words, order, verbs, and what two editors at once are told."""

import pytest
from django.contrib.messages import get_messages
from django.urls import reverse

from newsletter.editions import compose
from newsletter.models import Campaign, Edition
from tests.makers import NOW, make_edition, make_newsletter, make_story
from tests.newsletter.admin.conftest import client_of, make_editor

pytestmark = pytest.mark.django_db


def url(name: str, edition: Edition, *more: object) -> str:
    return reverse(f"admin:newsletter_edition_{name}", args=[edition.pk, *more])


def form_of(edition: Edition, **changes: object) -> dict[str, object]:
    """What the compose page's form posts when nothing but the changes was touched."""
    items = list(edition.items.all())
    data: dict[str, object] = {
        "seen_version": edition.version,
        "subject": edition.subject,
        "preheader": edition.preheader,
        "intro": edition.intro,
        "slot_0": "2035-11-19",
        "slot_1": "10:00:00",
        "items-TOTAL_FORMS": len(items),
        "items-INITIAL_FORMS": len(items),
        "_continue": "1",
    }
    for number, item in enumerate(items):
        data |= {
            f"items-{number}-id": item.pk,
            f"items-{number}-edition": edition.pk,
            f"items-{number}-form": item.form,
            f"items-{number}-position": item.position,
        }
    return data | changes


def told(response) -> str:
    return " ".join(str(message) for message in get_messages(response.wsgi_request))


def test_the_page_shows_words_stories_and_who_sees_what(desk, edition):
    page = desk.get(url("change", edition)).content.decode()
    for text in (edition.subject, edition.preheader, "As the inbox shows it", "Who sees what", "Researchers"):
        assert text in page
    for item in edition.items.all():
        assert item.copy["headline"] in page
    assert "Planned for (Europe/Brussels)" in page
    assert 'value="10:00:00"' in page, "the hour stands as clocks in Brussels show it, in winter"
    assert "Nothing stands in the way of its approval" in page


def test_the_first_and_the_last_story_change_places(desk, edition):
    first, _, last = edition.items.all()
    answer = desk.post(
        url("change", edition),
        form_of(edition, **{"items-0-position": 2, "items-2-position": 0, "items-2-form": "lead"}),
    )
    assert answer.status_code == 302, answer.context and answer.context["adminform"].form.errors
    assert [item.pk for item in edition.items.all()][::2] == [last.pk, first.pk]
    assert edition.items.first().form == "lead"
    edition.refresh_from_db()
    assert edition.version == 2


def test_a_story_is_taken_out_by_its_tick(desk, edition):
    desk.post(url("change", edition), form_of(edition, **{"items-1-DELETE": "on"}))
    assert edition.items.count() == 2


def test_the_hour_is_read_on_the_newsletters_clocks(desk, edition):
    desk.post(url("change", edition), form_of(edition, slot_0="2035-07-05", slot_1="09:30"))
    edition.refresh_from_db()
    assert f"{edition.slot:%Y-%m-%d %H:%M}" == "2035-07-05 07:30"


def test_an_hour_has_one_edition(desk, edition):
    make_edition(edition.newsletter, [], slot=NOW.replace(year=2035, month=7, hour=7), subject="The rival")
    answer = desk.post(url("change", edition), form_of(edition, slot_0="2035-07-19", slot_1="09:00"))
    assert "“The rival” is planned for that moment" in answer.content.decode()


def test_a_subject_on_two_lines_is_refused(desk, edition):
    answer = desk.post(url("change", edition), form_of(edition, subject="One\r\nBcc: all@example.org"))
    assert answer.status_code == 200 or "\n" not in Edition.objects.get(pk=edition.pk).subject
    assert "\n" not in Edition.objects.get(pk=edition.pk).subject


def test_the_later_of_two_editors_is_told_who_and_keeps_the_input(desk, edition):
    other = client_of(make_editor("mira", "view_edition", "change_edition"))
    assert other.post(url("change", edition), form_of(edition, subject="Mira's subject")).status_code == 302

    answer = desk.post(url("change", edition), form_of(edition, subject="My own subject"))

    page = answer.content.decode()
    assert "was changed by mira on" in page
    assert "My own subject" in page
    assert Edition.objects.get(pk=edition.pk).subject == "Mira's subject"

    again = form_of(
        edition, subject="My own subject", seen_version=answer.context["adminform"].form["seen_version"].value()
    )
    assert desk.post(url("change", edition), again).status_code == 302
    assert Edition.objects.get(pk=edition.pk).subject == "My own subject"


def test_an_approved_edition_is_shown_and_not_edited(desk, chief, edition):
    compose.approve(edition, actor=chief, now=NOW)
    page = desk.get(url("change", edition)).content.decode()
    assert "take it back to draft first" in page
    assert 'name="subject"' not in page

    answer = desk.post(url("change", edition), form_of(edition, subject="Too late"))
    assert "Nothing was saved" in told(answer)
    assert Edition.objects.get(pk=edition.pk).subject != "Too late"


def test_approval_and_its_undoing_by_button(desk, edition):
    desk.post(url("act", edition, "approve"), {"version": edition.version})
    edition.refresh_from_db()
    assert (edition.state, edition.approved_by.username) == ("approved", "chief")

    desk.post(url("act", edition, "reopen"), {"version": edition.version, "reason": "A typing error"})
    edition.refresh_from_db()
    assert edition.state == "draft"
    history = desk.get(url("history", edition)).content.decode()
    assert "Approved." in history
    assert "Back to draft: A typing error" in history


def test_a_refused_approval_tells_every_reason(desk):
    bare = make_edition(make_newsletter(postal_address=""), [])
    answer = desk.post(url("act", bare, "approve"), {"version": bare.version})
    assert "no stories" in told(answer)
    assert "no postal address" in told(answer)
    page = desk.get(url("change", bare)).content.decode()
    assert "Before it can be approved" in page


def test_nobody_approves_what_they_have_not_seen(desk, edition):
    desk.post(url("change", edition), form_of(edition, subject="Newer words"))
    answer = desk.post(url("act", edition, "approve"), {"version": edition.version})
    assert "was changed by chief" in told(answer)
    assert Edition.objects.get(pk=edition.pk).state == "draft"


def test_refreshing_by_button_tells_what_was_renewed(desk, edition):
    story = edition.items.first().story
    type(story).objects.filter(pk=story.pk).update(headline="A corrected headline")
    assert "A corrected headline" in told(desk.post(url("act", edition, "refresh")))
    assert "already has its newest words" in told(desk.post(url("act", edition, "refresh")))


def test_filling_up_by_button(desk, edition):
    make_story()
    assert "Added 1 story" in told(desk.post(url("act", edition, "fill")))
    assert "Nothing to add" in told(desk.post(url("act", edition, "fill")))


def test_verbs_act_by_post_alone_and_unknown_ones_do_not_act(desk, edition):
    assert desk.get(url("act", edition, "approve")).status_code == 405
    assert desk.post(url("act", edition, "explode")).status_code == 404
    assert "too old" in told(desk.post(url("act", edition, "approve"), {"version": "x"}))
    assert Edition.objects.get(pk=edition.pk).state == "draft"


def test_what_was_scheduled_cannot_be_deleted(desk, edition):
    Campaign.objects.create(newsletter=edition.newsletter, edition=edition)
    assert desk.post(url("delete", edition), {"post": "yes"}).status_code == 403


def test_a_new_edition_is_opened_by_hand(desk, edition):
    answer = desk.post(
        reverse("admin:newsletter_edition_add"),
        {"newsletter": edition.newsletter_id, "subject": "An extra edition", "slug": "extra", "_continue": "1"},
    )
    assert answer.status_code == 302, answer.context["adminform"].form.errors
    assert Edition.objects.get(slug="extra").state == "draft"


def test_the_list_is_a_worklist(desk, edition):
    page = desk.get(reverse("admin:newsletter_edition_changelist")).content.decode()
    assert edition.subject in page
    assert "Monday 19 November 10:00 Europe/Brussels" in page

import pytest
from django.contrib.auth import get_user_model

from newsletter.editions import compose
from newsletter.editions.record import last_change
from newsletter.models import Campaign, Edition
from tests.makers import NOW, make_edition, make_newsletter, make_story

pytestmark = pytest.mark.django_db


@pytest.fixture
def editor():
    return get_user_model().objects.create_user("mira", is_staff=True)


@pytest.fixture
def edition():
    return make_edition(make_newsletter(), [make_story(), make_story()])


def frozen_campaign(edition: Edition, state: str = "frozen") -> Campaign:
    return Campaign.objects.create(
        newsletter=edition.newsletter,
        edition=edition,
        state=state,
        content_hash="x",
        frozen_count=1,
        held_until=NOW,
    )


def test_stories_are_added_at_the_end_with_their_words(edition, editor):
    story = make_story()
    added = compose.add_stories(edition, [story.pk], actor=editor, now=NOW)
    last = edition.items.last()
    assert added.added == [story.headline]
    assert (last.story_id, last.copy["headline"], last.form) == (story.pk, story.headline, "normal")
    assert last_change(edition).by == "mira"


def test_a_story_that_is_there_already_or_not_public_is_told(edition, editor):
    here, draft = edition.items.first(), make_story(state="drafted")
    added = compose.add_stories(edition, [here.story_id, draft.pk, 999_999], actor=editor, now=NOW)
    assert added.already == [str(here)]
    assert added.not_public == [draft.pk, 999_999]
    assert added.added == []
    assert edition.items.count() == 2


def test_the_first_two_stories_of_an_edition_lead(editor):
    edition = make_edition(make_newsletter(), [])
    compose.add_stories(edition, [make_story().pk for _ in range(3)], actor=editor, now=NOW)
    assert [item.form for item in edition.items.all()] == ["lead", "lead", "normal"]


def test_removing_takes_items_of_this_edition_only(edition, editor):
    other = make_edition(edition.newsletter, [make_story()])
    gone = [edition.items.first().pk, other.items.first().pk]
    assert compose.remove(edition, gone, actor=editor, now=NOW) == 1
    assert other.items.count() == 1


def test_refreshing_takes_the_newest_words_and_tells_what_is_gone(edition):
    first, second = (item.story for item in edition.items.all())
    type(first).objects.filter(pk=first.pk).update(headline="A better headline")
    type(second).objects.filter(pk=second.pk).update(state="withdrawn")

    refreshed = compose.refresh_copies(edition)

    assert refreshed.renewed == ["A better headline"]
    assert refreshed.gone == [second.headline]
    assert edition.items.first().copy["headline"] == "A better headline"
    assert compose.refresh_copies(edition).renewed == [], "a second time there is nothing to renew"


def test_approval_keeps_who_when_and_what(edition, editor):
    compose.approve(edition, actor=editor, now=NOW)
    stored = Edition.objects.get(pk=edition.pk)
    assert (stored.state, stored.approved_by, stored.approved_at) == ("approved", editor, NOW)
    assert stored.content_hash == edition.content_hash == compose.content_hash(stored)
    assert not compose.changed_since_approval(stored)


def test_approval_is_refused_with_all_reasons_at_once(editor):
    edition = make_edition(make_newsletter(postal_address=" "), [], subject="")
    with pytest.raises(compose.ComposeRefused) as refused:
        compose.approve(edition, actor=editor, now=NOW)
    assert len(refused.value.reasons) == 3
    assert "subject" in str(refused.value)
    assert "stories" in str(refused.value)
    assert "postal address" in str(refused.value)


def test_a_story_that_changed_since_its_copy_stops_the_first_approval_only(edition, editor):
    story = edition.items.first().story
    type(story).objects.filter(pk=story.pk).update(hook="Another hook")
    with pytest.raises(compose.ComposeRefused, match="had changed since it was added"):
        compose.approve(edition, actor=editor, now=NOW)
    assert edition.items.first().copy["hook"] == "Another hook"
    compose.approve(edition, actor=editor, now=NOW)


def test_a_story_that_may_no_longer_be_shown_stops_every_approval(edition, editor):
    story = edition.items.first().story
    type(story).objects.filter(pk=story.pk).update(state="spiked")
    for _ in range(2):
        with pytest.raises(compose.ComposeRefused, match="may no longer be shown"):
            compose.approve(edition, actor=editor, now=NOW)


def test_a_deleted_story_stops_the_approval_too(edition, editor):
    edition.items.first().story.delete()
    assert len(compose.blockers(edition)) == 1


@pytest.mark.parametrize(
    "change",
    [
        lambda edition: Edition.objects.filter(pk=edition.pk).update(intro="Other words"),
        lambda edition: edition.items.filter(position=0).update(form="brief"),
        lambda edition: edition.items.filter(position=0).update(position=9),
        lambda edition: type(edition.newsletter).objects.filter(pk=edition.newsletter_id).update(from_name="Other"),
    ],
    ids=["intro", "form", "order", "sender"],
)
def test_anything_a_reader_would_see_counts_as_a_change(edition, editor, change):
    compose.approve(edition, actor=editor, now=NOW)
    change(edition)
    assert compose.changed_since_approval(Edition.objects.get(pk=edition.pk))


def test_an_approved_edition_is_final_until_it_is_reopened(edition, editor):
    compose.approve(edition, actor=editor, now=NOW)
    assert compose.is_locked(edition)
    for verb in (
        lambda: compose.add_stories(edition, [make_story().pk], actor=editor, now=NOW),
        lambda: compose.remove(edition, [edition.items.first().pk], actor=editor, now=NOW),
        lambda: compose.refresh_copies(edition),
        lambda: compose.take_turn(edition.pk, version=edition.version),
    ):
        with pytest.raises(compose.ComposeRefused, match=r"is approved \(mira.*take it back to draft"):
            verb()
    with pytest.raises(compose.ComposeRefused, match="approved already"):
        compose.approve(edition, actor=editor, now=NOW)

    compose.reopen(edition, actor=editor, reason="A typing error", now=NOW)
    assert not compose.is_locked(edition)
    assert edition.approved_at is None
    with pytest.raises(compose.ComposeRefused, match="draft already"):
        compose.reopen(edition, actor=editor, reason="", now=NOW)


@pytest.mark.parametrize("state", ["frozen", "sending", "paused", "done"])
def test_what_a_campaign_froze_cannot_be_reopened(edition, editor, state):
    compose.approve(edition, actor=editor, now=NOW)
    frozen_campaign(edition, state)
    with pytest.raises(compose.ComposeRefused, match="belongs to a campaign"):
        compose.reopen(edition, actor=editor, reason="", now=NOW)


@pytest.mark.parametrize("state", ["draft", "missed", "cancelled"])
def test_a_campaign_that_froze_nothing_lets_it_go(edition, editor, state):
    compose.approve(edition, actor=editor, now=NOW)
    Campaign.objects.create(newsletter=edition.newsletter, edition=edition, state=state)
    compose.reopen(edition, actor=editor, reason="", now=NOW)
    assert edition.state == "draft"


def test_the_second_of_two_editors_is_told_about_the_first(edition, editor):
    stale = Edition.objects.get(pk=edition.pk)
    compose.add_stories(edition, [make_story().pk], actor=editor, now=NOW)
    for verb in (
        lambda: compose.add_stories(stale, [make_story().pk], actor=editor, now=NOW),
        lambda: compose.approve(stale, actor=editor, now=NOW),
        lambda: compose.take_turn(stale.pk, version=stale.version),
    ):
        with pytest.raises(compose.VersionClash, match="changed by mira on 19 November at 09:00 UTC"):
            verb()


def test_a_stale_approval_is_told_to_look_before_it_approves(edition, editor):
    stale = Edition.objects.get(pk=edition.pk)
    compose.add_stories(edition, [make_story().pk], actor=editor, now=NOW)
    with pytest.raises(compose.VersionClash, match="Look at it again before you approve it"):
        compose.approve(stale, actor=editor, now=NOW)
    with pytest.raises(compose.VersionClash, match="Look at it again before you refresh its copies"):
        compose.refresh_copies(stale)


def test_drift_tells_what_the_desk_did_to_the_stories_since(edition, editor):
    compose.approve(edition, actor=editor, now=NOW)
    assert compose.drift(edition) == compose.Drift()
    first, second = edition.items.all()
    type(first.story).objects.filter(pk=first.story_id).update(state="withdrawn")
    type(second.story).objects.filter(pk=second.story_id).update(hook="Another hook")
    drift = compose.drift(edition)
    assert drift.gone == [f"“{first}” may no longer be shown: take the edition back to draft and remove it."]
    assert drift.altered == [f"“{second}” has changed since this edition was approved; back to draft refreshes it."]


def test_two_approvals_at_once_have_one_winner(edition, editor):
    twin = Edition.objects.get(pk=edition.pk)
    compose.approve(edition, actor=editor, now=NOW)
    with pytest.raises(compose.ComposeRefused, match="mira"):
        compose.approve(twin, actor="a command", now=NOW)

from datetime import UTC, datetime, time, timedelta
from threading import Thread

import pytest
from django.db import connection

from newsletter.editions import compose, plan
from newsletter.models import Edition, Newsletter
from tests.makers import NOW, make_edition, make_newsletter, make_story

pytestmark = pytest.mark.django_db

NEXT = datetime(2026, 11, 26, 8, 0, tzinfo=UTC)  # Thursday 09:00 in Brussels


def test_opens_the_next_slots_edition_filled_with_the_newest_stories():
    newsletter = make_newsletter(stories_per_edition=3)
    stories = [make_story(published_at=NOW - timedelta(hours=age)) for age in range(5)]

    [edition] = plan.open_next_editions(now=NOW)

    assert (edition.newsletter, edition.slot, edition.slug) == (newsletter, NEXT, "2026-w48")
    assert [item.story_id for item in edition.items.all()] == [story.pk for story in stories[:3]]
    assert [item.form for item in edition.items.all()] == ["lead", "lead", "normal"]
    assert edition.state == Edition.State.DRAFT


def test_opens_each_edition_once():
    make_newsletter()
    assert len(plan.open_next_editions(now=NOW)) == 1
    assert plan.open_next_editions(now=NOW) == []
    assert len(plan.open_next_editions(now=NEXT)) == 1, "at the slot itself the following week's edition opens"


def test_leaves_the_weeks_edition_alone_when_editors_moved_its_hour():
    make_newsletter()
    [edition] = plan.open_next_editions(now=NOW)
    Edition.objects.filter(pk=edition.pk).update(slot=NEXT + timedelta(hours=3))
    assert plan.open_next_editions(now=NOW) == []


def test_an_edition_sent_before_its_time_does_not_eat_the_next_one():
    make_newsletter()
    [early] = plan.open_next_editions(now=NOW)
    Edition.objects.filter(pk=early.pk).update(sent_at=NOW)
    [edition] = plan.open_next_editions(now=NOW)
    assert (edition.slot, edition.slug) == (NEXT + timedelta(days=7), "2026-w49")
    assert plan.open_next_editions(now=NOW) == []
    assert plan.open_next_editions(now=NEXT) == [], "its own week's edition stands already"


def test_two_editions_sent_before_their_time_leave_the_third_slot():
    make_newsletter()
    for weeks in range(3):
        [edition] = plan.open_next_editions(now=NOW)
        assert edition.slot == NEXT + timedelta(weeks=weeks)
        Edition.objects.filter(pk=edition.pk).update(sent_at=NOW)


def test_a_newsletter_without_a_weekly_slot_gets_none():
    make_newsletter(weekly=False)
    assert plan.open_next_editions(now=NOW) == []


def test_stories_of_earlier_editions_are_not_taken_again():
    newsletter = make_newsletter()
    used, fresh = make_story(), make_story()
    make_edition(newsletter, [used])
    [edition] = plan.open_next_editions(now=NOW)
    assert [item.story_id for item in edition.items.all()] == [fresh.pk]


def test_without_stories_the_edition_stands_empty_with_a_plain_subject():
    make_newsletter(name="The Recap")
    [edition] = plan.open_next_editions(now=NOW)
    assert edition.subject == "The Recap, 2026-w48"
    assert edition.items.count() == 0


@pytest.mark.parametrize(
    ("headlines", "subject"),
    [
        (["Short one", "Short two"], "Short one; Short two"),
        (["A" * 40, "B" * 40], "A" * 40),
        (["word " * 20], ("word " * 13).strip() + "…"),
        ([], ""),
    ],
    ids=["both fit", "one fits", "cut at a word", "none"],
)
def test_the_subject_is_made_of_the_top_headlines(headlines, subject):
    assert plan.subject_from(headlines) == subject
    assert len(plan.subject_from(headlines)) <= 70


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_four_schedulers_at_once_open_one_edition():
    if connection.vendor == "sqlite" and connection.is_in_memory_db():
        pytest.skip("an in-memory database has one connection")
    make_newsletter(wall_time=time(9))
    opened: list[Edition] = []

    def schedule() -> None:
        opened.extend(plan.open_next_editions(now=NOW))
        connection.close()

    threads = [Thread(target=schedule) for _ in range(4)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert Edition.objects.count() == len(opened) == 1


def test_the_default_newsletter_has_a_slot():
    newsletter = Newsletter.objects.create(name="Plain", slug="plain", from_name="P", from_email="p@example.org")
    newsletter.refresh_from_db()
    assert plan.slot_after(newsletter, after=NOW) == datetime(2026, 11, 26, 9, 0, tzinfo=UTC)


def test_filling_up_stops_at_the_newsletters_usual_number():
    newsletter = make_newsletter(stories_per_edition=2)
    edition = make_edition(newsletter, [make_story()])
    for _ in range(3):
        make_story()
    assert len(compose.fill_up(edition, actor="a test", now=NOW).added) == 1
    assert compose.fill_up(edition, actor="a test", now=NOW).added == []

"""The demo is loaded once, whole, and is left alone afterwards."""

import pytest
from django.contrib.auth import get_user_model
from django.core.management import call_command

from newsletter.audience import segments
from newsletter.demo import load
from newsletter.demo.readers import READERS
from newsletter.models import Edition, Newsletter, Segment, Subscriber

pytestmark = pytest.mark.django_db


def test_makes_sixty_readers_of_whom_everyone_belongs_to_a_segment() -> None:
    call_command("demo", verbosity=0)
    newsletter = Newsletter.objects.get()
    assert Subscriber.objects.count() == len(READERS) == 60
    assert set(Subscriber.objects.values_list("email", flat=True)) == {f"{each.local}@example.org" for each in READERS}
    found = [set(segments.members(segment)) for segment in Segment.objects.filter(newsletter=newsletter)]
    assert len(found) == 5
    assert all(found)
    assert len(set.union(*found)) == 60


def test_plans_one_edition_for_now_and_one_for_next_week() -> None:
    call_command("demo", verbosity=0)
    now, later = Edition.objects.order_by("slot")
    assert (now.state, later.state) == ("approved", "draft")
    assert now.slot is not None
    assert later.slot is not None
    assert 6 <= (later.slot - now.slot).days <= 7
    assert now.items.count() == 12
    assert now.items.first().copy["slug"] == load.SEED  # type: ignore[union-attr]
    assert later.items.count() >= 3


def test_a_second_start_changes_nothing_not_even_a_password_that_was_changed() -> None:
    call_command("demo", verbosity=0)
    editor = get_user_model().objects.get(username="editor")
    editor.set_password("my own words, thank you")
    editor.save()
    before = Subscriber.objects.count(), Edition.objects.count()
    call_command("demo", verbosity=0)
    editor.refresh_from_db()
    assert editor.check_password("my own words, thank you")
    assert (Subscriber.objects.count(), Edition.objects.count()) == before

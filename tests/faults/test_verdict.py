"""The comparison itself can fail: each promise is broken once by hand."""

from typing import Any

import pytest

from newsletter.models import Campaign, Delivery
from newsletter.sending.clock import database_now
from tests.faults.campaign import begin
from tests.faults.leavers import Leave, leave, mailed_after_leaving
from tests.faults.truth import Refused, Taken
from tests.faults.verdict import judge

pytestmark = pytest.mark.django_db


@pytest.fixture
def campaign() -> Campaign:
    """To a, b and c, all of whom have it, as the ledger says."""
    campaign = begin(["a@example.org", "b@example.org", "c@example.org"], policy="resend")
    settle(campaign, "abc", state="sent", reply="250 taken", attempts=1)
    Campaign.objects.filter(pk=campaign.pk).update(state="done")
    campaign.chunks.update(closed=True)
    return campaign


def settle(campaign: Campaign, names: str, **fields: Any) -> None:
    rows = Delivery.objects.filter(campaign=campaign, subscriber__email__in=[f"{name}@example.org" for name in names])
    rows.update(settled_at=database_now(), **fields)


def took(campaign: Campaign, names: str, **fields: Any) -> list[Taken]:
    found = []
    for name in names:
        row = Delivery.objects.get(campaign=campaign, subscriber__email=f"{name}@example.org")
        values = {"heard_at": 1.0, "message_id": row.message_id, "whole": True, "line": 0, **fields}
        found.append(Taken(recipient=f"{name}@example.org", **values))
    return found


def test_all_is_well_when_everybody_has_one(campaign: Campaign) -> None:
    assert judge(campaign, took(campaign, "abc")).broken_promises == []


def test_one_whom_the_server_never_got_is_lost(campaign: Campaign) -> None:
    assert judge(campaign, took(campaign, "ab")).lost == 1


def test_a_second_copy_without_a_doubt_is_doubled(campaign: Campaign) -> None:
    verdict = judge(campaign, took(campaign, "abcc"))
    assert (verdict.doubled_outside_doubt, verdict.extra_copies) == (1, 1)


def test_a_message_of_somebody_else_or_cut_short_is_mixed_up(campaign: Campaign) -> None:
    assert judge(campaign, took(campaign, "ab") + took(campaign, "c", message_id="of-another")).mixed_up == 1
    assert judge(campaign, took(campaign, "ab") + took(campaign, "c", whole=False)).mixed_up == 1


def test_more_doubts_than_broken_connections_are_too_many() -> None:
    campaign = begin(["a@example.org"], policy="resend")
    settle(campaign, "a", state="sent", reply="250 taken", attempts=2, doubts=1, doubted_at=database_now())
    Campaign.objects.filter(pk=campaign.pk).update(state="done")
    campaign.chunks.update(closed=True)
    verdict = judge(campaign, took(campaign, "aa"))
    assert (verdict.doubled_outside_doubt, verdict.broken_promises) == (0, ["doubts"])
    verdict.broken_connections = 1
    assert verdict.broken_promises == []


def test_what_is_open_is_unsettled_and_not_lost() -> None:
    verdict = judge(begin(["a@example.org"], policy="resend"), [])
    assert (verdict.lost, verdict.unsettled) == (0, 1)


def test_a_refusal_that_the_server_never_spoke_is_a_loss() -> None:
    campaign = begin(["a@example.org"], policy="resend")
    settle(campaign, "a", state="rejected", reply="550 nobody", attempts=1)
    assert judge(campaign, []).lost == 1
    assert judge(campaign, [Refused("a@example.org")]).lost == 0


def test_a_message_after_the_leave_was_answered_breaks_the_promise() -> None:
    campaign = begin(["a@example.org"], policy="resend")
    row = campaign.deliveries.get()
    left = leave(campaign, delivery=row.pk, key=row.subscriber.key, recipient="a@example.org")
    assert left
    assert left.is_protected
    for seconds, broken in [(-1, []), (1, [left])]:
        copies = {"a@example.org": took(campaign, "a", heard_at=left.at + seconds)}
        assert mailed_after_leaving([left], copies, {row.pk: 1}) == broken


def test_one_in_doubt_may_still_arrive_but_is_not_tried_again() -> None:
    left = Leave("a@example.org", 1, 10.0, "in_doubt", doubts=1, attempts=1, in_window=False)
    late = {"a@example.org": [Taken(11.0, "a@example.org", "x", True, 0)]}
    assert mailed_after_leaving([left], late, {1: 1}) == []
    assert mailed_after_leaving([left], late, {1: 2}) == [left]

"""The operator's page of a campaign: what it tells, its buttons, and what a person decides about a doubt."""

import csv
import io
from datetime import timedelta

import pytest
from django.contrib.messages import get_messages
from django.urls import reverse
from django.utils import timezone

from newsletter.editions import compose
from newsletter.models import Campaign, CampaignMinute, Chunk, Delivery
from newsletter.sending import again, campaigns
from tests.makers import NOW
from tests.newsletter.admin.conftest import client_of, make_editor

pytestmark = pytest.mark.django_db


def url(name: str, *more: object) -> str:
    return reverse(f"admin:newsletter_campaign_{name}", args=more)


def told(answer) -> str:
    return " ".join(str(message) for message in get_messages(answer.wsgi_request))


def shown(desk, campaign: Campaign) -> str:
    page = desk.get(url("change", campaign.pk)).content.decode()
    live = desk.get(url("live", campaign.pk)).content.decode()
    assert "<html" in page
    assert "<html" not in live
    return live


def doubt(campaign: Campaign, number: int = 0, **values: object) -> Delivery:
    now = timezone.now()
    values = {"state": "in_doubt", "doubts": 1, "attempts": 1, "doubted_at": now, "reply": "Lost at the dot.", **values}
    Delivery.objects.filter(campaign=campaign, number=number).update(**values)
    return Delivery.objects.select_related("subscriber").get(campaign=campaign, number=number)


# --- What it tells ---------------------------------------------------------------------------------------------------


def test_it_tells_how_far_the_campaign_is(desk, frozen):
    page = desk.get(url("change", frozen.pk)).content.decode()
    assert "Held for 3 readers" in page
    assert "Who decided what" in page
    assert f"campaign__id__exact={frozen.pk}&amp;state__exact=queued" in page
    assert '<progress class="campaign-bar" max="3" value="0"' in page
    assert 'name="_save"' not in page


def test_it_tells_rate_time_left_and_the_minutes(desk, sending):
    now = timezone.now()
    minute = now.replace(second=0, microsecond=0)
    Campaign.objects.update(started_at=now - timedelta(hours=1))
    for ago in (0, 1, 2):
        CampaignMinute.objects.create(campaign=sending, minute=minute - timedelta(minutes=ago), sent=6_000)
    live = shown(desk, sending)
    assert " a second, about " in live
    assert live.count('<rect class="campaign-chart-sent"') == 3
    assert '<td class="compose-number">6,000</td>' in live


def test_it_tells_errors_by_kind_with_the_newest_words_and_when(desk, sending):
    now = timezone.now()
    refused = {"state": "rejected", "reply": "550 5.1.1 <old> unknown", "settled_at": now - timedelta(hours=3)}
    doubt(sending, 0, doubted_at=None, doubts=0, **refused)
    doubt(sending, 1, doubted_at=None, doubts=0, **refused | {"reply": "550 5.1.1 <new> unknown", "settled_at": now})
    live = shown(desk, sending)
    assert "2 ×" in live
    assert "&lt;new&gt; unknown" in live
    assert "&lt;old&gt;" not in live
    assert "last at" in live


def test_it_tells_what_it_waits_for(desk, sending):
    later = timezone.now() + timedelta(minutes=20)
    waits = {"state": "deferred", "paced": True, "attempts": 0, "next_attempt_at": later, "reply": ""}
    doubt(sending, 0, doubted_at=None, doubts=0, **waits)
    Chunk.objects.update(due_at=later)
    Campaign.objects.update(trouble="The warm-up plan allows no more today.")
    live = shown(desk, sending)
    assert "1 reader waits for a place at their domain" in live
    assert "Nothing is due before" in live
    assert "The warm-up plan allows no more today." in live


def test_a_stalled_one_says_so_with_the_last_error(desk, sending):
    long_ago = timezone.now() - timedelta(minutes=6)
    Campaign.objects.update(progress_at=long_ago)
    Chunk.objects.update(due_at=long_ago)
    doubt(sending, 0, doubted_at=None, doubts=0, state="rejected", reply="550 go away", settled_at=long_ago)
    live = shown(desk, sending)
    assert "Stalled at 1 of 3 readers" in live
    assert "The last error was: 550 go away" in live


def test_it_tells_who_was_left_out_and_who_left_before_it_went(desk, sending):
    Campaign.objects.update(excluded={"pending": 2})
    doubt(sending, 0, doubted_at=None, doubts=0, state="suppressed", settled_at=timezone.now(), reply="")
    live = shown(desk, sending)
    assert "2 not confirmed yet" in live
    assert 'state__exact=suppressed">1</a> left or were suppressed' in live


def test_a_screen_reader_hears_what_happens_and_not_every_number(desk, sending):
    def heard() -> str:
        return shown(desk, sending).partition('data-campaign-heard="')[2].partition('"')[0]

    before = heard()
    CampaignMinute.objects.create(campaign=sending, minute=timezone.now().replace(second=0, microsecond=0), sent=9)
    assert heard() == before == "Sending, 0 % of 3 readers."
    doubt(sending, 0, doubted_at=None, doubts=0, state="sent", reply="250 ok", settled_at=timezone.now())
    assert heard() == "Sending, 30 % of 3 readers."


# --- Its buttons -----------------------------------------------------------------------------------------------------


def test_the_buttons_move_the_campaign(desk, frozen):
    for verb, reason, state in [
        ("pause", "The link on top is wrong", "paused"),
        ("resume", "", "frozen"),
        ("release", "", "sending"),
        ("cancel", "Enough", "cancelled"),
    ]:
        desk.post(url("act", frozen.pk, verb), {"reason": reason})
        frozen.refresh_from_db()
        assert frozen.state == state, verb
    assert [move.reason for move in frozen.moves.all()][-1] == "Enough"
    page = desk.get(url("change", frozen.pk)).content.decode()
    assert "The link on top is wrong" in page
    assert "data-campaign-over" in page


def test_paused_in_its_hold_it_resumes_and_only_later_sends_to_the_rest(desk, frozen):
    desk.post(url("act", frozen.pk, "pause"))
    page = desk.get(url("change", frozen.pk)).content.decode()
    assert "Resume, back to the hold" in page
    assert "Paused in its hold: none of 3 readers has been mailed." in page
    assert "the rest" not in page
    assert "The hold has begun anew" in told(desk.post(url("act", frozen.pk, "resume")))

    for verb in ("release", "pause"):
        desk.post(url("act", frozen.pk, verb))
    page = desk.get(url("change", frozen.pk)).content.decode()
    assert "Send to the rest" in page
    assert "Resume" not in page
    assert "goes on with the rest" in told(desk.post(url("act", frozen.pk, "resume")))


def test_a_move_that_comes_too_late_is_told(desk, frozen):
    desk.post(url("act", frozen.pk, "cancel"))
    answer = desk.post(url("act", frozen.pk, "pause"))
    assert "the campaign is cancelled (chief" in told(answer)


def test_a_missed_campaign_is_sent_by_its_button(desk, edition, chief):
    compose.approve(edition, actor=chief, now=NOW)
    campaign = campaigns.start(edition, slot=None, actor=chief, now=timezone.now())
    campaigns.miss(campaign, now=timezone.now())
    assert "waits for a person" in desk.get(url("change", campaign.pk)).content.decode()
    desk.post(url("act", campaign.pk, "send_missed"))
    campaign.refresh_from_db()
    assert campaign.state == "frozen"


def test_only_the_permitted_move_a_campaign(frozen):
    reader = client_of(make_editor("nils", "view_campaign", "view_edition", "change_edition"))
    assert reader.get(url("change", frozen.pk)).status_code == 200
    assert "Cancel" not in reader.get(url("live", frozen.pk)).content.decode()
    assert reader.post(url("act", frozen.pk, "cancel")).status_code == 403
    frozen.refresh_from_db()
    assert frozen.state == "frozen"


def test_verbs_are_posts(desk, frozen):
    assert desk.get(url("act", frozen.pk, "cancel")).status_code == 405
    assert desk.post(url("act", frozen.pk, "explode")).status_code == 404
    assert desk.get(url("live", 999)).status_code == 404


# --- Doubts ----------------------------------------------------------------------------------------------------------


def test_doubts_are_named_with_their_reason_and_what_happens_next(desk, sending):
    soon = timezone.now() + timedelta(minutes=25, seconds=30)
    doubted = doubt(sending, next_attempt_at=soon, reply="")
    live = shown(desk, sending)
    assert doubted.subscriber.email in live
    assert "The connection broke before the server answered." in live
    assert "at most 1 copy" in live
    assert "(in 25 min); then it is sent again, under the same Message-ID." in live
    Campaign.objects.update(doubt_policy="skip")
    assert "then it ends as unknown." in shown(desk, sending)


@pytest.mark.parametrize(
    ("state", "offered"),
    [
        ("in_doubt", ["Send again now", "Let it be"]),
        ("unknown", ["Mail it again"]),
        ("sent", []),
        ("queued", []),
    ],
)
def test_each_doubt_has_the_buttons_that_it_needs(desk, sending, state, offered):
    doubt(sending, state=state, settled_at=timezone.now(), reply="250 ok")
    live = shown(desk, sending)
    assert [each for each in ("Send again now", "Let it be", "Mail it again") if f">{each}</button>" in live] == offered


@pytest.mark.parametrize(("verb", "state"), [("send_again", "queued"), ("let_be", "unknown")])
def test_a_person_decides_and_it_is_shown_who(desk, sending, verb, state):
    doubted = doubt(sending)
    answer = desk.post(url("doubt", sending.pk, doubted.pk, verb), {"attempts": "1"})
    assert answer.url == url("change", sending.pk) + "#doubts"
    doubted.refresh_from_db()
    assert doubted.state == state
    assert f"chief: {'Send again now' if verb == 'send_again' else 'Let it be'}, " in shown(desk, sending)
    assert "came too late" in told(desk.post(url("doubt", sending.pk, doubted.pk, verb), {"attempts": "1"}))


def test_mail_it_again_is_asked_for_once(desk, sending):
    doubted = doubt(sending, state="unknown", settled_at=timezone.now())
    for _ in range(2):
        answer = desk.post(url("doubt", sending.pk, doubted.pk, "mail_again"), {"attempts": "1"})
    assert "came too late" in told(answer)
    assert again.asked() == [doubted.pk]
    live = shown(desk, sending)
    assert "One more mail is on its way." in live
    assert ">Mail it again</button>" not in live


def test_doubts_are_decided_by_post_with_the_permission_and_for_this_campaign(desk, sending):
    doubted = doubt(sending)
    decide = url("doubt", sending.pk, doubted.pk, "let_be")
    reader = client_of(make_editor("nils", "view_campaign", "view_delivery"))
    assert "Let it be</button>" not in reader.get(url("live", sending.pk)).content.decode()
    assert reader.post(decide, {"attempts": "1"}).status_code == 403
    assert desk.get(decide).status_code == 405
    assert desk.post(decide).status_code == 404
    assert desk.post(url("doubt", sending.pk, doubted.pk, "explode"), {"attempts": "1"}).status_code == 404
    assert desk.post(url("doubt", sending.pk + 1, doubted.pk, "let_be"), {"attempts": "1"}).status_code == 404
    doubted.refresh_from_db()
    assert doubted.state == "in_doubt"


# --- CSV -------------------------------------------------------------------------------------------------------------


def test_deliveries_come_as_csv_by_state_streamed(desk, sending):
    doubt(sending, 1, state="rejected", reply="=HYPERLINK(1)", doubted_at=None, settled_at=timezone.now())
    answer = desk.get(url("csv", sending.pk, "rejected"))
    assert answer.streaming
    assert answer["Content-Disposition"] == f'attachment; filename="campaign-{sending.pk}-rejected.csv"'
    (row,) = csv.DictReader(io.StringIO(answer.getvalue().decode(), newline=""))
    assert (row["number"], row["words"]) == ("1", "'=HYPERLINK(1)")
    assert len(list(csv.reader(io.StringIO(desk.get(url("csv", sending.pk, "all")).getvalue().decode())))) == 4
    assert url("csv", sending.pk, "rejected") in shown(desk, sending)


def test_addresses_leave_only_with_the_permission_to_see_deliveries(desk, sending):
    reader = client_of(make_editor("nils", "view_campaign"))
    assert reader.get(url("csv", sending.pk, "all")).status_code == 403
    assert "Download as CSV" not in reader.get(url("live", sending.pk)).content.decode()
    assert desk.get(url("csv", sending.pk, "lost")).status_code == 404

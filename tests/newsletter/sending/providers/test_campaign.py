"""A whole campaign through a provider: the ledger, the journal and the door together."""

from email.utils import parseaddr

import pytest

from newsletter.models import Campaign, Delivery, Newsletter, ProviderMessage
from newsletter.sending import sender
from tests.newsletter.sending.providers.conftest import KINDS
from tests.provider_api import Quirk

State = Delivery.State
READERS = 12


@pytest.fixture
def api(make_api, settings, request):
    api = make_api(request.param)
    settings.EMAIL_URL = api.url
    return api


def states(campaign: Campaign) -> dict[str, str]:
    return dict(campaign.deliveries.values_list("subscriber__email", "state"))


@pytest.mark.parametrize("api", KINDS, indirect=True)
def test_each_reader_gets_one_copy_and_its_id_is_kept(api, make_frozen):
    campaign = make_frozen(READERS)
    run = sender.run(campaign.pk)
    assert run.end is sender.End.NOTHING_DUE
    assert set(states(campaign).values()) == {State.SENT}
    assert sorted(api.copies().values()) == [1] * READERS
    campaign.refresh_from_db()
    assert campaign.state == Campaign.State.DONE
    kept = ProviderMessage.objects.filter(delivery__campaign=campaign)
    assert kept.count() == READERS
    assert {each.esp for each in kept} == {api.kind}
    ours = set(campaign.deliveries.values_list("message_id", flat=True))
    assert {mail.metadata["message_id"] for mail in api.truth} == ours


@pytest.mark.parametrize("api", ["postmark", "mailgun"], indirect=True)
def test_a_lost_answer_leaves_doubts_and_nothing_else(api, make_frozen):
    api.quirks = [Quirk(hang_up=True, takes=True)]
    campaign = make_frozen(READERS, doubt_policy=Newsletter.DoubtPolicy.SKIP)
    sender.run(campaign.pk)
    doubtful = campaign.deliveries.doubtful()
    assert 1 <= doubtful.count() <= max(count for _, _, count in api.requests)
    assert {each.state for each in doubtful} <= {State.IN_DOUBT, State.UNKNOWN}
    others = campaign.deliveries.exclude(pk__in=doubtful)
    assert {each.state for each in others} == {State.SENT}
    assert set(api.copies().values()) == {1}


@pytest.mark.parametrize("api", ["brevo", "postmark"], indirect=True)
def test_a_refused_reader_is_rejected_alone(api, make_frozen):
    campaign = make_frozen(READERS)
    (bad,) = campaign.deliveries.filter(number=4).values_list("subscriber__email", flat=True)
    api.refused = {parseaddr(bad)[1]}
    sender.run(campaign.pk)
    found = states(campaign)
    assert found.pop(bad) == State.REJECTED
    assert set(found.values()) == {State.SENT}


@pytest.mark.parametrize("api", ["sendgrid"], indirect=True)
def test_a_bad_key_pauses_the_campaign_with_the_providers_words(api, make_frozen):
    words = "The provided authorization grant is invalid, expired, or revoked"
    api.quirks = [Quirk(status=401, body={"errors": [{"message": words, "field": None, "help": None}]})] * READERS
    campaign = make_frozen(READERS)
    sender.run(campaign.pk)
    campaign.refresh_from_db()
    assert campaign.state == Campaign.State.PAUSED
    assert words in campaign.moves.get(to_state=Campaign.State.PAUSED).reason
    assert set(states(campaign).values()) == {State.QUEUED}


@pytest.mark.parametrize("api", ["resend"], indirect=True)
def test_a_provider_that_cannot_be_reached_costs_nobody_anything(api, make_frozen):
    api.close()
    campaign = make_frozen(READERS)
    run = sender.run(campaign.pk)
    assert run.end is sender.End.TROUBLE
    assert set(states(campaign).values()) == {State.QUEUED}
    campaign.refresh_from_db()
    assert "refused" in campaign.trouble

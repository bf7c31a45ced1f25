import csv
import io
import tracemalloc

import pytest

from newsletter.models import Delivery, Subscriber
from newsletter.sending import clock, export

pytestmark = pytest.mark.django_db


def rows(campaign, state="all") -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO("".join(export.csv_parts(campaign, state)), newline="")))


def test_every_delivery_comes_once_in_order_also_over_batches(campaign, monkeypatch):
    monkeypatch.setattr(export, "BATCH", 2)
    assert [(row["number"], row["email"], row["state"]) for row in rows(campaign)] == [
        (str(number), f"r{number}@example.org", "queued") for number in range(3)
    ]


def test_only_those_in_the_state_and_of_the_campaign(campaign, make_frozen):
    other = make_frozen(2)
    Delivery.objects.filter(number=1).update(state="rejected", reply='550 "no", she said')
    assert [row["words"] for row in rows(campaign, "rejected")] == ['550 "no", she said']
    assert [row["email"] for row in rows(other, "queued")] == ["r01@example.org"]


def test_moments_are_utc_and_empty_when_there_are_none(campaign):
    now = clock.database_now()
    campaign.deliveries.filter(number=0).update(state="sent", reply="250 ok", settled_at=now)
    row = rows(campaign, "sent")[0]
    assert row["settled_at"] == now.isoformat(timespec="seconds")
    assert row["settled_at"].endswith("+00:00")
    assert row["bounced_at"] == ""


@pytest.mark.parametrize("bait", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "＝1"])
def test_nothing_that_a_spreadsheet_would_run_is_in_it(campaign, bait):
    Subscriber.objects.filter(email="r0@example.org").update(email=f"{bait}@example.org")
    campaign.deliveries.filter(number=0).update(reply=f"{bait} said the server")
    row = rows(campaign)[0]
    assert row["email"] == f"'{bait}@example.org"
    assert row["words"] == f"'{bait} said the server"


def test_an_empty_state_has_its_headings(campaign):
    assert "".join(export.csv_parts(campaign, "unknown")) == ",".join(export.HEADINGS) + "\r\n"


def test_memory_holds_a_batch_and_not_the_campaign(campaign, monkeypatch):
    variant = campaign.variants.get()
    readers = [Subscriber(email=f"many{n}@example.org", address=f"many{n}@example.org") for n in range(3, 2_000)]
    Subscriber.objects.bulk_create(readers)
    Delivery.objects.bulk_create(
        Delivery(
            campaign=campaign, subscriber=reader, variant=variant, number=number, message_id=f"{number}@example.org"
        )
        for number, reader in enumerate(readers, start=3)
    )

    def peak(batch: int) -> int:
        monkeypatch.setattr(export, "BATCH", batch)
        tracemalloc.start()
        lines = sum(part.count("\r\n") for part in export.csv_parts(campaign))
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert lines == 2_001
        return most

    peak(50)  # what is loaded once
    assert peak(50) < peak(2_000) / 4

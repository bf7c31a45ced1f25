"""A database that was restored, moved or asleep sends nothing by itself."""

import os
import shutil
import sqlite3
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from django.conf import settings as house
from django.db import connection

from newsletter.models import Campaign, Edition, Instance
from newsletter.sending import campaigns, clock, due, instance
from tests.makers import make_newsletter, make_subscriber
from tests.newsletter.sending.conftest import approved_edition
from tests.parts import postgresql

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def own_file(settings, tmp_path: Path) -> Path:
    settings.VAR_DIR = tmp_path
    return tmp_path / "instance"


@pytest.fixture
def now(db):
    return clock.database_now()


def restored() -> None:
    """As the row would be, came it from another place."""
    row = Instance.objects.get()
    Instance.objects.update(mark=f"{row.mark.partition(' ')[0]} elsewhere")


def test_a_first_start_and_those_that_follow_are_silent(campaign, now):
    assert instance.is_trusted()
    for number in range(3):
        assert instance.check(now=now + number * HOUR) == ""
    assert instance.is_trusted()
    assert Instance.objects.get().ticks == 3
    assert Campaign.objects.get().state == "sending"


def test_another_machine_has_a_file_of_its_own(campaign, now, settings, tmp_path):
    for number in range(6):
        settings.VAR_DIR = tmp_path / str(number % 2)
        settings.VAR_DIR.mkdir(exist_ok=True)
        assert instance.check(now=now) == ""
    assert instance.is_trusted()


def test_a_new_database_beside_an_old_file_is_a_first_start(now, own_file):
    for _ in range(5):
        instance.check(now=now)
    Instance.objects.all().delete()
    assert instance.check(now=now) == instance.check(now=now) == ""


def test_a_file_that_cannot_be_read_or_written_stops_nothing(now, own_file, settings):
    own_file.write_bytes(b"\xff\x00")
    assert instance.check(now=now) == ""
    settings.VAR_DIR = own_file / "no folder"
    assert instance.check(now=now) == ""


def test_what_is_under_way_in_a_restored_database_waits_for_a_person(make_frozen):
    sending, held = make_frozen(1), make_frozen(1, send=False, hold_seconds=600)
    now = clock.database_now()
    instance.check(now=now)
    restored()
    assert not instance.is_trusted()
    assert due.tick(now=now) == []
    for campaign in (sending, held):
        campaign.refresh_from_db()
        assert campaign.state == "paused"
        assert campaign.trouble.startswith("This database was restored or moved to another place. Look at what was")
    assert instance.is_trusted()

    campaigns.resume(sending, actor="vera", now=now)
    assert due.tick(now=now) == [sending.pk]


def test_what_stands_at_its_slot_in_a_restored_database_is_missed(now):
    newsletter = make_newsletter(weekly=False)
    make_subscriber(newsletter)
    instance.check(now=now)
    restored()
    planned, by_hand = approved_edition(newsletter, slot=now), approved_edition(newsletter)
    campaigns.start(by_hand, slot=None, actor="vera", now=now)
    later = approved_edition(newsletter, slot=now + HOUR)
    due.tick(now=now)
    states = dict(Campaign.objects.values_list("edition_id", "state"))
    assert states == {planned.pk: "missed", by_hand.pk: "missed"}
    assert list(Edition.objects.awaiting()) == [later]


def test_an_older_backup_in_the_same_place_is_known_by_its_ticks(campaign, now):
    for _ in range(3):
        instance.check(now=now)
    Instance.objects.update(ticks=1)
    assert not instance.is_trusted()
    assert "older backup" in instance.check(now=now)
    campaign.refresh_from_db()
    assert campaign.state == "paused"
    assert instance.check(now=now) == ""


def test_a_server_that_was_away_for_hours_asks_before_it_goes_on(campaign, now):
    instance.check(now=now)
    assert instance.check(now=now + 2 * HOUR) == ""
    late = now + 4 * HOUR + timedelta(seconds=1)
    assert due.tick(now=late) == []
    campaign.refresh_from_db()
    assert campaign.state == "paused"
    assert campaign.trouble.startswith("Nothing was running here since ")


def test_a_hold_that_has_not_ended_survives_a_night_off(make_frozen, now):
    campaign = make_frozen(1, send=False, hold_seconds=12 * 3600)
    instance.check(now=now)
    instance.check(now=now + 8 * HOUR)
    campaign.refresh_from_db()
    assert campaign.state == "frozen"


def test_a_night_off_is_silent_when_nothing_was_under_way(campaign, now, caplog):
    instance.check(now=now)
    campaigns.cancel(campaign, actor="vera", now=now)
    caplog.clear()
    due.tick(now=now + 12 * HOUR)
    assert [record for record in caplog.records if record.levelname == "WARNING"] == []


def test_a_check_that_dies_half_way_is_done_again(campaign, now, monkeypatch):
    instance.check(now=now)
    restored()
    with monkeypatch.context() as dying:
        dying.setattr(campaigns, "pause", lambda *args, **more: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            due.tick(now=now)
    assert not instance.is_trusted()
    assert due.tick(now=now) == []


# --- Real backups, read by a process of their own ------------------------------------------------------------------

WATCH = """
import django; django.setup()
from newsletter.models import Campaign
from newsletter.sending import clock, due, instance
print(instance.is_trusted(), due.tick(now=clock.database_now()), Campaign.objects.get().state, instance.is_trusted())
"""


def opened(database_url: str, var: Path) -> str:
    """What a first tick in that database does: trusted, campaigns to send, the campaign's state, trusted afterwards."""
    env = {**os.environ, "DATABASE_URL": database_url, "VAR_DIR": str(var), "DJANGO_SETTINGS_MODULE": "config.settings"}
    done = subprocess.run([sys.executable, "-c", WATCH], env=env, cwd=house.BASE_DIR, text=True, capture_output=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip().splitlines()[-1]


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
@pytest.mark.parametrize("how", ["another file", pytest.param("written over", marks=pytest.mark.long)])
def test_a_backup_of_the_file_restored_in_mid_send_opens_paused(make_frozen, tmp_path, how):
    if connection.vendor != "sqlite":
        pytest.skip("is about SQLite")
    campaign = make_frozen(2)
    var, file, backup = tmp_path / "var", tmp_path / "var" / "newsroom.sqlite3", tmp_path / "backup.sqlite3"
    var.mkdir()
    _copy(connection.settings_dict["NAME"], file)
    going_on = f"True [{campaign.pk}] sending True"
    assert opened(f"sqlite:///{file}", var) == going_on
    _copy(file, backup)
    assert opened(f"sqlite:///{file}", var) == going_on
    for each in var.glob("newsroom.sqlite3-*"):
        each.unlink()
    if how == "another file":
        backup.replace(file)
    else:
        shutil.copyfile(backup, file)
    assert opened(f"sqlite:///{file}", var) == "False [] paused True"


def _copy(source: str | Path, target: Path) -> None:
    with sqlite3.connect(source) as old, sqlite3.connect(target) as new:
        old.backup(new)
    old.close()
    new.close()


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_a_dump_restored_into_another_database_opens_paused(make_frozen, tmp_path):
    if connection.vendor != "postgresql":
        pytest.skip("is about PostgreSQL")
    campaign = make_frozen(2)
    old, new = connection.settings_dict, f"{connection.settings_dict['NAME']}_restored"
    url = f"postgresql://{old['USER']}@{old['HOST'].replace('/', '%2F')}:{old['PORT']}/"
    assert opened(url + old["NAME"], tmp_path) == f"True [{campaign.pk}] sending True"
    tools = postgresql.programs()
    dump = subprocess.run([tools / "pg_dump", "-d", url + old["NAME"]], capture_output=True, check=True).stdout
    with psycopg.connect(url + "postgres", autocommit=True) as server:
        server.execute(f'CREATE DATABASE "{new}"')
        try:
            subprocess.run([tools / "psql", "-q", "-d", url + new], input=dump, capture_output=True, check=True)
            assert opened(url + new, tmp_path) == "False [] paused True"
        finally:
            server.execute(f'DROP DATABASE "{new}" WITH (FORCE)')
    assert opened(url + old["NAME"], tmp_path) == f"True [{campaign.pk}] sending True"


@pytest.mark.postgresql
def test_a_user_who_may_not_see_where_the_database_lies_still_counts_ticks(campaign, now):
    if connection.vendor != "postgresql":
        pytest.skip("is about PostgreSQL")
    with connection.cursor() as cursor:
        cursor.execute("CREATE ROLE plain; GRANT ALL ON ALL TABLES IN SCHEMA public TO plain")
        cursor.execute("GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO plain")
        cursor.execute("REVOKE EXECUTE ON FUNCTION pg_control_system() FROM public; SET LOCAL ROLE plain")
    assert instance.check(now=now) == instance.check(now=now) == ""
    Instance.objects.update(ticks=1)
    assert "older backup" in instance.check(now=now)

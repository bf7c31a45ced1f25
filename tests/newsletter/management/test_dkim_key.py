import re
from base64 import b64decode
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from newsletter.sending.dkim import signer_for


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    settings.DKIM_DIR = tmp_path / "dkim"
    return settings.DKIM_DIR / "example.org"


def run(*words: str) -> str:
    out = StringIO()
    call_command("dkim_key", *words, stdout=out)
    return out.getvalue()


def test_makes_one_key_of_each_kind_and_prints_their_records(folder, time_machine):
    time_machine.move_to("2026-11-19")
    told = run("example.org")
    assert sorted(file.name for file in folder.iterdir()) == ["recap-ed-2026.pem", "recap-rsa-2026.pem"]
    assert "name    recap-rsa-2026._domainkey.example.org\n" in told
    assert "value   v=DKIM1; k=ed25519; p=" in told
    assert told.count("Made ") == 2
    assert signer_for("example.org")


def test_the_line_for_a_zone_file_holds_the_value_in_strings_of_255():
    told = run("example.org", "--kind", "rsa", "--selector", "one")
    [value] = re.findall(r"value   (.*)", told)
    [strings] = re.findall(r"^one\._domainkey\.example\.org\. IN TXT \( (.*) \)$", told, re.MULTILINE)
    parts = re.findall(r'"([^"]*)"', strings)
    assert "".join(parts) == value
    assert [len(part) <= 255 for part in parts] == [True, True]
    assert len(b64decode(value.partition("p=")[2])) == 294


def test_shows_what_is_there_and_makes_nothing_twice(folder, time_machine):
    time_machine.move_to("2026-11-19")
    first = run("example.org")
    before = {file: file.read_bytes() for file in folder.iterdir()}
    time_machine.move_to("2027-11-19")
    again = run("example.org")
    assert "Made" not in again
    assert set(re.findall("value .*", again)) == set(re.findall("value .*", first))
    assert {file: file.read_bytes() for file in folder.iterdir()} == before


def test_a_selector_makes_a_further_key_and_shows_it_again(folder):
    run("example.org", "--kind", "ed25519")
    told = run("example.org", "--kind", "ed25519", "--selector", "next")
    assert "Made" in told
    assert "name    next._domainkey.example.org\n" in told
    assert told.count("name ") == 1
    assert run("example.org", "--kind", "ed25519", "--selector", "next") in told
    assert len(list(folder.iterdir())) == 2


def test_both_kinds_of_a_selector_are_told_apart(folder):
    run("example.org", "--selector", "autumn")
    assert sorted(file.name for file in folder.iterdir()) == ["autumn-ed.pem", "autumn-rsa.pem"]


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        (["../x"], "no domain such as"),
        (["example.org", "--selector", "A b"], "no selector"),
        (["example.org", "--selector", "one", "--kind", "rsa"], "of the kind ed25519. Use another --selector"),
    ],
)
def test_a_name_that_is_no_good_is_told(words, answer):
    run("example.org", "--selector", "one", "--kind", "ed25519")
    with pytest.raises(CommandError, match=answer):
        run(*words)


def test_a_file_that_is_no_good_is_told(folder):
    folder.mkdir(parents=True)
    (folder / "bad.pem").write_text("nonsense")
    (folder / "bad.pem").chmod(0o600)
    with pytest.raises(CommandError, match=r"bad\.pem holds no private key"):
        run("example.org")

"""The readers of the environment: they fail loudly, naming the variable, its value and what may stand there."""

import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from config import env


def test_takes_a_value_and_strips_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NAME", "  value \n")
    assert env.text("NAME") == "value"


@pytest.mark.parametrize("empty", ["", "  "])
def test_an_empty_variable_is_an_unset_one(monkeypatch: pytest.MonkeyPatch, empty: str) -> None:
    monkeypatch.setenv("NAME", empty)
    assert env.text("NAME", "default") == "default"


def test_reads_a_mounted_secret_from_the_file_that_the_file_variable_names(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_text("from the file\n")
    monkeypatch.setenv("NAME", "from the environment")
    monkeypatch.setenv("NAME_FILE", str(tmp_path / "secret"))
    assert env.text("NAME") == "from the file"


def test_names_the_variable_of_a_secret_file_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NAME_FILE", "/nowhere/at/all")
    with pytest.raises(ImproperlyConfigured, match="NAME_FILE points to '/nowhere/at/all'"):
        env.text("NAME")


@pytest.mark.parametrize(
    ("value", "problem"),
    [("eighty", "must be a whole number"), ("0", "must lie from 1 to 65535, not 0"), ("65536", "not 65536")],
)
def test_refuses_what_is_no_port(monkeypatch: pytest.MonkeyPatch, value: str, problem: str) -> None:
    monkeypatch.setenv("PORT", value)
    with pytest.raises(ImproperlyConfigured, match=f"PORT .*{problem}"):
        env.port("PORT", 8000)


@pytest.mark.parametrize(("value", "flag"), [("yes", True), ("1", True), ("Off", False), ("FALSE", False), ("", True)])
def test_reads_a_flag(monkeypatch: pytest.MonkeyPatch, value: str, flag: bool) -> None:
    monkeypatch.setenv("FLAG", value)
    assert env.flag("FLAG", True) is flag


def test_refuses_a_flag_that_is_neither_yes_nor_no(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLAG", "perhaps")
    with pytest.raises(ImproperlyConfigured, match="FLAG must be yes or no .* not 'perhaps'"):
        env.flag("FLAG", True)


def test_an_address_loses_its_slash_and_needs_a_known_scheme(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SITE_URL", "https://news.example.org/")
    assert env.address("SITE_URL", "", schemes=("https",)) == "https://news.example.org"
    monkeypatch.setenv("SITE_URL", "news.example.org")
    with pytest.raises(ImproperlyConfigured, match="SITE_URL must be an address that begins with https://"):
        env.address("SITE_URL", "", schemes=("https",))


def test_makes_a_secret_once_for_its_owner_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("KEY", raising=False)
    file = tmp_path / "var" / "key"
    first = env.secret("KEY", kept_in=file)
    assert env.secret("KEY", kept_in=file) == first
    assert len(first) > 50
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in file.parent.iterdir()] == ["key"]


def test_the_variable_goes_before_the_kept_secret(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    env.secret("KEY", kept_in=tmp_path / "key")
    monkeypatch.setenv("KEY", "chosen by the operator")
    assert env.secret("KEY", kept_in=tmp_path / "key") == "chosen by the operator"


def test_processes_that_start_together_agree_on_one_secret(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("KEY", raising=False)
    script = (
        "import sys; from pathlib import Path; from config import env; "
        "print(env.secret('KEY', kept_in=Path(sys.argv[1])))"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "key")]
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: subprocess.check_output(command, text=True), range(4)))
    assert len(set(answers)) == 1

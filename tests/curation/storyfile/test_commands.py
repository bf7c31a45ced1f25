"""manage.py import_story and export_story."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from curation.models import Story
from tests.curation.samples import bytes_of, changed, full, seed

pytestmark = pytest.mark.django_db


def run(*files: Path, overwrite: bool = False) -> tuple[list[str], list[str], int]:
    out, err = StringIO(), StringIO()
    try:
        call_command("import_story", *files, overwrite=overwrite, stdout=out, stderr=err)
        code = 0
    except SystemExit as stop:
        code = int(str(stop.code))
    return out.getvalue().splitlines(), err.getvalue().splitlines(), code


def saved(folder: Path, name: str, data: Any) -> Path:
    path = folder / name
    path.write_bytes(data if isinstance(data, bytes) else bytes_of(data))
    return path


def test_says_what_became_of_each_file(tmp_path: Path) -> None:
    one, two = saved(tmp_path, "one.json", seed()), saved(tmp_path, "two.json", full())
    slug = seed()["slug"]
    assert run(one) == ([f"created {slug}"], [], 0)
    assert run(one, two) == ([f"unchanged {slug}", "created laboratory-opens-model"], [], 0)
    saved(tmp_path, "two.json", changed(full(), "headline", "Laboratory closes its model"))
    assert run(two) == (["updated laboratory-opens-model"], [], 0)


def test_good_files_are_stored_beside_bad_ones(tmp_path: Path) -> None:
    bad = saved(tmp_path, "bad.json", changed(changed(full(), "headline", ""), "source.country", "XX"))
    big = saved(tmp_path, "big.json", b" " * 10_000_000)
    out, err, code = run(bad, big, tmp_path / "none.json", saved(tmp_path, "good.json", seed()))
    assert out == [f"created {seed()['slug']}"]
    assert code == 1
    assert sorted(err) == sorted(
        [
            f"{bad}: headline: is empty",
            f"{bad}: source.country: “XX” is not a country of ISO 3166; write two capital letters such as FR",
            f"{big}: file: has 10,000,000 bytes; a story file has 1,000,000 at most",
            f"{tmp_path / 'none.json'}: file: No such file or directory",
        ]
    )


def test_asks_before_it_changes_what_the_desk_withdrew(tmp_path: Path) -> None:
    run(saved(tmp_path, "a.json", changed(full(), "status", "withdrawn")))
    path = saved(tmp_path, "b.json", changed(full(), "headline", "Laboratory closes its model"))
    told = f"{path}: status: the story is withdrawn here; to change it nevertheless, add --overwrite"
    assert run(path) == ([], [told], 1)
    assert run(path, overwrite=True) == (["updated laboratory-opens-model"], [], 0)
    runs = set(Story.objects.get().provenance.values_list("run", flat=True))
    assert runs == {"import_story a.json", "import_story b.json"}


def test_a_story_that_cannot_reach_its_status_is_rolled_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from curation.review import workflow

    monkeypatch.setitem(workflow.MOVES, "in_review", frozenset())  # a house in which nothing can be approved
    out, err, code = run(path := saved(tmp_path, "full.json", full()))
    assert (out, code) == ([], 1)
    assert err[0].startswith(f"{path}: status: “Laboratory opens its model” is in review since")
    assert not Story.objects.exists()


def test_exports_to_the_screen_and_to_a_file(tmp_path: Path) -> None:
    run(saved(tmp_path, "one.json", seed()))
    out = StringIO()
    call_command("export_story", seed()["slug"], stdout=out)
    call_command("export_story", seed()["slug"], out=tmp_path / "out.json")
    assert json.loads(out.getvalue()) == json.loads((tmp_path / "out.json").read_text())
    assert "🇨🇳" in out.getvalue()
    assert run(tmp_path / "out.json") == ([f"unchanged {seed()['slug']}"], [], 0)


def test_names_near_slugs_and_files_that_cannot_be_written(tmp_path: Path) -> None:
    run(saved(tmp_path, "one.json", seed()))
    with pytest.raises(CommandError, match="There is no story “xiaomi”. Near it: xiaomi-launches-2-2b"):
        call_command("export_story", "xiaomi")
    with pytest.raises(CommandError, match="There are 1 stories"):
        call_command("export_story", "zzz")
    with pytest.raises(CommandError, match="cannot be written: No such file or directory"):
        call_command("export_story", seed()["slug"], out=tmp_path / "no" / "out.json")

"""That the checks can fail is shown by `make faults MUTANTS=1`; here, that it still could be."""

from pathlib import Path

import pytest

from tests.faults.mutants import apply
from tests.faults.wounds import WOUNDS, Edit, Wound

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("wound", WOUNDS, ids=lambda wound: wound.name)
def test_the_text_that_a_mutant_changes_stands_in_the_tree(wound: Wound, tmp_path: Path) -> None:
    for edit in wound.edits:
        copy = tmp_path / edit.file
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text((ROOT / edit.file).read_text())
    for edit in wound.edits:
        apply(edit, tmp_path)
        compile((tmp_path / edit.file).read_text(), edit.file, "exec")


def test_a_text_that_is_gone_is_told(tmp_path: Path) -> None:
    (tmp_path / "file.py").write_text("a = 1\n")
    with pytest.raises(ValueError, match="0 times"):
        apply(Edit("file.py", "b = 2", ""), tmp_path)


def test_there_are_a_dozen_at_least_each_with_its_own_name() -> None:
    assert len({wound.name for wound in WOUNDS}) == len(WOUNDS) >= 12

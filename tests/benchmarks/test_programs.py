"""The programs as their caller meets them: what they write down. What they find is no test's business."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import page
from benchmarks.__main__ import PROGRAMS
from benchmarks.options import BadOption, Options, parse
from benchmarks.result import Result, reached

ROOT = Path(__file__).resolve().parents[2]


def bench(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "VAR_DIR": str(folder)}
    return subprocess.run(
        [sys.executable, "-m", "benchmarks", *words], cwd=ROOT, env=env, capture_output=True, text=True
    )


def test_a_program_writes_what_it_found_and_prints_it(tmp_path):
    done = bench(tmp_path, "ONLY=message", "RECIPIENTS=60", "RUNS=1")
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "bench" / "message.json").read_text())
    assert set(found) >= {"figures", "references", "ratios", "load", "skipped"}
    assert 75_000 <= found["figures"]["message_bytes"] <= 90_000
    assert found["figures"]["merge_us"] > 0
    assert found["ratios"]["django_to_merge"] > 20
    assert set(found["load"]) == {"cores", "before", "after"}
    assert "merge_us" in done.stdout


def test_a_wrong_word_is_answered_with_the_right_ones(tmp_path):
    assert "There is no benchmark 'smpt'. Use one of: message, smtp" in bench(tmp_path, "ONLY=smpt").stderr
    with pytest.raises(BadOption, match="use ONLY=..., RECIPIENTS=..."):
        parse(["RECIPENTS=5"])
    with pytest.raises(BadOption, match="write a whole number"):
        parse(["RUNS=many"])


def test_the_words_are_read():
    assert parse(["ONLY=smtp", "RECIPIENTS=500", "SAVE=1"]) == Options(only="smtp", recipients=500, save=True)


def test_a_target_is_reached_from_its_own_side():
    assert reached(0.95, ">= 0.95")
    assert not reached(0.94, ">= 0.95")
    assert reached(10, "<= 10")
    assert not reached(10.1, "<= 10")


def test_the_page_takes_the_new_table_and_keeps_its_words(tmp_path):
    text = tmp_path / "benchmarks.md"
    text.write_text(f"Before.\n{page.BEGIN}\nold\n{page.END}\nAfter.\n")
    load = {"cores": 2.0, "before": 0.1, "after": 0.2}
    result = Result("smtp", ratios={"to_smtp_source": 1.02}, targets={"to_smtp_source": ">= 0.95"}, load=load)
    result.skipped["nodemailer"] = "node is not installed"
    result.write(tmp_path)
    page.renew(text, tmp_path, PROGRAMS)
    written = text.read_text()
    assert "old" not in written
    assert written.startswith("Before.\n")
    assert written.endswith("After.\n")
    assert "| | ratio: to smtp source | 1.02 | >= 0.95 reached |" in written
    assert "| | left out: nodemailer |  | node is not installed |" in written


def test_the_documented_page_has_a_place_for_the_table():
    text = (ROOT / "docs" / "benchmarks.md").read_text()
    assert text.index(page.BEGIN) < text.index(page.END)

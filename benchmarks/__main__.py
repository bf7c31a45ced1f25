"""`python -m benchmarks [ONLY=NAME] [RECIPIENTS=...] [RUNS=...] [LANES=...] [CONNECTIONS=...] [WINDOW=...] [SAVE=1]`.

Runs all programs, or one; each writes VAR_DIR/bench/NAME.json and prints a table. SAVE=1 also renews the table in
docs/benchmarks.md. A program that breaks does not stop the others.
"""

import os
import signal
import subprocess
import sys
from importlib import import_module
from pathlib import Path

from benchmarks import page
from benchmarks.options import BadOption, Options, parse
from benchmarks.result import Result, table
from tests.parts import Missing

PROGRAMS = ("message", "smtp", "signed", "nullsink", "freeze", "memory", "peers")
ROOT = Path(__file__).resolve().parent.parent


def main(words: list[str]) -> int:
    try:
        options = parse(words)
    except BadOption as bad:
        sys.exit(str(bad))
    if options.only and options.only not in PROGRAMS:
        sys.exit(f"There is no benchmark {options.only!r}. Use one of: {', '.join(PROGRAMS)}.")
    broken = 0 if options.only and measure(options, folder()) else _all(options, words)
    if options.save:
        page.renew(ROOT / "docs" / "benchmarks.md", folder(), PROGRAMS)
    return 1 if broken else 0


def folder() -> Path:
    """Where the numbers are kept: the state folder of this copy, though the programs use others."""
    return Path(os.environ.get("VAR_DIR") or ROOT / "var").resolve() / "bench"


def measure(options: Options, into: Path) -> bool:
    """Run one program in this process and write down what it found; a part that is missing is found too."""
    os.environ["BENCH_DIR"] = str(into)
    result = Result(options.only)
    begun = Result(options.only)
    begun.begin()
    try:
        result = import_module(f"benchmarks.{options.only}").run(options)
    except Missing as missing:
        result.skipped[options.only] = f"{missing} is not installed"
    result.load = begun.load
    result.end()
    file = result.write(into)
    print(table(result), f"  {file}", sep="\n", flush=True)  # noqa: T201
    return True


def _all(options: Options, words: list[str]) -> int:
    """Each in a process of its own; how many broke."""
    rest = [word for word in words if not word.startswith(("ONLY=", "SAVE="))]
    broken = [name for name in PROGRAMS if _one([f"ONLY={name}", *rest])]
    if broken:
        print(f"These benchmarks broke: {', '.join(broken)}", flush=True)  # noqa: T201
    return len(broken)


def _one(words: list[str]) -> int:
    """Its exit code. Who stops us stops it, and it ends its servers first."""
    with subprocess.Popen([sys.executable, "-m", "benchmarks", *words], cwd=ROOT) as program:
        try:
            return program.wait()
        except BaseException:
            program.terminate()
            raise


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # as Ctrl-C does: every part is ended on the way out
    sys.exit(main(sys.argv[1:]))

"""`make faults`: a campaign is sent while everything around it is killed; the last line says in JSON what came of it.

Exit code 1: a promise is broken (and the line above says how to run it again). 2: the run itself failed.
"""

import logging
import os
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from tests.faults.plan import BadWord, Plan, parse
from tests.faults.stage import Stage
from tests.parts import Missing

if TYPE_CHECKING:  # it needs Django, which needs the stage
    from tests.faults.verdict import Verdict


def main(words: list[str]) -> int:
    try:
        plan = parse(words)
    except BadWord as bad:
        say(str(bad))
        return 2
    if plan.mode == "mutants":
        from tests.faults import mutants

        return mutants.hunt(plan, say=say)
    if plan.mode == "seeds":
        from tests.faults import seeds

        return max((main(entry.words) for entry in seeds.KEPT), default=0)
    try:
        return one(plan)
    except Missing as missing:
        say(f"{missing} is not installed, and the run needs it.")
    except Exception:
        traceback.print_exc()
    return 2


def one(plan: Plan) -> int:
    """One run, or the kills at every step, on a stage of its own, which is kept when a promise is broken."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # asked to end, it still ends all that it started
    stage = Stage(plan)
    broken: list[str] = ["it failed"]
    try:
        set_up(stage)
        verdict = _mode(plan)(plan, stage, say=say)
        broken = verdict.broken_promises
    finally:
        stage.close(keep=bool(broken and plan.keep))
        if broken:
            say(f"Broken: {', '.join(broken)}. Everything it wrote was kept in {stage.folder}. Again: {plan.command()}")
    say(verdict.as_json())
    return 1 if broken else 0


def set_up(stage: Stage) -> None:
    """Django in this process, over the stage's database, with its tables."""
    os.environ.update(stage.environment() | {"LOG_LEVEL": "CRITICAL"})
    Path(os.environ["VAR_DIR"], "static").mkdir(parents=True)
    stage.database.start()
    import django
    from django.core.management import call_command

    django.setup()
    logging.getLogger("django.request").setLevel(logging.CRITICAL)  # a leave while the database is away is no news
    call_command("migrate", verbosity=0)


def _mode(plan: Plan) -> Callable[..., "Verdict"]:
    if plan.mode == "steps":
        from tests.faults.steps import run
    else:
        from tests.faults.run import run
    return run


def say(line: str) -> None:
    print(line, flush=True)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

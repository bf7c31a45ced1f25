"""`python -m tests.postgresql [pytest args]`: the tests that touch the database, on a throw-away PostgreSQL cluster.

Without PostgreSQL it does nothing and says nothing: the summary of the run on SQLite names what was left out.
"""

import os
import subprocess
import sys

from tests.parts import Missing, everything_is_required
from tests.parts.postgresql import cluster

NOTHING_COLLECTED = 5


def main(words: list[str]) -> int:
    try:
        with cluster() as url:
            command = [sys.executable, "-m", "pytest", "--touching-database", *words]
            code = subprocess.run(command, env={**os.environ, "DATABASE_URL": url}).returncode
    except Missing as missing:
        if everything_is_required():
            print(f"{missing} is not installed, and NEWSROOM_ALL=1 asks for every part.")  # noqa: T201
            return 1
        return 0
    return 0 if code == NOTHING_COLLECTED else code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""`signed`: as `smtp`, with every message signed by the sender: Ed25519, then RSA-2048."""

import shutil
from pathlib import Path

from benchmarks import pairs, servers
from benchmarks.options import Options
from benchmarks.result import Result
from benchmarks.stage import sending_stage

RECIPIENTS, RUNS = 20_000, 3
KINDS = {"ed25519": ">= 0.9", "rsa": ">= 0.7"}


def run(options: Options) -> Result:
    result = Result("signed")
    recipients, runs = options.recipients_or(RECIPIENTS), options.runs_or(RUNS)
    with servers.smtp_sink() as port, sending_stage(port, options) as (stage, _):
        for kind, target in KINDS.items():
            _only_key(kind)
            found, message = pairs.measure(stage, port, recipients=recipients, runs=runs)
            if f"a={kind}-sha256".encode() not in message:
                raise RuntimeError(f"The messages bear no signature of the kind {kind}.")
            found.tell(result, prefix=f"{kind}_")
            result.targets[f"{kind}_to_smtp_source"] = target
    result.figures |= {"recipients": recipients, "message_bytes": len(message), "lanes": options.lanes}
    return result


def _only_key(kind: str) -> None:
    """Lanes read the keys when they begin."""
    from django.conf import settings

    from benchmarks.edition import DOMAIN
    from newsletter.sending import dkim_keys

    shutil.rmtree(Path(settings.DKIM_DIR), ignore_errors=True)
    dkim_keys.make(DOMAIN, "bench", kind)

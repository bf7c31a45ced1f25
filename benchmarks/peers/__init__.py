"""`peers`: what others need for the same message into the same server, each between two campaigns of ours.

They are installed by the benchmark into VAR_DIR/bench/peers and are nobody's dependency. Each program here runs outside
of our environment: it reads message.txt and message.html in its folder, sends to COUNT readers at 127.0.0.1:PORT and
prints {"seconds", "cpu"} of the sending alone, and what it cost to queue the mail before.
"""

import json
import os
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from email import message_from_bytes, policy
from pathlib import Path

from benchmarks import pairs, servers
from benchmarks.options import Options
from benchmarks.peers import install
from benchmarks.result import Result, middle
from benchmarks.stage import Sent, sending_stage
from tests.parts import Missing

RECIPIENTS, RUNS = 20_000, 2
HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Peer:
    """`rate` and `cpu`: how many times quicker, and how many times cheaper in CPU, we mean to be."""

    name: str
    program: str
    kind: str  # python or node
    count: int
    rate: str
    cpu: str
    words: tuple[str, ...] = ()


PEERS = (
    Peer("django_newsletter", "send_with_django_newsletter.py", "python", 600, ">= 30", ">= 100"),
    Peer("post_office", "send_with_post_office.py", "python", 600, ">= 10", ">= 50"),
    Peer("nodemailer_pool_5", "send_with_nodemailer.cjs", "node", 3_000, ">= 4", ">= 20", ("5",)),
    Peer("nodemailer_pool_10", "send_with_nodemailer.cjs", "node", 3_000, ">= 4", ">= 20", ("10",)),
)


def run(options: Options) -> Result:
    result = Result(
        "peers", notes=["Ours in CPU: the sender and PostgreSQL together; theirs: the sending process alone."]
    )
    recipients, runs = options.recipients_or(RECIPIENTS), options.runs_or(RUNS)
    with servers.smtp_sink() as port, sending_stage(port, options) as (stage, _):
        found, message = pairs.measure(stage, port, recipients=recipients, runs=1)
        found.tell(result)
        result.figures |= {"recipients": recipients, "message_bytes": len(message)}
        with tempfile.TemporaryDirectory(prefix="newsroom-bench-peers-") as folder:
            _write_parts(message, Path(folder))
            for peer in PEERS:
                _beside_us(peer, result, Path(folder), port, lambda: pairs.one_more(stage), runs)
    return result


def _beside_us(peer: Peer, result: Result, folder: Path, port: int, ours: Callable[[], Sent], runs: int) -> None:
    """Ours, theirs, ours, theirs, ..., ours."""
    try:
        command = _command(peer)
    except Missing as missing:
        result.skipped[peer.name] = str(missing)
        return
    own: list[Sent] = [ours()]
    theirs = []
    for _ in range(runs):
        theirs.append(_measure(peer, command, folder, port))
        own.append(ours())
    rate = middle(peer.count / each["seconds"] for each in theirs)
    cpu = middle(1000 * each["cpu"] / peer.count for each in theirs)
    result.references |= {f"{peer.name}_messages_per_second": rate, f"{peer.name}_cpu_seconds_per_1000": cpu}
    if any(each.get("queue_cpu") for each in theirs):
        result.references[f"{peer.name}_queue_cpu_seconds_per_1000"] = middle(
            1000 * each["queue_cpu"] / peer.count for each in theirs
        )
    result.ratios |= {
        f"rate_to_{peer.name}": middle(each.rate for each in own) / rate,
        f"cpu_of_{peer.name}_to_ours": cpu / middle(1000 * each.cpu / each.recipients for each in own),
    }
    result.targets |= {f"rate_to_{peer.name}": peer.rate, f"cpu_of_{peer.name}_to_ours": peer.cpu}


def _command(peer: Peer) -> list[str]:
    """Raises Missing when the peer cannot be installed here."""
    folder = Path(os.environ["BENCH_DIR"]) / "peers"
    runtime = install.python(folder) if peer.kind == "python" else install.node(folder)
    return [*runtime, str(HERE / peer.program)]


def _measure(peer: Peer, command: list[str], folder: Path, port: int) -> dict[str, float]:
    env = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "NODE_PATH": str(install.modules(Path(os.environ["BENCH_DIR"]))),
    }
    done = subprocess.run(
        [*command, str(port), str(peer.count), *peer.words], cwd=folder, env=env, capture_output=True, text=True
    )
    if done.returncode:
        raise RuntimeError(f"{peer.name} failed: {(done.stderr or done.stdout)[-600:]}")
    answer: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return answer


def _write_parts(message: bytes, folder: Path) -> None:
    """The text and the HTML of one reader's message, for the peers to build theirs of."""
    parsed = message_from_bytes(message, policy=policy.default)
    for kind, file in (("plain", "message.txt"), ("html", "message.html")):
        part = parsed.get_body((kind,))
        (folder / file).write_text(part.get_content())

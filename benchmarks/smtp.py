"""`smtp`: a campaign through the real task into smtp-sink, unsigned, beside smtp-source into the same smtp-sink."""

from benchmarks import pairs, servers
from benchmarks.options import Options
from benchmarks.result import Result
from benchmarks.stage import sending_stage

RECIPIENTS, RUNS = 20_000, 5


def run(options: Options) -> Result:
    result = Result("smtp")
    recipients, runs = options.recipients_or(RECIPIENTS), options.runs_or(RUNS)
    with servers.smtp_sink() as port, sending_stage(port, options) as (stage, _):
        found, message = pairs.measure(stage, port, recipients=recipients, runs=runs)
    found.tell(result)
    result.figures |= {"recipients": recipients, "message_bytes": len(message), "lanes": options.lanes}
    result.targets |= {
        "to_smtp_source": ">= 0.95",
        "sender_cpu_seconds_per_1000": "<= 0.10",
        "postgresql_cpu_seconds_per_1000": "<= 0.03",
    }
    return result

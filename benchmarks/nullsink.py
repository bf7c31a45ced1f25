"""`nullsink`: the same into our own server, which only looks for the end of DATA: what the sender itself can do."""

from benchmarks import pairs, servers
from benchmarks.options import Options
from benchmarks.result import Result
from benchmarks.stage import sending_stage

RECIPIENTS, RUNS = 60_000, 3


def run(options: Options) -> Result:
    result = Result("nullsink")
    recipients, runs = options.recipients_or(RECIPIENTS), options.runs_or(RUNS)
    with servers.null_sink() as port, sending_stage(port, options) as (stage, _):
        found, message = pairs.measure(stage, port, recipients=recipients, runs=runs)
    found.tell(result)
    result.figures |= {"recipients": recipients, "message_bytes": len(message), "lanes": options.lanes}
    result.targets |= {"messages_per_second": ">= 12000"}
    return result

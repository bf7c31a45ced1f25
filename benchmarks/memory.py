"""`memory`: the most memory that a lane holds at ten thousand recipients and at a million, all of them sent."""

from benchmarks import servers
from benchmarks.options import Options
from benchmarks.pairs import analyse
from benchmarks.result import Result
from benchmarks.stage import sending_stage

FEW, MANY = 10_000, 1_000_000


def run(options: Options) -> Result:
    many = options.recipients_or(MANY)
    result = Result("memory")
    with servers.null_sink() as port, sending_stage(port, options) as (stage, _):
        from benchmarks import edition

        newsletter = edition.make_newsletter()
        edition.add_readers(newsletter, FEW)
        stage.send(edition.frozen_campaign(newsletter).pk)  # the first loads what every lane has
        small = stage.send(edition.frozen_campaign(newsletter).pk)
        edition.add_readers(newsletter, many - FEW)
        analyse()
        campaign = edition.frozen_campaign(newsletter)
        large = stage.send(campaign.pk, within=3600)
    result.figures = {
        "recipients": many,
        "peak_mb_at_10000": small.sender.peak_mb,
        "peak_mb_of_a_lane": large.sender.peak_mb,
        "seconds_for_all": large.seconds,
        "messages_per_second": large.rate,
        "sender_cpu_seconds_per_1000": 1000 * large.sender.cpu / many,
        "postgresql_cpu_seconds_per_1000": 1000 * large.database_cpu / many,
    }
    result.ratios = {"many_to_10000": large.sender.peak_mb / small.sender.peak_mb}
    result.targets = {"peak_mb_of_a_lane": "<= 120", "many_to_10000": "<= 1.05"}
    return result

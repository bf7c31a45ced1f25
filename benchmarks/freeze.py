"""`freeze`: an edition frozen for a million readers on PostgreSQL, and for a hundred thousand on SQLite."""

from time import perf_counter

from benchmarks.measure import cpu_of
from benchmarks.options import Options
from benchmarks.result import Result
from benchmarks.stage import durable_database, in_a_child, postmaster, set_up_django

RECIPIENTS, ON_SQLITE = 1_000_000, 100_000


def run(options: Options) -> Result:
    recipients = options.recipients_or(RECIPIENTS)
    result = Result("freeze")
    result.figures["recipients"] = recipients
    with durable_database() as cluster:
        _on_postgresql(result, postmaster(cluster), recipients)
    result.figures |= {
        f"sqlite_{name}": value for name, value in in_a_child(on_sqlite, min(recipients, ON_SQLITE)).items()
    }
    result.targets = {"seconds": "<= 15", "load_subscribers_per_second": ">= 20000"}
    return result


def _on_postgresql(result: Result, pid: int, recipients: int) -> None:
    from benchmarks import edition

    newsletter = edition.make_newsletter()
    begun = perf_counter()
    edition.add_readers(newsletter, recipients)
    result.figures["load_subscribers_per_second"] = recipients / (perf_counter() - begun)
    _sql("VACUUM ANALYZE")  # autovacuum's work
    _sql("CHECKPOINT")
    cpu, written, begun = cpu_of(pid), _wal(), perf_counter()
    campaign = edition.frozen_campaign(newsletter)
    result.figures |= {
        "seconds": perf_counter() - begun,
        "postgresql_cpu_seconds": cpu_of(pid) - cpu,
        "wal_bytes_a_row": (_wal() - written) / campaign.frozen_count,
    }
    result.references["copy_seconds"] = _copy()
    result.ratios["to_copy"] = result.figures["seconds"] / result.references["copy_seconds"]
    result.notes.append("copy: the same rows again, into a table with the same indexes and checks and no trigger.")


def _copy() -> float:
    """What this machine needs for the rows alone: no audience is read, and no trigger watches."""
    _sql("CREATE TABLE bench_copy (LIKE newsletter_delivery INCLUDING ALL) WITH (fillfactor = 50)")
    _sql("CHECKPOINT")
    begun = perf_counter()
    _sql("INSERT INTO bench_copy SELECT * FROM newsletter_delivery")
    return perf_counter() - begun


def on_sqlite(recipients: int) -> dict[str, float]:
    """In a process of its own: Django is set up once, for one database."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        set_up_django(f"sqlite:///{folder}/freeze.sqlite3")
        from benchmarks import edition

        newsletter = edition.make_newsletter()
        begun = perf_counter()
        edition.add_readers(newsletter, recipients)
        loaded = perf_counter()
        edition.frozen_campaign(newsletter)
        return {
            "recipients": recipients,
            "load_subscribers_per_second": recipients / (loaded - begun),
            "seconds": perf_counter() - loaded,
        }


def _wal() -> int:
    return int(_sql("SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn"))


def _sql(statement: str) -> int:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchone()[0] if cursor.description else 0

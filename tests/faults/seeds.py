"""Runs that once broke a promise, kept for ever: `make faults SEEDS=1` runs them all, the tests the short ones."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Kept:
    """`words` as after `make faults`; `why`: what it showed."""

    db: str
    seed: int
    arguments: str
    why: str
    long: bool = True

    @property
    def words(self) -> list[str]:
        return [f"DB={self.db}", f"SEED={self.seed}", *self.arguments.split()]


KEPT: list[Kept] = []

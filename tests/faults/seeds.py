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


KEPT = [
    Kept(
        "sqlite",
        1,
        "STEPS=1 EVERY=40 FAR=1",
        "Without its journal more than one WINDOW was in doubt: a lane opened more than one before it had settled.",
    ),
]

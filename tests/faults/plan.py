"""What a run of faults is asked for: words as `make faults` hands them on, read into values (pure)."""

import random
from dataclasses import dataclass, fields, replace

# How often each kind is drawn. `database` is left out on SQLite, which has no server to kill.
KINDS = {"lane": 30, "worker": 22, "freeze": 14, "server": 14, "database": 10, "redis": 5, "flushall": 5}
DATABASES = ("sqlite", "postgresql")
POLICIES = ("resend", "skip")
MODES = ("run", "steps", "mutants", "seeds")


class BadWord(Exception):
    """A word that says nothing to us; the text tells what would."""


@dataclass(frozen=True)
class Plan:
    """One run. `chunk` and `window` of 0: chosen to fit the number of recipients, so that several lanes have work."""

    recipients: int = 1000
    faults: int = 20
    seed: int = 1
    db: str = "sqlite"
    kinds: tuple[str, ...] = tuple(KINDS)
    leavers: int = -1  # people who unsubscribe meanwhile; -1: one in fifty
    machines: int = 1  # 2: the workers keep their journals in folders of their own
    policy: str = "resend"
    chunk: int = 0
    window: int = 0
    connections: int = 3  # a lane
    offers: str = ""  # the SMTP server's extensions; empty: drawn by the seed
    mode: str = "run"
    every: int = 1  # of the steps: each so-manieth
    far: int = 0  # 1: also some duels over two machines, which wait for a lease to run out
    stop: int = 0  # 1: the steps end at the first broken promise
    keep: int = 1  # 0: the folder of a run that broke a promise goes as well
    only: str = ""  # of the mutants: those whose name holds this

    def __post_init__(self) -> None:
        for name, value, allowed in [("DB", self.db, DATABASES), ("POLICY", self.policy, POLICIES)]:
            if value not in allowed:
                raise BadWord(f"{name}={value} is unknown: write {name}={' or '.join(allowed)}.")
        if unknown := set(self.kinds) - set(KINDS):
            raise BadWord(f"KINDS has {sorted(unknown)[0]!r}: choose from {','.join(KINDS)}.")
        if self.recipients < 1 or self.faults < 0 or self.machines not in (1, 2):
            raise BadWord("RECIPIENTS is at least 1, FAULTS at least 0, MACHINES 1 or 2.")

    @property
    def chunk_size(self) -> int:
        return self.chunk or min(500, max(20, self.recipients // 12))

    @property
    def window_size(self) -> int:
        return self.window or min(50, max(4, self.chunk_size // 4))

    @property
    def leaver_count(self) -> int:
        return max(3, self.recipients // 50) if self.leavers < 0 else min(self.leavers, self.recipients)

    @property
    def extensions(self) -> str:
        if self.offers:
            return self.offers
        return random.Random(f"offers {self.seed}").choice(("PIPELINING", "PIPELINING,CHUNKING", "none"))

    def deck(self, rng: random.Random) -> list[str]:
        """The kinds of all faults in their order: each chosen kind at least once where there is room."""
        kinds = [kind for kind in self.kinds if kind != "database" or self.db == "postgresql"]
        if not kinds:
            raise BadWord("SQLite has no server to kill: choose other KINDS.")
        drawn = kinds[: self.faults] if len(kinds) <= self.faults else []
        drawn += rng.choices(kinds, [KINDS[kind] for kind in kinds], k=self.faults - len(drawn))
        rng.shuffle(drawn)
        return drawn

    def command(self) -> str:
        """The line that runs it again."""
        usual = Plan()
        words = [
            f"{field.name.upper()}={_as_word(getattr(self, field.name))}"
            for field in fields(self)
            if field.name not in ("mode", "only") and getattr(self, field.name) != getattr(usual, field.name)
        ]
        mode = [] if self.mode == "run" else [f"{self.mode.upper()}=1"]
        return " ".join(["make faults", *mode, *words])


def parse(words: list[str]) -> Plan:
    """NAME=VALUE each; a word without a value is left at what it usually is (as make hands on what nobody set)."""
    plan = Plan()
    for word in words:
        name, equals, value = word.partition("=")
        key = name.lower()
        if not equals or (key not in _READ and key not in MODES):
            names = ", ".join(sorted(field.upper() for field in (*_READ, *MODES[1:])))
            raise BadWord(f"{word!r} is unknown: write NAME=VALUE with one of {names}.")
        if not value:
            continue
        if key in MODES:
            plan = replace(plan, mode=key) if value != "0" else plan
            continue
        try:
            plan = replace(plan, **{key: _READ[key](value)})
        except ValueError:
            raise BadWord(f"{name}={value}: a whole number is wanted.") from None
    return plan


def _as_word(value: object) -> str:
    return ",".join(value) if isinstance(value, tuple) else str(value)


def _list(value: str) -> tuple[str, ...]:
    return tuple(part for part in value.replace(" ", ",").split(",") if part)


_READ = {
    **{field.name: (int if field.type in (int, "int") else str) for field in fields(Plan) if field.name != "mode"},
    "kinds": _list,
}

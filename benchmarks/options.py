"""What the command line asks for: words such as ONLY=smtp RECIPIENTS=20000 RUNS=3 SAVE=1."""

from dataclasses import dataclass, fields


class BadOption(ValueError):
    """The word is no option; the message says which there are."""


@dataclass(frozen=True)
class Options:
    """`recipients` and `runs` are 0 where each program shall take its own number."""

    only: str = ""
    recipients: int = 0
    runs: int = 0
    lanes: int = 2
    connections: int = 5
    window: int = 50
    save: bool = False

    def recipients_or(self, usual: int) -> int:
        return self.recipients or usual

    def runs_or(self, usual: int) -> int:
        return self.runs or usual


def parse(words: list[str]) -> Options:
    """Raises BadOption."""
    known = {field.name.upper(): field for field in fields(Options)}
    values: dict[str, str | int | bool] = {}
    for word in words:
        name, _, value = word.partition("=")
        if name not in known:
            raise BadOption(f"{word!r} is no option; use {', '.join(f'{each}=...' for each in known)}.")
        values[name.lower()] = value if name == "ONLY" else _number(word, value)
    if "save" in values:
        values["save"] = bool(values["save"])
    return Options(**values)  # type: ignore[arg-type]


def _number(word: str, value: str) -> int:
    if not value.isdecimal():
        raise BadOption(f"{word!r}: write a whole number after the sign of equality.")
    return int(value)

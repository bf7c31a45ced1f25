"""What a program found: numbers by name, what they are compared with, and how busy the machine was."""

import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median


@dataclass
class Result:
    """`figures` are ours and `references` what stands beside them in the same run; `ratios` are ours by theirs.

    `targets`: the figure to reach by its name, with "<=" or ">=". `skipped`: what was left out, and why.
    `notes`: how it was measured, for who reads the numbers.
    """

    name: str
    figures: dict[str, float] = field(default_factory=dict)
    references: dict[str, float] = field(default_factory=dict)
    ratios: dict[str, float] = field(default_factory=dict)
    targets: dict[str, str] = field(default_factory=dict)
    load: dict[str, float] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def begin(self) -> None:
        self.load = {"cores": float(os.cpu_count() or 1), "before": round(os.getloadavg()[0], 2)}

    def end(self) -> None:
        self.load["after"] = round(os.getloadavg()[0], 2)

    def all_figures(self) -> dict[str, float]:
        return self.figures | self.ratios

    def write(self, folder: Path) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / f"{self.name}.json"
        file.write_text(json.dumps(asdict(self), indent=1) + "\n")
        return file

    @classmethod
    def read(cls, file: Path) -> "Result":
        return cls(**json.loads(file.read_text()))


def reached(value: float, target: str) -> bool:
    """Whether the value keeps a target such as ">= 0.95"."""
    sign, number = target.split()
    return value <= float(number) if sign == "<=" else value >= float(number)


def middle(values: Iterable[float]) -> float:
    return median(values)


def spread(values: Iterable[float]) -> str:
    found = list(values)
    return f"{min(found):.3g}-{max(found):.3g}"


def rows(result: Result) -> list[tuple[str, str, str]]:
    """What is shown of it: name, value, target and whether it was reached."""
    shown = [("ours", result.figures), ("reference", result.references), ("ratio", result.ratios)]
    lines = []
    for kind, numbers in shown:
        for name, value in numbers.items():
            target = result.targets.get(name, "")
            verdict = f"{target} {'reached' if reached(value, target) else 'NOT reached'}" if target else ""
            lines.append((f"{kind}: {name}", _plain(value), verdict))
    return lines + [(f"left out: {name}", "", why) for name, why in result.skipped.items()]


def table(result: Result) -> str:
    """For the screen."""
    lines = [f"{result.name}  (load {result.load.get('before')} before, {result.load.get('after')} after)"]
    lines += [f"  {name:<52}{value:>12}  {verdict}".rstrip() for name, value, verdict in rows(result)]
    return "\n".join(lines + [f"  {note}" for note in result.notes])


def _plain(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"

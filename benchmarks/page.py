"""The table part of docs/benchmarks.md, made from what was written down."""

from pathlib import Path

from benchmarks.result import Result, rows

BEGIN, END = "<!-- table: make bench SAVE=1 -->", "<!-- end of table -->"


def renew(page: Path, folder: Path, names: tuple[str, ...]) -> None:
    """Write the page's table anew from the results in the folder; the rest of the page stays."""
    before, _, rest = page.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    results = [Result.read(file) for name in names if (file := folder / f"{name}.json").exists()]
    page.write_text(f"{before}{BEGIN}\n\n{_table(results)}\n{END}{after}")


def _table(results: list[Result]) -> str:
    lines = ["| benchmark | | value | figure to reach |", "|---|---|---|---|"]
    for result in results:
        load = f"load {result.load['before']} to {result.load['after']} on {result.load['cores']:.0f} cores"
        lines.append(f"| **{result.name}** | {load} | | |")
        lines += [f"| | {name.replace('_', ' ')} | {value} | {verdict} |" for name, value, verdict in rows(result)]
        lines += [f"| | {note} | | |" for note in result.notes]
    return "\n".join(lines) + "\n"

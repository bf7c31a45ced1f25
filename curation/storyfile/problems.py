"""How a story file that cannot be taken says so: everything at once, each problem with its place."""

from collections.abc import Iterable


class StoryFileError(ValueError):
    """The file cannot be taken; `problems` lists "place: reason" for all that is wrong with it."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = list(problems)
        super().__init__("; ".join(self.problems))


def place(path: Iterable[str | int]) -> str:
    """A place in the file as people write it: tldr.what_changed.0"""
    return ".".join(str(part) for part in path) or "file"

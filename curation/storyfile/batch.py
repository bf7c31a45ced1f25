"""Many story files at once: each stands or falls alone, and they may name each other as related updates."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from curation.models import Story
from curation.storyfile.problems import StoryFileError
from curation.storyfile.reading import read
from curation.storyfile.shape import RelatedItem, StoryFile
from curation.storyfile.store import Outcome, store


@dataclass
class Result:
    """What became of one file: an outcome, or the problems that kept it out."""

    name: str
    slug: str = ""
    outcome: Outcome | None = None
    problems: list[str] = field(default_factory=list)


def store_all(files: Mapping[str, bytes], *, by: str, now: datetime, overwrite: bool = False) -> list[Result]:
    """Store every good file, in the order given.

    Stories of one batch may be related in a circle, so a link to a story that comes later is made when all are there.
    """
    results = {name: Result(name) for name in files}
    parsed: dict[str, StoryFile] = {}
    for name, data in files.items():
        try:
            parsed[name] = read(data)
            results[name].slug = parsed[name].slug
        except StoryFileError as error:
            results[name].problems = error.problems
    _refuse_dangling(parsed, results)
    later: list[str] = []
    for name, file in parsed.items():
        there = _known([item.slug for item in file.related_updates.items])
        now_possible = [item for item in file.related_updates.items if item.slug in there]
        if len(now_possible) < len(file.related_updates.items):
            later.append(name)
        _store(results[name], _relating(file, now_possible), by=by, now=now, overwrite=overwrite)
    for name in later:
        if results[name].outcome:
            _relate(results[name], parsed[name], by=by, now=now, overwrite=overwrite)
    return list(results.values())


def _refuse_dangling(parsed: dict[str, StoryFile], results: dict[str, Result]) -> None:
    """Take out files whose related story neither is here nor comes with them; that may leave others dangling."""
    there = _known([item.slug for file in parsed.values() for item in file.related_updates.items])
    while True:
        coming = {file.slug for file in parsed.values()}
        dangling = {
            name: [
                f"related_updates.items.{number}.slug: there is no story “{item.slug}” here, and none comes with it"
                for number, item in enumerate(file.related_updates.items)
                if item.slug not in there | coming
            ]
            for name, file in parsed.items()
        }
        if not any(dangling.values()):
            return
        for name, problems in dangling.items():
            if problems:
                results[name].problems = problems
                del parsed[name]


def _known(slugs: list[str]) -> set[str]:
    return set(Story.objects.filter(slug__in=slugs).values_list("slug", flat=True))


def _relating(file: StoryFile, items: list[RelatedItem]) -> StoryFile:
    return file.model_copy(update={"related_updates": file.related_updates.model_copy(update={"items": items})})


def _store(result: Result, file: StoryFile, *, by: str, now: datetime, overwrite: bool) -> None:
    try:
        result.outcome = store(file, by=by, now=now, name=result.name, overwrite=overwrite)
    except StoryFileError as error:
        result.problems = error.problems


def _relate(result: Result, file: StoryFile, *, by: str, now: datetime, overwrite: bool) -> None:
    """Make the links that had to wait; the outcome stays that of the story itself."""
    try:
        store(file, by=by, now=now, name=result.name, overwrite=overwrite)
    except StoryFileError as error:
        result.problems = [f"{problem} (the story is stored without the link)" for problem in error.problems]

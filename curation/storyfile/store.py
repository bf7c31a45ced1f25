"""A StoryFile into the database: once, whole, and only what differs."""

from datetime import datetime
from enum import StrEnum
from pathlib import PurePath
from typing import Any

from django.db import IntegrityError, transaction

from curation.models import Provenance, Source, Story
from curation.models.story import State
from curation.review import changes, workflow
from curation.storyfile.content import changed, content, in_words, origin_of
from curation.storyfile.problems import StoryFileError
from curation.storyfile.rows import write_parts
from curation.storyfile.shape import StoryFile
from curation.storyfile.write import content_of


class Outcome(StrEnum):
    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"


def store(file: StoryFile, *, by: str, now: datetime, name: str = "its story file", overwrite: bool = False) -> Outcome:
    """Create the story, or bring it to what the file says; `by` and the file's `name` are kept with every change.

    A new story is walked to the file's status. On a story that is there the status is not looked at: its state is the
    desk's, and when its words change it follows the desk's rule (approved goes back to review, published is corrected).
    Words that an editor wrote last, and stories that are spiked or withdrawn, are changed only with `overwrite`.
    Raises StoryFileError, with nothing stored, when the file does not fit what is here.
    """
    run = f"{by} {PurePath(name).name}"[:80]
    try:
        with transaction.atomic():
            story = Story.objects.select_for_update().filter(slug=file.slug).first()
            if story is None:
                return _create(file, by=by, now=now, run=run)
            return _update(story, file, by=by, now=now, run=run, overwrite=overwrite)
    except workflow.MoveRefused as refusal:
        raise StoryFileError([f"status: {refusal}"]) from refusal
    except IntegrityError as error:
        raise StoryFileError([f"slug: “{file.slug}” was stored by somebody else just now; import again"]) from error


def _create(file: StoryFile, *, by: str, now: datetime, run: str) -> Outcome:
    story = Story(slug=file.slug, source=_source(file, story=None))
    _write_fields(story, file, reason="Imported.")
    write_parts(story, file)
    _walk(story, file.status, by=by, now=now)
    data = file.model_dump()
    fields = [field for field, value in content(data).items() if value is not None]
    Provenance.objects.bulk_create(
        Provenance(
            story=story,
            field=field,
            origin=origin_of(field, machine=file.deep_insight.ai_generated),
            at=now,
            run=run,
            change="Imported.",
        )
        for field in fields
    )
    return Outcome.CREATED


def _update(story: Story, file: StoryFile, *, by: str, now: datetime, run: str, overwrite: bool) -> Outcome:
    before, after = content_of(story), content(file.model_dump())
    for field in ("source.country", "source.url"):  # what the file does not say about a source stays as it is
        after[field] = after[field] or before[field] if after["source.name"] == before["source.name"] else after[field]
    differing = changed(before, after)
    if not differing:
        return Outcome.UNCHANGED
    if not overwrite:
        _refuse_to_overwrite(story, differing)
    story.source = _source(file, story=story)
    _write_fields(story, file, reason="Imported again.")
    write_parts(story, file)
    machine = file.deep_insight.ai_generated
    changes.record(
        story,
        [changes.Change(field, origin_of(field, machine=machine), "Imported again.") for field in differing],
        actor=by,
        now=now,
        reason=f"{'Changed after approval' if story.state == State.APPROVED else 'Corrected'}: {in_words(differing)}.",
        run=run,
    )
    return Outcome.UPDATED


def _refuse_to_overwrite(story: Story, differing: list[str]) -> None:
    """Raises StoryFileError when the desk decided against the story, or an editor wrote a differing field last."""
    if story.state in (State.SPIKED, State.WITHDRAWN):
        state = story.get_state_display().lower()
        raise StoryFileError([f"status: the story is {state} here; to change it nevertheless, add --overwrite"])
    rows = story.provenance.filter(field__in=differing).select_related("editor")
    last = {row.field: row.editor for row in rows}  # ordered by moment: the last one holds
    fields_of: dict[str, list[str]] = {}
    for field in differing:
        if editor := last.get(field):
            fields_of.setdefault(editor.get_username(), []).append(field)
    if fields_of:
        raise StoryFileError(
            f"{', '.join(fields)}: written last by {editor} at the desk; to replace those words, add --overwrite"
            for editor, fields in fields_of.items()
        )


def _source(file: StoryFile, *, story: Story | None) -> Source:
    """The source by name: missing facts are filled in, facts that other stories rest on are not overwritten."""
    stated = {"country": file.source.country or "", "home_url": file.source.url or ""}
    source, new = Source.objects.get_or_create(name=file.source.name, defaults=stated)
    if new:
        return source
    known = {name: str(getattr(source, name) or "") for name in stated}
    differing = [name for name, value in stated.items() if value and value != known[name]]
    others = source.stories.exclude(pk=story.pk) if story else source.stories
    shared = others.exists()
    if refused := [name for name in differing if known[name] and shared]:
        words = {"country": "source.country", "home_url": "source.url"}
        raise StoryFileError(
            f"{words[name]}: says “{stated[name]}”, but other stories have {source.name} with “{known[name]}”; "
            "mend the file, or the source at the desk"
            for name in refused
        )
    for name in differing:
        setattr(source, name, stated[name])
    if differing:
        source.save()
    return source


def _write_fields(story: Story, file: StoryFile, *, reason: str) -> None:
    story.original_url = file.original_url or ""
    story.original_headline = file.original_headline or ""
    story.published_at, story.published_estimated = file.published_at, file.published_estimated
    story.collected_at = file.collected_at
    story.stated_minutes = file.collected.minutes if file.collected else None
    story.headline, story.hook = file.headline, file.hook.text
    story.what_to_do_next = file.tldr.what_to_do_next or ""
    story._change_reason = reason  # type: ignore[attr-defined]  # simple-history reads it
    story.save()


# The verbs that lead from a story just collected to each status a file may state.
_FORTH = (workflow.draft, workflow.submit, workflow.approve, workflow.publish)
WALKS: dict[str, tuple[Any, ...]] = {
    "new": (),
    "grouped": (),
    State.DRAFTED: _FORTH[:1],
    State.IN_REVIEW: _FORTH[:2],
    State.APPROVED: _FORTH[:3],
    "scheduled": _FORTH[:3],
    State.PUBLISHED: _FORTH,
    State.CORRECTED: (*_FORTH, workflow.correct),
    State.WITHDRAWN: (*_FORTH, workflow.withdraw),
    State.SPIKED: (workflow.spike,),
}


_TOLD = {workflow.correct: "Corrected before it was imported.", workflow.withdraw: "Withdrawn before it was imported."}


def _walk(story: Story, status: str, *, by: str, now: datetime) -> None:
    for move in WALKS[status]:
        move(story, actor=by, now=now, reason=_TOLD.get(move, "Imported."))

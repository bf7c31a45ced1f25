"""From bytes to a StoryFile, or to the list of everything that is wrong."""

from datetime import date
from typing import Any, get_args

from django.utils import timezone
from pydantic import BaseModel, ValidationError

from curation.models import Article, Audience
from curation.storyfile import checks
from curation.storyfile.content import pointers
from curation.storyfile.parsing import parse
from curation.storyfile.problems import StoryFileError, place
from curation.storyfile.shape import StoryFile

KINDS = {
    "string_type": "must be text",
    "int_type": "must be a whole number",
    "bool_type": "must be true or false",
    "list_type": "must be a list",
    "dict_type": "must be an object",
    "model_type": "must be an object",
    "model_attributes_type": "must be an object",
    "missing": "is missing",
}


def read(data: bytes | str, *, today: date | None = None) -> StoryFile:
    """The story in a file of shape story/1.

    Raises StoryFileError with all problems at once. What lies after its collection, or after `today` (UTC) where that
    is unknown, must be marked as planned.
    """
    raw = parse(data)
    around = checks.Around(
        audiences=list(Audience.objects.values_list("code", flat=True)), today=today or timezone.now().date()
    )
    found = [f"{where}: {reason}" for where, reason in checks.problems(raw, around)]
    try:
        file = StoryFile.model_validate(raw)
    except ValidationError as error:
        found = [_problem(each) for each in error.errors(include_url=False, include_input=False)] + found
    if found:
        raise StoryFileError(dict.fromkeys(found))
    return _canonical(file)


def _problem(error: Any) -> str:
    path, kind, context = error["loc"], error["type"], error.get("ctx", {})
    if kind == "extra_forbidden":
        reason = f"unknown field; known here: {', '.join(_known(path[:-1]))}"
    elif kind == "value_error":
        reason = str(context["error"])
    elif kind == "too_long":
        reason = f"has {context['actual_length']} entries; {context['max_length']} at most"
    elif kind == "too_short":
        reason = f"has {context['actual_length']} entries; {context['min_length']} at least"
    elif kind == "literal_error":
        reason = f"must be one of {context['expected']}"
    else:
        reason = KINDS.get(kind) or error["msg"][0].lower() + error["msg"][1:]
    return f"{place(_printable(part) for part in path)}: {reason}"


def _printable(part: str | int) -> str | int:
    """A key out of the file, short and without anything that could disturb a terminal."""
    return part if isinstance(part, int) or (part.isprintable() and len(part) <= 60) else ascii(part)[1:60]


def _known(path: tuple[str | int, ...]) -> list[str]:
    """What the part at this place may hold."""
    model: type[BaseModel] = StoryFile
    for name in path:
        if not isinstance(name, int):
            fields = {field.alias or own: field for own, field in model.model_fields.items()}
            model = _model_in(fields[name].annotation) or model
    return model.known()  # type: ignore[attr-defined]


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((model for each in get_args(annotation) if (model := _model_in(each))), None)


def _canonical(file: StoryFile) -> StoryFile:
    """The file with articles keyed by kind and number, and citations in the order of their claims.

    Keys only join a citation to its article, so they are not stored: an export makes the same ones again.
    """
    keys, counts = {}, dict.fromkeys(KEY_WORDS, 0)
    for article in file.articles:
        counts[article.kind] += 1
        keys[article.key] = article_key(article.kind, counts[article.kind])
    order = list(pointers(file.model_dump()))
    cited = [each.model_copy(update={"source": keys[each.source]}) for each in file.citations]
    return file.model_copy(
        update={
            "collected": None if file.published_at else file.collected,  # the moments say it
            "articles": [each.model_copy(update={"key": keys[each.key]}) for each in file.articles],
            "citations": sorted(cited, key=lambda each: order.index(each.claim)),
        }
    )


KEY_WORDS: dict[str, str] = {Article.Kind.PUBLISHED.value: "article", Article.Kind.DESK_NOTE.value: "note"}


def article_key(kind: str, number: int) -> str:
    """The key an article bears in an export: note-1, article-2."""
    return f"{KEY_WORDS[kind]}-{number}"

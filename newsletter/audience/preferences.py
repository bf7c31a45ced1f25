"""What a reader has chosen: which audiences' stories come first, how deep, and how we call them."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction

from curation import catalog
from newsletter.models import Consent, Interest, Subscriber, Subscription

MOST_TOLD = 200  # Consent.detail


@dataclass(frozen=True)
class Choices:
    """Everything a reader can choose. `interests` are codes of catalog.audiences(); `zone` is an IANA name or empty."""

    interests: frozenset[str]
    depth: str
    name: str
    language: str
    zone: str


class BadChoices(ValueError):
    """Choices that cannot be stored; `problems` maps the field to what is wrong with it."""

    def __init__(self, problems: dict[str, list[str]]) -> None:
        super().__init__("; ".join(f"{field}: {' '.join(texts)}" for field, texts in problems.items()))
        self.problems = problems


def read(subscription: Subscription) -> Choices:
    """What the reader's choices are now."""
    reader = subscription.subscriber
    interests = frozenset(subscription.interests.values_list("audience", flat=True))
    return Choices(interests, subscription.depth, reader.name, reader.language, reader.zone)


def change(
    *,
    subscription: Subscription,
    choices: Choices,
    means: str,
    now: datetime,
    ip: str | None = None,
    wording: str = "",
) -> list[str]:
    """Store the choices and give what changed, a phrase a change; nothing is written when nothing did.

    An interest that the house no longer offers stays: nobody could see it to tick it. Raises BadChoices.
    """
    with transaction.atomic():
        reader = Subscriber.objects.select_for_update().get(pk=subscription.subscriber_id)
        subscription = Subscription.objects.select_related("subscriber").get(pk=subscription.pk)
        before = read(subscription)
        unseen = before.interests - dict(catalog.audiences()).keys()
        choices = replace(choices, interests=choices.interests | unseen)
        _check(subscription, reader, before, choices)
        changed = list(_differences(before, choices))
        if not changed:
            return []
        reader.save(update_fields=["name", "language", "zone"])
        Subscription.objects.filter(pk=subscription.pk).update(depth=choices.depth)
        _replace_interests(subscription, before.interests, choices.interests)
        Consent.objects.create(
            subscription=subscription,
            act=Consent.Act.CHANGED,
            at=now,
            means=means,
            wording=wording,
            ip=ip,
            detail=_cut("; ".join(changed)),
        )
    return changed


def _check(subscription: Subscription, reader: Subscriber, before: Choices, choices: Choices) -> None:
    """Put the choices on the two rows, unsaved, and let the rows' own rules judge them."""
    reader.name, reader.language, reader.zone = choices.name, choices.language, choices.zone
    subscription.depth = choices.depth
    problems: dict[str, list[str]] = {}
    for row, fields in ((reader, {"name", "language", "zone"}), (subscription, {"depth"})):
        try:
            row.clean_fields(exclude={field.name for field in row._meta.get_fields()} - fields)
        except ValidationError as error:
            problems |= error.message_dict
    if unknown := choices.interests - before.interests - {code for code, _ in catalog.audiences()}:
        problems["interests"] = [f"There is no audience {', '.join(sorted(unknown))}."]
    if choices.language != before.language and choices.language not in dict(settings.LANGUAGES):
        problems["language"] = ["Please choose a language of the list."]
    if problems:
        raise BadChoices(problems)


def _differences(before: Choices, after: Choices) -> Iterator[str]:
    labels = dict(catalog.audiences())
    for code in sorted(after.interests - before.interests):
        yield f"{labels.get(code, code)} added"
    for code in sorted(before.interests - after.interests):
        yield f"{labels.get(code, code)} taken away"
    if before.depth != after.depth:
        yield f"depth now: {Subscription.Depth(after.depth).label}"
    if before.name != after.name:
        yield "name changed" if after.name else "name taken away"
    if before.language != after.language:
        yield f"language now: {after.language}"
    if before.zone != after.zone:
        yield f"time zone now: {after.zone}" if after.zone else "time zone taken away"


def _replace_interests(subscription: Subscription, before: Collection[str], after: Collection[str]) -> None:
    subscription.interests.exclude(audience__in=after).delete()
    Interest.objects.bulk_create(
        [Interest(subscription=subscription, audience=code) for code in sorted(set(after) - set(before))],
        ignore_conflicts=True,  # the same page saved twice at once
    )


def _cut(text: str) -> str:
    return text if len(text) <= MOST_TOLD else text[: MOST_TOLD - 1] + "…"

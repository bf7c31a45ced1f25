"""Composing an edition: its stories, its approval. Nothing else changes `Edition.state` or takes a story's copy.

    draft <-> approved

Every verb is one transaction that first takes its turn: the edition must still be as the caller read it (`version`),
else `ComposeRefused` tells who changed it and when. An approved edition is final until it is reopened, and a frozen
campaign keeps it final for ever.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction
from django.db.models import Max

from curation import catalog
from curation.catalog import StoryCopy
from newsletter.editions.record import Actor, last_change, record
from newsletter.models import Campaign, Edition, EditionItem

FREEZING = ["frozen", "sending", "paused", "done"]  # a campaign in one of these has taken the edition's words for good


class ComposeRefused(Exception):
    """The edition cannot be changed so; `reasons` tells everything that stands in the way, each with its cure."""

    def __init__(self, *reasons: str) -> None:
        super().__init__(" ".join(reasons))
        self.reasons = list(reasons)


class VersionClash(ComposeRefused):
    """Somebody else changed the edition since the caller read it."""


@dataclass
class Added:
    """Headlines of what was added, and of what was in the edition before; ids that name no public story."""

    added: list[str] = field(default_factory=list)
    already: list[str] = field(default_factory=list)
    not_public: list[int] = field(default_factory=list)


@dataclass
class Refreshed:
    """Headlines of the stories whose copy was renewed, and of those that may no longer be shown."""

    renewed: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)


@dataclass
class Drift:
    """What the desk did to an approved edition's stories since, a sentence each: no longer to be shown, or changed."""

    gone: list[str] = field(default_factory=list)
    altered: list[str] = field(default_factory=list)


def add_stories(edition: Edition, story_ids: Iterable[int], *, actor: Actor, now: datetime) -> Added:
    """Put public stories at the end of a draft, each with a copy of its words as they stand."""
    wanted = list(dict.fromkeys(story_ids))
    result = Added()
    with _turn(edition, doing="add stories"):
        present = set(edition.items.values_list("story_id", flat=True))
        copies = {copy.id: copy for copy in catalog.find(wanted)}
        result.not_public = [pk for pk in wanted if pk not in copies]
        result.already = [copy.headline for pk, copy in copies.items() if pk in present]
        fresh = [copy for pk, copy in copies.items() if pk not in present]
        result.added = [copy.headline for copy in fresh]
        if fresh:
            _append(edition, fresh)
            record(edition, actor=actor, now=now, what=f"Added {_count(len(fresh))}.")
            _bump(edition)
    return result


def fill_up(edition: Edition, *, actor: Actor, now: datetime) -> Added:
    """Add the best approved stories that no edition of this newsletter has held, up to its usual number."""
    free = edition.newsletter.stories_per_edition - edition.items.count()
    held = EditionItem.objects.filter(edition__newsletter=edition.newsletter, story__isnull=False)
    without = list(held.values_list("story_id", flat=True).distinct())
    best = catalog.approved(limit=max(free, 0), without=[pk for pk in without if pk is not None])
    return add_stories(edition, [copy.id for copy in best], actor=actor, now=now)


def remove(edition: Edition, item_ids: Iterable[int], *, actor: Actor, now: datetime) -> int:
    """Take items out of a draft; tells how many there were."""
    with _turn(edition, doing="remove stories"):
        number, _ = edition.items.filter(pk__in=list(item_ids)).delete()
        if number:
            record(edition, actor=actor, now=now, what=f"Removed {_count(number)}.")
            _bump(edition)
    return number


def refresh_copies(edition: Edition, *, doing: str = "refresh its copies") -> Refreshed:
    """Renew the draft's copies from the stories as they stand; of those no longer public the last copy stays.

    `doing`: what the editor asked for, told when somebody else was first.
    """
    result = Refreshed()
    with _turn(edition, doing=doing):
        items = list(edition.items.all())
        current = _current(items)
        for item in items:
            copy = current.get(item.story_id or 0)
            if copy is None:
                result.gone.append(str(item))
            elif copy.content_hash != item.content_hash:
                item.copy, item.content_hash = copy.as_data(), copy.content_hash
                item.save(update_fields=["copy", "content_hash"])
                result.renewed.append(copy.headline)
        if result.renewed:
            _bump(edition)
    return result


def approve(edition: Edition, *, actor: Actor, now: datetime) -> None:
    """Vouch for the edition as it stands. The copies are refreshed first; refused with every reason at once."""
    if edition.state == Edition.State.APPROVED:
        raise ComposeRefused(f"“{edition}” is approved already{_told(edition)}.")
    refreshed = refresh_copies(edition, doing="approve it")
    if reasons := blockers(edition) + [_renewed(headline) for headline in refreshed.renewed]:
        raise ComposeRefused(*reasons)
    with transaction.atomic():
        changes = {
            "state": Edition.State.APPROVED,
            "approved_at": now,
            "approved_by": None if isinstance(actor, str) else actor,
            "content_hash": content_hash(edition),
        }
        _move(edition, Edition.State.DRAFT, changes)
        record(edition, actor=actor, now=now, what="Approved.")


def reopen(edition: Edition, *, actor: Actor, reason: str, now: datetime) -> None:
    """Back to draft. A campaign that waits for its hour waits for the next approval; one that was frozen forbids it."""
    if edition.state != Edition.State.APPROVED:
        raise ComposeRefused(f"“{edition}” is a draft already{_told(edition)}.")
    with transaction.atomic():
        Edition.objects.select_for_update().get(pk=edition.pk)
        if refusal := _frozen(edition):
            raise ComposeRefused(refusal)
        _move(
            edition,
            Edition.State.APPROVED,
            {"state": Edition.State.DRAFT, "approved_at": None, "approved_by": None, "content_hash": ""},
        )
        record(
            edition,
            actor=actor,
            now=now,
            what=f"Back to draft: {reason.strip()}" if reason.strip() else "Back to draft.",
        )


def blockers(edition: Edition) -> list[str]:
    """What stands between the draft and its approval, in words; empty when it can be approved. Changes nothing."""
    items = list(edition.items.all())
    public = _current(items)
    checks = [
        (bool(edition.subject.strip()), "It has no subject: write one."),
        (bool(items), "It has no stories: add some from the list of approved stories."),
        (
            bool(edition.newsletter.postal_address.strip()),
            f"“{edition.newsletter}” has no postal address, which the law asks for: add it on the newsletter's page.",
        ),
    ]
    reasons = [reason for fine, reason in checks if not fine]
    return reasons + [_gone(str(item)) for item in items if item.story_id not in public]


def is_locked(edition: Edition) -> bool:
    """True while nobody may edit it: approved, or taken by a campaign."""
    return bool(lock_reason(edition))


def lock_reason(edition: Edition) -> str:
    """Why the edition cannot be edited and what to do about it; empty for an open draft."""
    if refusal := _frozen(edition):
        return refusal
    if edition.state == Edition.State.APPROVED:
        return f"“{edition}” is approved{_told(edition)} and cannot be edited: take it back to draft first."
    return ""


def changed_since_approval(edition: Edition) -> bool:
    """True when what would be sent is not what was approved; always true for a draft."""
    return edition.state != Edition.State.APPROVED or edition.content_hash != content_hash(edition)


def drift(edition: Edition) -> Drift:
    """How far the desk's stories have moved away from an approved edition's copies. Changes nothing."""
    result = Drift()
    items = list(edition.items.all())
    current = _current(items)
    for item in items:
        copy = current.get(item.story_id or 0)
        if copy is None:
            result.gone.append(f"“{item}” may no longer be shown: take the edition back to draft and remove it.")
        elif copy.content_hash != item.content_hash:
            result.altered.append(f"“{item}” has changed since this edition was approved; back to draft refreshes it.")
    return result


def content_hash(edition: Edition) -> str:
    """SHA-256 over all that makes the mail: the sender, the edition's words, its stories in order with their form."""
    sender = edition.newsletter
    seen = {
        "sender": [
            sender.name,
            sender.language,
            sender.from_name,
            sender.from_email,
            sender.reply_to,
            sender.postal_address,
        ],
        "words": [edition.subject, edition.preheader, edition.intro],
        "items": [[item.content_hash, item.form] for item in edition.items.all()],
    }
    return hashlib.sha256(json.dumps(seen, ensure_ascii=False).encode()).hexdigest()


def take_turn(edition_id: int, *, version: int) -> None:
    """Hold the edition's row until the transaction ends. Raises VersionClash unless it still has the version."""
    row = Edition.objects.select_for_update().select_related("newsletter").get(pk=edition_id)
    if row.version != version:
        raise VersionClash(f"{_who_changed(row)} Nothing of yours was saved: your input is still below.")
    if refusal := lock_reason(row):
        raise ComposeRefused(refusal)


@contextmanager
def _turn(edition: Edition, *, doing: str) -> Iterator[None]:
    with transaction.atomic():
        row = Edition.objects.select_for_update().select_related("newsletter").get(pk=edition.pk)
        if refusal := lock_reason(row):
            raise ComposeRefused(refusal)
        if row.version != edition.version:
            raise VersionClash(f"{_who_changed(row)} Look at it again before you {doing}.")
        yield


def _move(edition: Edition, before: str, changes: dict[str, object]) -> None:
    still = Edition.objects.filter(pk=edition.pk, state=before, version=edition.version)
    if not still.update(**changes, version=edition.version + 1):
        raise VersionClash(f"{_who_changed(edition)} Look at it again before you decide.")
    edition.refresh_from_db()


def _bump(edition: Edition) -> None:
    edition.version += 1
    Edition.objects.filter(pk=edition.pk).update(version=edition.version)


def _append(edition: Edition, copies: Sequence[StoryCopy]) -> None:
    """The first two stories of an edition lead, until an editor decides otherwise."""
    last = edition.items.aggregate(last=Max("position"))["last"]
    count = edition.items.count()
    EditionItem.objects.bulk_create(
        EditionItem(
            edition=edition,
            story_id=copy.id,
            position=(-1 if last is None else last) + number,
            form=EditionItem.Form.LEAD if count + number <= 2 else EditionItem.Form.NORMAL,
            copy=copy.as_data(),
            content_hash=copy.content_hash,
        )
        for number, copy in enumerate(copies, start=1)
    )


def _current(items: Sequence[EditionItem]) -> dict[int, StoryCopy]:
    return {copy.id: copy for copy in catalog.find([item.story_id for item in items if item.story_id is not None])}


def _frozen(edition: Edition) -> str:
    campaign = Campaign.objects.filter(edition=edition, state__in=FREEZING).first()
    if campaign is None:
        return ""
    return (
        f"“{edition}” belongs to a campaign that is {campaign.get_state_display().lower()}; "
        "what is sent stays as it was approved. Open a new edition for anything new."
    )


def _who_changed(edition: Edition) -> str:
    change = last_change(edition)
    if change is None:
        return f"“{edition}” was changed in the meantime."
    return f"“{edition}” was changed by {change.by} on {change.at:%d %B at %H:%M} UTC."


def _told(edition: Edition) -> str:
    change = last_change(edition)
    return f" ({change.by}, {change.at:%d %B %H:%M} UTC)" if change else ""


def _gone(headline: str) -> str:
    return f"“{headline}” may no longer be shown: remove it, or have the desk approve it again."


def _renewed(headline: str) -> str:
    return (
        f"“{headline}” had changed since it was added; the edition now has its newest words: read them, then approve."
    )


def _count(number: int) -> str:
    return f"{number} {'story' if number == 1 else 'stories'}"

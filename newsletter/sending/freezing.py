"""What freezing an edition asks for, and the variants it leaves behind."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from newsletter.editions.compose import changed_since_approval, drift
from newsletter.models import Campaign, Edition, Segment, Subscription, Variant
from newsletter.rendering.variant import Rendered
from newsletter.sending import room
from newsletter.sending.publication import EVERYONE_ELSE, issue_of, render_sight, sights_of


class FreezeRefused(Exception):
    """The campaign cannot be frozen; `reasons` tells everything that stands in the way, each with its cure."""

    def __init__(self, *reasons: str) -> None:
        super().__init__(" ".join(reasons))
        self.reasons = list(reasons)


@dataclass(frozen=True)
class Finished:
    """A variant that is rendered and not yet stored."""

    segment: Segment | None
    rendered: Rendered


def reasons_against(edition: Edition) -> list[str]:
    """What stands between the edition and its readers; empty when it can be frozen."""
    newsletter = edition.newsletter
    approved = edition.state == Edition.State.APPROVED
    checks = [
        (approved, "The edition is not approved: approve it first."),
        (
            not approved or not changed_since_approval(edition),
            "The edition or its sender has changed since it was approved: take it back to draft and approve it again.",
        ),
        (edition.items.exists(), "The edition has no stories: add some and approve it again."),
        (
            Subscription.objects.mailable(newsletter).exists(),
            f"“{newsletter}” has no readers who can be mailed: nobody has confirmed yet, or all have left.",
        ),
        (
            bool(newsletter.postal_address.strip()),
            f"“{newsletter}” has no postal address, which the law asks for: add it on the newsletter's page.",
        ),
    ]
    reasons = [reason for fine, reason in checks if not fine]
    most = newsletter.subscriptions.filter(state=Subscription.State.ACTIVE).count()
    return reasons + (drift(edition).gone if approved else []) + room.reasons_against(most)


def render_all(edition: Edition, *, now: datetime) -> list[Finished]:
    """Every variant, rendered: one that cannot be made stops the freeze, never the sending."""
    issue = issue_of(edition, now=now)
    finished = []
    for segment, sight in sights_of(edition):
        try:
            finished.append(Finished(segment, render_sight(edition, sight, issue)))
        except Exception as error:
            name = segment.name if segment else EVERYONE_ELSE
            raise FreezeRefused(
                f"The variant “{name}” cannot be rendered: {type(error).__name__}: {error}"[:280]
            ) from error
    return finished


def store(campaign: Campaign, finished: Sequence[Finished]) -> list[Variant]:
    return [
        Variant.objects.create(
            campaign=campaign,
            segment=each.segment,
            name=each.segment.name if each.segment else EVERYONE_ELSE,
            subject=each.rendered.subject,
            html=each.rendered.html,
            text=each.rendered.text,
            template=each.rendered.template,
            content_hash=each.rendered.content_hash,
        )
        for each in finished
    ]


def hash_of(variants: Sequence[Variant]) -> str:
    """One hash over all variants: what this campaign sends."""
    return hashlib.sha256("".join(variant.content_hash for variant in variants).encode()).hexdigest()

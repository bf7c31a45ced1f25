"""What the mail's templates receive: finished plain values, no model and no query behind any of them (pure)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from curation.catalog import Thresholds
from newsletter.editions.variants import Placed


@dataclass(frozen=True)
class Publication:
    """Who sends. `list_id` is RFC 2919's identifier without brackets; `zone` an IANA name."""

    name: str
    language: str
    from_name: str
    from_email: str
    reply_to: str
    domain: str
    list_id: str
    postal_address: str
    zone: str
    thresholds: Thresholds


@dataclass(frozen=True)
class Issue:
    """What is sent: one edition. `web_url` is its page in the archive, absolute; `now` when it is rendered."""

    subject: str
    preheader: str
    intro: str
    web_url: str
    now: datetime


@dataclass(frozen=True)
class Sight:
    """Whose eyes: one segment's stories, in reading order; the footer names `segment` as the reason for the mail."""

    segment: str
    audience: str
    placed: Sequence[Placed]

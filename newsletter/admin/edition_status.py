"""Where an edition stands, in words: for its own page and for the dashboard."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from newsletter.admin import words
from newsletter.editions import compose
from newsletter.models import Campaign, Edition
from newsletter.models.edition import LIVE_CAMPAIGN

A_MINUTE = timedelta(minutes=1)  # by then the timetable has looked


@dataclass(frozen=True)
class Status:
    edition: Edition
    state: str
    when: str
    blockers: list[str]  # why a draft cannot be approved, or what was approved cannot be sent
    altered: list[str]  # what the desk has changed in its stories since the approval: it is sent as approved
    locked: str  # why it cannot be edited; empty for an open draft
    campaign: Campaign | None
    changed: bool  # approved, yet what would be sent differs from it
    overdue: bool  # its hour is past and nothing has started it

    @property
    def is_draft(self) -> bool:
        return self.edition.state == Edition.State.DRAFT

    @property
    def can_reopen(self) -> bool:
        return not self.is_draft and (self.campaign is None or self.campaign.state not in compose.FREEZING)

    @property
    def can_send(self) -> bool:
        return not self.is_draft and not self.changed and not self.blockers and self.campaign is None

    @property
    def leaves_by_itself(self) -> bool:
        """The clock starts an approved edition once; what a person cancelled it leaves alone."""
        return self.can_send and self.edition.slot is not None and not self.edition.campaigns.exists()


def status_of(edition: Edition, *, now: datetime) -> Status:
    campaign = edition.campaigns.filter(state__in=LIVE_CAMPAIGN).first()
    draft = edition.state == Edition.State.DRAFT
    fixed = draft or (campaign is not None and campaign.state in compose.FREEZING)
    drift = compose.Drift() if fixed else compose.drift(edition)
    by_clock = edition.slot is not None and not draft and not edition.campaigns.exists()
    return Status(
        edition=edition,
        state=edition.get_state_display(),
        when=words.slot(edition.slot, zone=edition.newsletter.zone, now=now) if edition.slot else "",
        blockers=compose.blockers(edition) if draft else drift.gone,
        altered=drift.altered,
        locked=compose.lock_reason(edition),
        campaign=campaign,
        changed=not draft and compose.changed_since_approval(edition),
        overdue=by_clock and edition.slot is not None and edition.slot + A_MINUTE < now,
    )

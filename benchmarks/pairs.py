"""Our sender and smtp-source into the same server, in turn: source, ours, source, ours, ..., source."""

import tempfile
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import servers
from benchmarks.measure import Used
from benchmarks.result import Result, middle, spread
from benchmarks.stage import Sent, Stage

if TYPE_CHECKING:  # models can be imported only when Django is set up
    from newsletter.models import Campaign, Newsletter
    from newsletter.rendering.slots import Slots
    from newsletter.sending.outcomes import Letter

WARM_UP = 1_000


@dataclass
class Pairs:
    """Each of our runs stands between two of smtp-source."""

    ours: list[Sent] = field(default_factory=list)
    source: list[Used] = field(default_factory=list)
    source_count: int = 0

    @property
    def ratios(self) -> list[float]:
        rates = [self.source_count / used.seconds for used in self.source]
        return [sent.rate / ((rates[n] + rates[n + 1]) / 2) for n, sent in enumerate(self.ours)]

    def tell(self, result: Result, *, prefix: str = "") -> None:
        count = self.source_count
        result.figures |= {
            f"{prefix}messages_per_second": middle(sent.rate for sent in self.ours),
            f"{prefix}sender_cpu_seconds_per_1000": middle(
                1000 * sent.sender.cpu / sent.recipients for sent in self.ours
            ),
            f"{prefix}postgresql_cpu_seconds_per_1000": middle(
                1000 * sent.database_cpu / sent.recipients for sent in self.ours
            ),
            f"{prefix}peak_mb_of_a_lane": max(sent.sender.peak_mb for sent in self.ours),
        }
        result.references |= {
            f"{prefix}smtp_source_messages_per_second": middle(count / used.seconds for used in self.source),
            f"{prefix}smtp_source_cpu_seconds_per_1000": middle(1000 * used.cpu / count for used in self.source),
        }
        result.ratios[f"{prefix}to_smtp_source"] = middle(self.ratios)
        result.notes.append(f"{prefix or 'ratio '}{len(self.ours)} runs, ratio {spread(self.ratios)}.")


def measure(stage: Stage, port: int, *, recipients: int, runs: int) -> tuple[Pairs, bytes]:
    """The pairs, and the message that smtp-source sent. Django must be set up; the newsletter is made here once."""
    from benchmarks import edition
    from newsletter.models import Newsletter

    newsletter = Newsletter.objects.filter(slug="bench").first()
    if newsletter is None:
        newsletter = edition.make_newsletter()
        edition.add_readers(newsletter, WARM_UP)
        stage.send(edition.frozen_campaign(newsletter).pk)  # imports, connections, plans
        edition.add_readers(newsletter, recipients - WARM_UP)
        analyse()
    pairs = Pairs(source_count=max(recipients // 3, 1000))
    with tempfile.TemporaryDirectory() as folder:
        message = sample(newsletter)
        file = servers.as_file(message, Path(folder))
        pairs.source.append(servers.smtp_source(file, port, pairs.source_count))
        for _ in range(runs):
            pairs.ours.append(stage.send(edition.frozen_campaign(newsletter).pk))
            pairs.source.append(servers.smtp_source(file, port, pairs.source_count))
    return pairs, message


def one_more(stage: Stage) -> Sent:
    """Another campaign to the same readers."""
    from benchmarks import edition
    from newsletter.models import Newsletter

    return stage.send(edition.frozen_campaign(Newsletter.objects.get(slug="bench")).pk)


def sample(newsletter: "Newsletter") -> bytes:
    """One reader's message of the newest campaign, made as a lane makes it."""
    from newsletter.models import Campaign
    from newsletter.sending import clock
    from newsletter.sending.messages import Press
    from newsletter.sending.relay import the_relays

    campaign = Campaign.objects.filter(newsletter=newsletter).select_related("newsletter").latest("id")
    return Press(campaign).envelope(a_letter(campaign), now=clock.database_now(), relay=the_relays()[0]).message


def a_letter(campaign: "Campaign", number: int = 1) -> "Letter":
    from newsletter.models import Delivery
    from newsletter.sending.outcomes import Letter

    delivery = Delivery.objects.select_related("subscriber").get(campaign=campaign, number=number)
    reader = delivery.subscriber
    return Letter(
        delivery.pk, number, delivery.variant_id, delivery.message_id, reader.name, reader.email, reader.key, 0, 0
    )


def slots_of(campaign: "Campaign", letter: "Letter", *, now: datetime) -> "Slots":
    from newsletter import tokens
    from newsletter.rendering.slots import Slots
    from newsletter.tokens import Purpose

    reader = tokens.ReaderRef(letter.subscriber, campaign.newsletter_id, campaign.key)
    leave, settings = (tokens.for_reader(purpose, reader) for purpose in (Purpose.LEAVE, Purpose.SETTINGS))
    return Slots(letter.name, letter.email, letter.message_id, now, leave, settings)


def analyse() -> None:
    """What autovacuum does within a minute after a million readers came."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")

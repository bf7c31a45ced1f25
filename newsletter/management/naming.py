"""How commands let a person name an edition, a segment or a campaign; a wrong name is answered with the right ones."""

from django.core.management import CommandError

from newsletter.models import Campaign, Edition, Segment


def edition_named(name: str) -> Edition:
    """By id, slug, or NEWSLETTER/SLUG where several newsletters have one of that slug."""
    editions = Edition.objects.select_related("newsletter")
    if name.isdecimal() and (found := editions.filter(pk=int(name)).first()):
        return found
    newsletter, _, slug = name.rpartition("/")
    matches = list(editions.filter(slug=slug, **({"newsletter__slug": newsletter} if newsletter else {})))
    if len(matches) == 1:
        return matches[0]
    known = ", ".join(f"{edition.newsletter.slug}/{edition.slug}" for edition in matches or editions[:8])
    problem = "Several editions are" if matches else "No edition is"
    raise CommandError(f"{problem} named {name!r}. Use an id or one of: {known or '(there are no editions yet)'}.")


def segment_named(edition: Edition, slug: str) -> Segment:
    segment = edition.newsletter.segments.filter(slug=slug).first()
    if segment is None:
        known = ", ".join(edition.newsletter.segments.values_list("slug", flat=True))
        raise CommandError(f"“{edition.newsletter}” has no segment {slug!r}. Use one of: {known or '(it has none)'}.")
    return segment


def segment_called(slug: str, *, newsletter: str | None) -> Segment:
    """By its slug, and its newsletter's where several newsletters have one of that slug."""
    segments = Segment.objects.select_related("newsletter").filter(
        **({"newsletter__slug": newsletter} if newsletter else {})
    )
    matches = list(segments.filter(slug=slug))
    if len(matches) == 1:
        return matches[0]
    if matches:
        known = ", ".join(each.newsletter.slug for each in matches)
        raise CommandError(f"Several newsletters have a segment {slug!r}: add --newsletter and one of {known}.")
    known = ", ".join(f"{each.newsletter.slug}/{each.slug}" for each in segments[:12])
    raise CommandError(f"No segment is named {slug!r}. There are: {known or '(none yet)'}.")


def campaign_numbered(number: int) -> Campaign:
    campaign = Campaign.objects.select_related("edition", "newsletter").filter(pk=number).first()
    if campaign is None:
        last = ", ".join(str(pk) for pk in Campaign.objects.order_by("-pk").values_list("pk", flat=True)[:8])
        raise CommandError(f"There is no campaign {number}. The last ones are: {last or '(none yet)'}.")
    return campaign

"""The desk of the newsletter: one class a file, all of them registered here."""

from newsletter.admin import campaign, delivery, domain_pace, edition, newsletter, segment, subscriber, suppression

__all__ = ["campaign", "delivery", "domain_pace", "edition", "newsletter", "segment", "subscriber", "suppression"]

from newsletter.models.campaign import Campaign, CampaignMove, Chunk, Variant
from newsletter.models.delivery import Delivery
from newsletter.models.edition import Edition, EditionItem
from newsletter.models.newsletter import Newsletter
from newsletter.models.segment import Segment
from newsletter.models.subscriber import Consent, Interest, Subscriber, Subscription
from newsletter.models.suppression import Suppression

__all__ = [
    "Campaign",
    "CampaignMove",
    "Chunk",
    "Consent",
    "Delivery",
    "Edition",
    "EditionItem",
    "Interest",
    "Newsletter",
    "Segment",
    "Subscriber",
    "Subscription",
    "Suppression",
    "Variant",
]

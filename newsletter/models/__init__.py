from newsletter.models.campaign import Campaign, CampaignMove, Chunk, Variant
from newsletter.models.delivery import Delivery, ProviderMessage
from newsletter.models.edition import Edition, EditionItem
from newsletter.models.newsletter import Newsletter
from newsletter.models.pace import Bucket, CampaignMinute, DomainPace, Instance, WarmUpDay
from newsletter.models.segment import Segment
from newsletter.models.subscriber import Consent, Interest, Subscriber, Subscription
from newsletter.models.suppression import Suppression

__all__ = [
    "Bucket",
    "Campaign",
    "CampaignMinute",
    "CampaignMove",
    "Chunk",
    "Consent",
    "Delivery",
    "DomainPace",
    "Edition",
    "EditionItem",
    "Instance",
    "Interest",
    "Newsletter",
    "ProviderMessage",
    "Segment",
    "Subscriber",
    "Subscription",
    "Suppression",
    "Variant",
    "WarmUpDay",
]

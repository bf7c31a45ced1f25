from curation.models.article import Article
from curation.models.audience import Audience
from curation.models.claim import Claim, Evidence
from curation.models.insight import ComparisonTable, TimelineEvent
from curation.models.provenance import Provenance
from curation.models.source import Source
from curation.models.story import Group, RelatedStory, Story, StoryAudience, StoryMove

__all__ = [
    "Article",
    "Audience",
    "Claim",
    "ComparisonTable",
    "Evidence",
    "Group",
    "Provenance",
    "RelatedStory",
    "Source",
    "Story",
    "StoryAudience",
    "StoryMove",
    "TimelineEvent",
]

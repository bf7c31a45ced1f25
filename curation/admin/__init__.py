"""The curation desk: one class a file."""

from curation.admin.article import ArticleAdmin
from curation.admin.audience import AudienceAdmin
from curation.admin.evidence import EvidenceAdmin
from curation.admin.group import GroupAdmin
from curation.admin.source import SourceAdmin
from curation.admin.story import StoryAdmin

__all__ = ["ArticleAdmin", "AudienceAdmin", "EvidenceAdmin", "GroupAdmin", "SourceAdmin", "StoryAdmin"]

"""The quotes behind a story's claims, numbered in the order in which a reader meets them (pure)."""

from dataclasses import dataclass, field

from curation.models import Article, Claim, Evidence


@dataclass(frozen=True)
class Cite:
    """A number behind a claim; the first use of a number is where its quote leads back to."""

    number: int
    first: bool


@dataclass(frozen=True)
class Quote:
    number: int
    text: str


@dataclass(frozen=True)
class Quoted:
    """A text that was quoted, with its quotes; `note` says in words when it is not the publisher's own text."""

    source: str
    title: str
    url: str  # empty when unknown
    note: str
    quotes: tuple[Quote, ...]


@dataclass
class Quotes:
    """Gives each quoted span one number, however many claims lean on it."""

    _numbers: dict[tuple[int, int, int], int] = field(default_factory=dict)
    _articles: dict[int, Article] = field(default_factory=dict)
    _by_article: dict[int, list[Quote]] = field(default_factory=dict)

    def cite(self, claim: Claim) -> tuple[Cite, ...]:
        """The numbers to print behind the claim."""
        return tuple(self._cite(evidence) for evidence in claim.evidence.all())

    def texts(self) -> tuple[Quoted, ...]:
        """Every text that was quoted so far, in the order of its first quote."""
        return tuple(_quoted(article, self._by_article[pk]) for pk, article in self._articles.items())

    def _cite(self, evidence: Evidence) -> Cite:
        span = (evidence.article_id, evidence.start, evidence.end)
        known = self._numbers.get(span)
        if known:
            return Cite(known, first=False)
        number = self._numbers[span] = len(self._numbers) + 1
        self._articles.setdefault(evidence.article_id, evidence.article)
        self._by_article.setdefault(evidence.article_id, []).append(Quote(number, evidence.quote))
        return Cite(number, first=True)


def _quoted(article: Article, quotes: list[Quote]) -> Quoted:
    own = article.kind == Article.Kind.DESK_NOTE
    return Quoted(
        source=article.source.name,
        title=article.title,
        url=article.url,
        note=str(Article.Kind.DESK_NOTE.label) if own else "",
        quotes=tuple(quotes),
    )

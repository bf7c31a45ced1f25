"""Which Post carries what: SMTP relays have one of their own, HTTP providers another."""

from collections.abc import Sequence

from newsletter.sending.post import Post, Source
from newsletter.sending.providers.pool import ProviderPost
from newsletter.sending.relay import Relay
from newsletter.sending.smtp import ANSWER_SECONDS, Pool


def post_for(
    relays: Sequence[Relay], source: Source, *, connections: int | None = None, answer_seconds: float = ANSWER_SECONDS
) -> Post:
    """The relays are all of one kind, as `the_relays` gives them. `connections`: to all together; None: the setting."""
    if relays[0].account is not None:
        return ProviderPost(relays, source, answer_seconds=answer_seconds)
    return Pool(relays, source, connections=connections, answer_seconds=answer_seconds)

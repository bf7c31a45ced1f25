"""What a provider's answer makes of the letters it was about (pure).

The question is the same as behind SMTP: could it have taken them? A 2xx says so for each; a 4xx says no; 429, 500 and
503 say not now; 502 and 504 are the words of a gateway that has lost the answer, and leave doubt.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from newsletter.sending.outcomes import Accepted, Doubt, Never, NotSent, OursToMend, Outcome, plain

_ACCOUNT = {301, 302, 303, 307, 308, 401, 402, 403, 404, 405, 410}  # about us or the API's address, not a reader
_LOST_BY_A_GATEWAY = {502, 504, 520, 524}  # the last two: Cloudflare's
_OURS = re.compile(
    r"\b(from|sender|signature|credits?|quota|account|stream|api.?key|not verified|verify)\b", re.IGNORECASE
)
_READERS = re.compile(r"\brecipients?\b|[`'\"]to[`'\"]|\bto parameter\b|\bin to\b|\.to\.", re.IGNORECASE)
_TOO_LARGE = 413


@dataclass(frozen=True)
class Reply:
    """One outcome a letter; or none, when none was taken and all are worth another request.

    `alone`: send each by itself, for one of them spoils the slice. `wait`: seconds the provider asks us to keep away.
    `trouble`: it is not well, and why; `lost`: the answer is.
    """

    outcomes: Sequence[Outcome] = ()
    alone: bool = False
    wait: float | None = None
    trouble: str = ""
    lost: bool = False


def refusal(status: int, words: str, headers: Mapping[str, str], recipients: Sequence[str], *, name: str) -> Reply:
    """What an answer other than 2xx comes to. `words` are the provider's, `name` is its own."""
    count = len(recipients)
    told = plain(f"{name} answers HTTP {status}: {words}")
    if status == 429:
        return Reply(wait=retry_after(headers), trouble=told)
    if status in _LOST_BY_A_GATEWAY:
        return Reply([Doubt(told)] * count, lost=True, trouble=told)
    if status >= 500 or status in (408, 425):
        return Reply([NotSent(f"421 {told}")] * count, trouble=told)
    if status in _ACCOUNT:
        return Reply([OursToMend(535 if status in (401, 403) else 550, f"5.7.8 {told}")] * count)
    if count > 1:
        return Reply(alone=True)
    return Reply([refused(told, recipients[0], too_large=status == _TOO_LARGE)])


def refused(words: str, recipient: str, *, too_large: bool = False) -> Outcome:
    """Whose fault it is that one letter was refused for good: the reader's address, our account, or the message."""
    if too_large:
        return Never(552, f"5.3.4 {words}")
    if recipient.lower() in words.lower() or _READERS.search(words):
        return Never(553, f"5.1.3 {words}")
    if _OURS.search(words):
        return OursToMend(550, f"5.7.1 {words}")
    return Never(550, f"5.7.0 {words}")


def taken(status: str, message_id: str | None, words: str, recipient: str, *, provider: str) -> Outcome:
    """What anymail's status of one recipient comes to."""
    if status in ("sent", "queued"):
        return Accepted(250, f"2.0.0 {status} as {message_id}", provider=provider, provider_id=message_id or "")
    if status == "invalid":
        return Never(553, f"5.1.3 {words}")
    if status == "rejected":  # it bounced or complained before, and the provider keeps a list
        return Never(550, f"5.1.0 {words}")
    if status == "failed":
        return refused(words, recipient)
    return Doubt(f"The provider's answer does not tell whether it took the mail: {words}")


def lost(count: int, why: str) -> Reply:
    """The request left, and no answer came."""
    return Reply([Doubt(why)] * count, lost=True, trouble=why)


def not_sent(count: int, why: str) -> Reply:
    return Reply([NotSent(f"421 {why}")] * count, trouble=why)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """The seconds that Retry-After asks for (RFC 9110 10.2.3), if it does."""
    value = headers.get("Retry-After", "").strip()
    if value.replace(".", "", 1).isdigit():
        return float(value)
    try:
        return max(0.0, (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds())
    except (TypeError, ValueError):
        return None


def words_of(text: str) -> str:
    """The sentence in an answer's JSON, else the answer as it is."""
    try:
        found = json.loads(text)
    except ValueError:
        return plain(text)
    if isinstance(found, dict):
        errors = [each for each in found.get("errors") or [] if isinstance(each, dict)]
        sentence = found.get("Message") or found.get("message") or "; ".join(map(_sentence, errors))
        if sentence:
            return plain(str(sentence))
    return plain(text)


def _sentence(error: dict[str, object]) -> str:
    return f"{error.get('message')} ({error['field']})" if error.get("field") else str(error.get("message"))

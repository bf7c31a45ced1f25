"""From the bytes of a message to the object that anymail takes apart for a provider's API.

A provider writes the message anew: the words, the names and our headers arrive, the bytes do not. So it is the
provider, too, that signs.
"""

import re
from email import message_from_bytes, policy
from email.message import Message
from functools import lru_cache

from django.core.mail import EmailMultiAlternatives

from newsletter.rendering.headers import wire_address
from newsletter.sending.post import Envelope
from newsletter.sending.providers.account import Account

LONGEST_METADATA = 80  # Postmark's limit; the part before the @ of a longer Message-ID is unique by itself
_FOLD = re.compile(r"\r?\n(?=[ \t])")
# These have places of their own in an API, or are the provider's to write; so is all that begins with Content-T.
_THEIRS = {"from", "to", "cc", "bcc", "subject", "reply-to", "date", "mime-version", "dkim-signature", "return-path"}


def rewrite(envelope: Envelope, account: Account) -> EmailMultiAlternatives:
    """The same mail, to this one recipient. Its metadata holds our Message-ID, which the provider's events repeat.

    Raises BadHeader for a recipient that no header can hold.
    """
    parsed: Message = message_from_bytes(envelope.message)
    headers = {name.lower(): _decoded(name, raw) for name, raw in parsed.raw_items()}
    mail = EmailMultiAlternatives(
        subject=headers.get("subject", ""),
        from_email=headers["from"],
        to=[_to(headers.get("to", ""), envelope.recipient)],
        reply_to=[headers["reply-to"]] if "reply-to" in headers else None,
        headers=_own(parsed, headers) | dict(account.kind.extra_headers),
    )
    _fill(mail, parsed)
    _add_wishes(mail, headers, account)
    return mail


def _fill(mail: EmailMultiAlternatives, parsed: Message) -> None:
    """The first text and the first HTML are the body, everything else is attached."""
    bodies: dict[str, str] = {}
    for part in parsed.walk():
        kind = part.get_content_type()
        if part.is_multipart():
            continue
        content: bytes = part.get_payload(decode=True)  # type: ignore[assignment]
        if kind in ("text/plain", "text/html") and kind not in bodies and not part.get_filename():
            charset = part.get_content_charset("utf-8")
            bodies[kind] = content.decode(charset, "replace").replace("\r\n", "\n")
        else:
            mail.attach(part.get_filename(), content, kind)
    if set(bodies) == {"text/html"}:
        mail.body, mail.content_subtype = bodies["text/html"], "html"
        return
    mail.body = bodies.get("text/plain", "")
    if "text/html" in bodies:
        mail.attach_alternative(bodies["text/html"], "text/html")


def _to(header: str, recipient: str) -> str:
    """The recipient with the name that the message calls them by."""
    address = wire_address(recipient)
    people = policy.default.header_factory("To", header).addresses
    name = next((each.display_name for each in people if each.addr_spec.lower() in (recipient.lower(), address)), "")
    quoted = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{quoted}" <{address}>' if name else address


def _own(parsed: Message, headers: dict[str, str]) -> dict[str, str]:
    """The headers that go along as they are."""
    ours = (name for name in parsed if name.lower() not in _THEIRS and not name.lower().startswith("content-t"))
    return {name: _ascii(name, headers[name.lower()]) for name in ours}


def _ascii(name: str, value: str) -> str:
    """A list's identifier without its name if that is not ASCII: Brevo would send it in bare UTF-8."""
    if name.lower() == "list-id" and not value.isascii():
        return "<" + value.rpartition("<")[2]
    return value


@lru_cache(maxsize=256)  # most are the same for all readers
def _decoded(name: str, raw: str) -> str:
    """A header's value on one line, encoded words (RFC 2047) read; `To` keeps them, for they may hold a comma."""
    line = _FOLD.sub("", raw.encode("utf-8", "surrogateescape").decode("utf-8", "replace")).strip()
    if "=?" not in line or name.lower() == "to":
        return line
    header = policy.default.header_factory(name, line)
    return ", ".join(map(str, header.addresses)) if name.lower() in ("from", "reply-to") else str(header)


def _add_wishes(mail: EmailMultiAlternatives, headers: dict[str, str], account: Account) -> None:
    """What anymail reads from attributes of a mail (in its words: Anymail additions)."""
    message_id = headers.get("message-id", "").strip("<>")
    wishes: dict[str, object] = {"metadata": {"message_id": message_id[:LONGEST_METADATA]}} if message_id else {}
    if account.kind.takes_tracking:
        wishes |= {"track_clicks": False, "track_opens": False}
    if account.stream and headers.get("precedence", "").lower() == "bulk":
        wishes["esp_extra"] = {"MessageStream": account.stream}
    for name, value in wishes.items():
        setattr(mail, name, value)

"""A provider's HTTP API on the loopback: it answers as the real ones do, misbehaves on purpose, and keeps the truth.

`truth` holds every mail that it took, also those whose answer it swallowed.
"""

import json
import threading
import time
import uuid
from base64 import b64encode
from collections import Counter
from dataclasses import dataclass, field
from email import message_from_bytes
from email.utils import parseaddr
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

KEY = "key-S3CRET"
_BASIC = b64encode(f"api:{KEY}".encode()).decode()  # Mailgun's way


@dataclass(frozen=True)
class Quirk:
    """What happens to a request instead of the usual. `status`: this answer, and nothing is taken.

    `hang_up`: the line is dropped, after the mails were taken if `takes`. `wait`: seconds before the answer.
    """

    status: int = 0
    body: Any = ""
    headers: dict[str, str] = field(default_factory=dict)
    hang_up: bool = False
    takes: bool = False
    wait: float = 0.0


@dataclass(frozen=True)
class Mail:
    to: str
    name: str
    subject: str
    text: str
    html: str
    headers: dict[str, str]
    metadata: dict[str, str]
    raw: Any


class ProviderApi:
    """`quirks` are used up one a request; `refused` are addresses that the provider takes no mail for."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.truth: list[Mail] = []
        self.quirks: list[Quirk] = []
        self.refused: set[str] = set()
        self.requests: list[tuple[str, dict[str, str], int]] = []  # path, headers, mails in it
        self.connections = 0
        self.slow = 0.0
        self._answers: dict[str, tuple[int, Any]] = {}
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.port: int = self._server.server_port
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    @property
    def url(self) -> str:
        domain = "example.org" if self.kind == "mailgun" else ""
        return f"{self.kind}://{KEY}@{domain}?api=http://127.0.0.1:{self.port}/v3"

    def copies(self) -> Counter[str]:
        return Counter(mail.to for mail in self.truth)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _handler(api) -> type[BaseHTTPRequestHandler]:  # noqa: N805
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                super().setup()
                api.connections += 1

            def log_message(self, *args: Any) -> None:
                pass

            def do_POST(self) -> None:  # noqa: N802
                body = self.rfile.read(int(self.headers["Content-Length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                answer = api._answer(self.path, headers, body)
                if answer is None:
                    self.close_connection = True
                    return
                status, found, extra = answer
                content = (found if isinstance(found, str) else json.dumps(found)).encode()
                self.send_response(status)
                for name, value in {"Content-Type": "application/json", **extra}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

        return Handler

    def _answer(self, path: str, headers: dict[str, str], body: bytes) -> tuple[int, Any, dict[str, str]] | None:
        mails = READERS[self.kind](body)
        with self._lock:
            quirk = self.quirks.pop(0) if self.quirks else Quirk(wait=self.slow)
            self.requests.append((path, headers, len(mails)))
        if not any(key in str(headers) for key in (KEY, _BASIC)):
            return 401, {"message": "no key"}, {}
        if quirk.status:
            return quirk.status, quirk.body, quirk.headers
        if quirk.hang_up and not quirk.takes:
            return None
        answer = self._take(mails, headers.get("idempotency-key", ""))
        time.sleep(quirk.wait)
        return None if quirk.hang_up else (*answer, {})

    def _take(self, mails: list[Mail], key: str) -> tuple[int, Any]:
        with self._lock:
            if key and key in self._answers:
                return self._answers[key]
            answer, taken = ANSWERS[self.kind](mails, self.refused)
            self.truth.extend(taken)
            if key:
                self._answers[key] = answer
            return answer


def _id() -> str:
    return str(uuid.uuid4())


# --- What each understands --------------------------------------------------------------------------------------


def _postmark(body: bytes) -> list[Mail]:
    found = json.loads(body)
    return [
        Mail(
            *reversed(parseaddr(one["To"])),
            one["Subject"],
            one["TextBody"],
            one.get("HtmlBody", ""),
            {each["Name"]: each["Value"] for each in one.get("Headers", [])},
            one.get("Metadata", {}),
            one,
        )
        for one in (found if isinstance(found, list) else [found])
    ]


def _mailgun(body: bytes) -> list[Mail]:
    form = _form(body)
    headers = {name[2:]: value for name, value in form.items() if name.startswith("h:")}
    metadata = {name[2:]: value for name, value in form.items() if name.startswith("v:")}
    to, name = reversed(parseaddr(form["to"]))
    return [Mail(to, name, form["subject"], form["text"], form.get("html", ""), headers, metadata, form)]


def _form(body: bytes) -> dict[str, str]:
    """Mailgun takes a form, and one in parts when there is an attachment."""
    if not body.startswith(b"--"):
        return {name: values[0] for name, values in parse_qs(body.decode()).items()}
    boundary = body.partition(b"\r\n")[0][2:]
    parts = message_from_bytes(b"Content-Type: multipart/form-data; boundary=" + boundary + b"\r\n\r\n" + body)
    return {
        str(part.get_param("name", header="content-disposition")): part.get_payload(decode=True).decode()  # type: ignore
        for part in parts.get_payload()
    }


def _sendgrid(body: bytes) -> list[Mail]:
    one = json.loads(body)
    parts = {part["type"]: part["value"] for part in one["content"]}
    (personal,) = one["personalizations"]
    (to,) = personal["to"]
    metadata = one.get("custom_args", {})
    html, headers = parts.get("text/html", ""), one.get("headers", {})
    return [Mail(to["email"], to.get("name", ""), one["subject"], parts["text/plain"], html, headers, metadata, one)]


def _brevo(body: bytes) -> list[Mail]:
    one = json.loads(body)
    (to,) = one["to"]
    headers = one.get("headers", {})
    metadata = json.loads(headers.get("X-Mailin-custom", "{}"))
    html = one.get("htmlContent", "")
    return [Mail(to["email"], to.get("name", ""), one["subject"], one["textContent"], html, headers, metadata, one)]


def _resend(body: bytes) -> list[Mail]:
    found = json.loads(body)
    return [
        Mail(
            *reversed(parseaddr(one["to"][0])),
            one["subject"],
            one["text"],
            one.get("html", ""),
            one.get("headers", {}),
            json.loads(one.get("headers", {}).get("X-Metadata", "{}")),
            one,
        )
        for one in (found if isinstance(found, list) else [found])
    ]


READERS = {"postmark": _postmark, "mailgun": _mailgun, "sendgrid": _sendgrid, "brevo": _brevo, "resend": _resend}


# --- What each answers ------------------------------------------------------------------------------------------

Answered = tuple[tuple[int, Any], list[Mail]]


def _from_postmark(mails: list[Mail], refused: set[str]) -> Answered:
    def one(mail: Mail) -> dict[str, Any]:
        if mail.to in refused:
            return {
                "ErrorCode": 406,
                "Message": "You tried to send to recipient(s) that have been marked as inactive. Found inactive "
                f"addresses: {mail.to}. Inactive recipients are ones that have generated a hard bounce, a spam "
                "complaint, or a manual suppression.",
            }
        return {
            "To": mail.raw["To"],
            "SubmittedAt": "2026-11-23T07:25:01.4178645-05:00",
            "MessageID": _id(),
            "ErrorCode": 0,
            "Message": "OK",
        }

    entries = [one(mail) for mail in mails]
    taken = [mail for mail in mails if mail.to not in refused]
    if len(mails) > 1:
        return (200, entries), taken
    return (200 if taken else 422, entries[0]), taken


def _from_mailgun(mails: list[Mail], refused: set[str]) -> Answered:
    (mail,) = mails
    if mail.to in refused:
        return (400, {"message": "to parameter is not a valid address. please check documentation"}), []
    return (200, {"id": f"<{_id()}@example.org>", "message": "Queued. Thank you."}), mails


def _from_sendgrid(mails: list[Mail], refused: set[str]) -> Answered:
    (mail,) = mails
    if mail.to in refused:
        error = {
            "message": "Does not contain a valid address.",
            "field": "personalizations.0.to.0.email",
            "help": "http://sendgrid.com/docs/API_Reference/Web_API_v3/Mail/errors.html#message.personalizations.to",
        }
        return (400, {"errors": [error]}), []
    return (202, ""), mails


def _from_brevo(mails: list[Mail], refused: set[str]) -> Answered:
    (mail,) = mails
    if mail.to in refused:
        return (400, {"code": "invalid_parameter", "message": "email is not valid in to"}), []
    return (201, {"messageId": f"<{_id()}@smtp-relay.mailin.fr>"}), mails


def _from_resend(mails: list[Mail], refused: set[str]) -> Answered:
    if any(mail.to in refused for mail in mails):  # one spoils them all
        words = "Invalid `to` field. The email address needs to follow the `email@example.com` format."
        return (422, {"statusCode": 422, "name": "validation_error", "message": words}), []
    ids = [{"id": _id()} for _ in mails]
    return (200, {"data": ids} if len(mails) > 1 else ids[0]), mails


ANSWERS = {
    "postmark": _from_postmark,
    "mailgun": _from_mailgun,
    "sendgrid": _from_sendgrid,
    "brevo": _from_brevo,
    "resend": _from_resend,
}

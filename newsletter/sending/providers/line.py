"""One line to a provider: anymail makes the request and reads the answer, `requests` carries it over a kept connection.

For the outcome one thing must be known that neither tells: whether the whole request had left when it failed. Before
that the provider cannot have taken it; after that it can.
"""

import json
import logging
import time
import uuid
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin

import requests
from anymail.exceptions import AnymailError, AnymailInvalidAddress, AnymailNotSupportedWarning
from django.core.mail import EmailMultiAlternatives
from django.utils.module_loading import import_string
from requests.adapters import HTTPAdapter

from newsletter.sending.outcomes import Doubt, Never, OursToMend, Outcome, Unbuildable, plain
from newsletter.sending.post import Envelope
from newsletter.sending.providers import verdict
from newsletter.sending.providers.account import Account
from newsletter.sending.providers.rewrite import rewrite
from newsletter.sending.providers.verdict import Reply

logger = logging.getLogger(__name__)

CONNECT_SECONDS = 10.0
ANSWER_SECONDS = 60.0  # nobody is held up by this wait, and what it saves from doubt is worth it
IDLE_SECONDS = 15.0  # a connection that was not used for longer is not trusted: a close on it would look like a loss
REPEATS = (0.0, 1.0, 4.0)  # pauses before each try of a request that may safely be repeated


@dataclass(frozen=True)
class Item:
    """A letter, ready to be requested: all that can fail without the network has been done."""

    envelope: Envelope
    mail: EmailMultiAlternatives
    payload: Any  # anymail's
    request: dict[str, Any]  # the arguments of requests.Session.request


class Unfit(Exception):
    """No request can be made of this letter; `outcome` is what it comes to."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome)
        self.outcome = outcome


class Line:
    """To be used by one thread at a time."""

    def __init__(self, account: Account, *, answer_seconds: float = ANSWER_SECONDS) -> None:
        self._account = account
        self._backend = _backend(account)
        self._timeout = (CONNECT_SECONDS, answer_seconds)
        self._carrier = _Carrier()
        self._session: requests.Session | None = None
        self._used_at = 0.0

    def prepare(self, envelope: Envelope) -> Item:
        """Raises Unfit."""
        try:
            mail = rewrite(envelope, self._account)
            payload = self._backend.build_message_payload(mail, self._backend.send_defaults)
            request = payload.get_request_params(self._backend.api_url)
        except AnymailInvalidAddress as error:
            raise Unfit(Never(553, f"5.1.3 {plain(str(error))}")) from error
        except Exception as error:  # whatever this one message holds, the others shall not wait for it
            logger.error("letter fits no request", extra={"detail": type(error).__name__})
            raise Unfit(Unbuildable(f"{self._account.kind.name} cannot be given this mail: {error}")) from error
        return Item(envelope, mail, payload, request)

    def post(self, items: Sequence[Item]) -> Reply:
        """One request for all items; waits for the answer. Never raises: it would pass for "not sent"."""
        request = self._request(items)
        repeatable = self._account.kind.idempotent
        if repeatable:
            request["headers"] = {**request["headers"], "Idempotency-Key": str(uuid.uuid4())}
        reply = self._once(request, items)
        for pause in REPEATS if repeatable else ():
            if not reply.lost:
                break
            time.sleep(pause)
            again = self._once(request, items)
            reply = again if again.outcomes and not again.trouble else reply  # only its yes says more than silence
        return reply

    def close(self) -> None:
        if self._session is not None:
            self._session.close()
            self._session = None

    def _once(self, request: dict[str, Any], items: Sequence[Item]) -> Reply:
        name = self._account.kind.name
        self._carrier.has_left = False
        try:
            response = self._connection().request(**request, timeout=self._timeout, allow_redirects=False)
        except Exception as error:
            self.close()
            why = self._hushed(f"{name}: {_root(error)}")
            return verdict.lost(len(items), why) if self._carrier.has_left else verdict.not_sent(len(items), why)
        self._used_at = time.monotonic()
        try:
            return self._read(response, items)
        except Exception as error:
            logger.exception("provider's answer not understood", extra={"detail": name})
            return verdict.lost(len(items), f"{name} answered what nobody understands: {type(error).__name__}")

    def _request(self, items: Sequence[Item]) -> dict[str, Any]:
        first = items[0].request
        if len(items) == 1:
            return dict(first)
        data = "[" + ",".join(item.request["data"] for item in items) + "]"
        return {**first, "data": data, "url": urljoin(self._backend.api_url, self._account.kind.batch)}

    def _read(self, response: requests.Response, items: Sequence[Item]) -> Reply:
        status, recipients = response.status_code, [item.envelope.recipient for item in items]
        one_by_one = len(items) == 1 and status == 422 and self._account.provider == "postmark"
        if not (200 <= status < 300 or one_by_one):
            words = self._hushed(verdict.words_of(response.text))
            return verdict.refusal(status, words, response.headers, recipients, name=self._account.kind.name)
        if len(items) == 1:
            return Reply([self._outcome(response, items[0])])
        found = response.json()
        parts = found.get("data") if isinstance(found, dict) else found
        if not isinstance(parts, list) or len(parts) != len(items):
            return verdict.lost(len(items), f"{self._account.kind.name} did not answer for each letter.")
        return Reply([self._outcome(_Part(part), item) for part, item in zip(parts, items, strict=True)])

    def _outcome(self, response: Any, item: Item) -> Outcome:
        """What an answer of 2xx (or an entry of a batch's) says of its letter, read by anymail."""
        recipient, words = item.envelope.recipient, self._hushed(verdict.words_of(response.text))
        try:
            self._backend.raise_for_status(response, item.payload, item.mail)
            statuses = self._backend.parse_recipient_status(response, item.payload, item.mail).values()
        except AnymailError as error:
            return self._not_understood(error, words, recipient)
        best = min(statuses, key=lambda each: each.status == "unknown")
        return verdict.taken(best.status, best.message_id, words, recipient, provider=self._account.provider)

    def _not_understood(self, error: AnymailError, words: str, recipient: str) -> Outcome:
        if self._account.provider == "postmark":  # its JSON tells of an error that is no recipient's
            return verdict.refused(f"Postmark: {words}", recipient)
        if "endpoint" in str(error.args):  # Mailgun's 200 at an address that is none
            return OursToMend(550, f"5.7.8 {plain(str(error.args[0]))}")
        return Doubt(f"{self._account.kind.name} answered what nobody understands: {words}")

    def _connection(self) -> requests.Session:
        if self._session is not None and time.monotonic() - self._used_at > IDLE_SECONDS:
            self.close()
        if self._session is None:
            self._session = self._backend.create_session()
            self._session.mount("https://", self._carrier)
            self._session.mount("http://", self._carrier)
        return self._session

    def _hushed(self, words: str) -> str:
        """Never the key, whoever repeats it."""
        return plain(words.replace(self._account.key, "***"))


class _Carrier(HTTPAdapter):
    """Notes when a request has left as a whole: one that broke off before its end counts for nothing."""

    has_left = False

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:
        pool = super().get_connection_with_tls_context(*args, **kwargs)
        if "ConnectionCls" not in vars(pool):
            pool.ConnectionCls = _noting(self, pool.ConnectionCls)
        return pool


def _noting(carrier: _Carrier, connection: Any) -> Any:
    class Noting(connection):
        def request(self, *args: Any, **kwargs: Any) -> None:
            super().request(*args, **kwargs)
            carrier.has_left = True

    return Noting


@dataclass(frozen=True)
class _Part:
    """One entry of a batch's answer: as the answer to a single request would be, which is what anymail reads."""

    found: Any
    status_code: int = 200
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def text(self) -> str:
        return json.dumps(self.found)

    def json(self) -> Any:
        return self.found


def _backend(account: Account) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AnymailNotSupportedWarning)  # SendGrid: anymail no longer tests against it
        return import_string(f"anymail.backends.{account.provider}.EmailBackend")(**account.settings())


def _root(error: BaseException) -> str:
    """The innermost reason: the wrappings of requests and urllib3 repeat the address and tell no more."""
    while (inner := error.__cause__ or error.__context__) is not None:
        error = inner
    return plain(f"{type(error).__name__}: {error}")

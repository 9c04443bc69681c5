"""Posts to Doorstep's own doors over HTTP, signed as Shopify and Twilio sign.

Called by `play`. Connections are kept, at most `CONCURRENCY` requests are under way. A door that is
busy (5xx) or does not answer is tried again, as the vendors do; one that refuses (4xx) means that
this command and the server were started with different settings, and ends the replay.
"""

from __future__ import annotations

import hmac
import json
import threading
import time
from base64 import b64encode
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode, urlsplit

import httpx

from app.foundation.errors import Misconfigured
from app.replay.payloads import Webhook
from app.vendors.shopify.client import API_VERSION

CONCURRENCY = 8
TRIES = 8
TIMEOUT = httpx.Timeout(10.0, connect=3.0)
LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True)
class Line:
    """The shop's line, as far as a text to it must name it."""

    account_sid: str
    service_sid: str
    phone: str
    inbound_url: str
    auth_token: str


@dataclass
class Posted:
    webhooks: int = 0  # answered with 2xx, each delivery id once
    repeated: int = 0  # of these, delivered a second time
    replies: int = 0
    unanswered: int = 0  # after all tries


@dataclass(frozen=True)
class Delivery:
    """A webhook with the id under which it is delivered, at its moment in the shop."""

    id: str
    webhook: Webhook
    at: datetime
    twice: bool = False


class Doors:
    def __init__(self, public_url: str, *, domain: str, secret: str) -> None:
        self._base = public_url.rstrip("/")
        self._domain = domain
        self._secret = secret.encode()
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(CONCURRENCY, thread_name_prefix="replay")
        self._http = httpx.Client(
            timeout=TIMEOUT,
            limits=httpx.Limits(max_connections=CONCURRENCY, max_keepalive_connections=CONCURRENCY),
            trust_env=urlsplit(self._base).hostname not in LOOPBACK,
        )
        self.posted = Posted()

    def check(self) -> None:
        """Raises Misconfigured if Doorstep does not answer there."""
        url = f"{self._base}/readyz"
        try:
            answer = self._http.get(url)
        except httpx.HTTPError as error:
            raise Misconfigured(
                f"Doorstep does not answer at PUBLIC_URL {self._base} ({type(error).__name__}):"
                " start it with `make run`"
            ) from error
        if answer.status_code != 200:
            raise Misconfigured(f"{url} answers {answer.status_code}: {answer.text[:200]}")

    def close(self) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._http.close()

    def post_webhooks(self, deliveries: Sequence[Delivery]) -> None:
        """All of them, side by side, in no particular order; returns when all are answered."""
        list(self._pool.map(self._post_webhook, deliveries))

    def post_text(self, line: Line, *, sid: str, buyer: str, body: str) -> None:
        """A buyer's text, as Twilio posts it."""
        form = {
            "AccountSid": line.account_sid,
            "ApiVersion": "2010-04-01",
            "Body": body,
            "From": buyer,
            "FromCountry": "US",
            "MessageSid": sid,
            "MessagingServiceSid": line.service_sid,
            "NumMedia": "0",
            "NumSegments": "1",
            "SmsMessageSid": sid,
            "SmsSid": sid,
            "SmsStatus": "received",
            "To": line.phone,
            "ToCountry": "US",
        }
        signed = line.inbound_url + "".join(name + form[name] for name in sorted(form))
        signature = b64encode(hmac.digest(line.auth_token.encode(), signed.encode(), "sha1"))
        answered = self._post(
            line.inbound_url,
            urlencode(form).encode(),
            {
                "Content-Type": "application/x-www-form-urlencoded; charset=UTF-8",
                "X-Twilio-Signature": signature.decode(),
            },
        )
        with self._lock:
            self.posted.replies += answered
            self.posted.unanswered += not answered

    def _post_webhook(self, delivery: Delivery) -> None:
        body = json.dumps(delivery.webhook.payload, ensure_ascii=False).encode()
        headers = {
            "Content-Type": "application/json",
            "X-Shopify-Topic": delivery.webhook.topic,
            "X-Shopify-Hmac-Sha256": b64encode(hmac.digest(self._secret, body, "sha256")).decode(),
            "X-Shopify-Shop-Domain": self._domain,
            "X-Shopify-API-Version": API_VERSION,
            "X-Shopify-Webhook-Id": delivery.id,
            "X-Shopify-Event-Id": delivery.id,
            "X-Shopify-Triggered-At": delivery.at.isoformat(),
        }
        url = f"{self._base}/webhooks/shopify"
        answered = self._post(url, body, headers)
        again = delivery.twice and self._post(url, body, headers)
        with self._lock:
            self.posted.webhooks += answered
            self.posted.repeated += again
            self.posted.unanswered += not answered

    def _post(self, url: str, body: bytes, headers: Mapping[str, str]) -> bool:
        """Whether it was answered with 2xx. Raises Misconfigured when the door refuses."""
        for attempt in range(TRIES):
            try:
                answer = self._http.post(url, content=body, headers=headers)
            except httpx.TransportError:
                answer = None
            if answer is not None and answer.is_success:
                return True
            if answer is not None and answer.status_code < 500:
                door = urlsplit(url).path.split("/")[2]
                raise Misconfigured(
                    f"the {door} door at {self._base} answers {answer.status_code}: this command"
                    " and the server must have the same SHOPIFY_API_SECRET, ENCRYPTION_KEYS,"
                    " PUBLIC_URL and DATABASE_URL"
                )
            time.sleep(min(5.0, 0.2 * 2**attempt))
        return False

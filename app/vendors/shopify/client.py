"""The line to one shop's GraphQL Admin API, version 2026-10.

Called by the adapters of this folder only. Decides what an answer means: which failures leave a
request certainly undone (Temporary, Permanent, Refused) and which do not (Unknowable, mutations
only), how long to wait for points, and that fields which Shopify withholds are simply None.

Queries change nothing, so a broken line is tried once more at once. Mutations are never repeated
here, save after Shopify said that it was too busy to look at them (HTTP 429 or THROTTLED: which
of the two applies is not settled in its pages, so both are understood).

Bound by https://shopify.dev/docs/apps/build/apis/graphql-admin/rate-limits and
https://shopify.dev/docs/api/usage/response-codes.
"""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from shopify.utils.shop_url import sanitize_shop_domain

from app.foundation.errors import Misconfigured, Permanent, Refused, Temporary, Unknowable
from app.shops.ports import ShopAccess, TokenDead
from app.vendors.shopify.throttle import Throttle
from app.vendors.shopify.values import record, records

VENDOR = "shopify"
API_VERSION = "2026-10"
USER_AGENT = "Doorstep"

TIMEOUTS = httpx.Timeout(10.0, connect=3.0)
LONGEST_WAIT = 2.0  # seconds that one call may spend waiting for points, in all
SHORTEST_WAIT = 0.1  # so that a bucket that is short by a hair does not make a busy loop
FROZEN_RETRY = 3600.0  # a shop that has not paid, or is locked, will not be back in a minute

_OPERATION = re.compile(r"^(query|mutation)\s+(\w+)", re.MULTILINE)
_PASSING = {"INTERNAL_SERVER_ERROR", "TIMEOUT", "SERVICE_UNAVAILABLE"}
# Codes with which a field is withheld: a scope that is missing, or (without a code) protected
# customer data for which the app has no approval. They come with HTTP 200 and the rest of the data.
_WITHHELD = {"", "ACCESS_DENIED"}


class UserErrors(Refused):
    """A mutation was refused by the shop's rules: it is not done, and Shopify says why."""

    def __init__(self, errors: Sequence[Mapping[str, Any]]) -> None:
        # The messages may repeat what was sent, so they stay out of the text, which is logged.
        self.codes = tuple(str(one.get("code") or "") for one in errors)
        self.messages = tuple(str(one.get("message") or "") for one in errors)
        super().__init__("user_errors", f"Shopify refused: {', '.join(self.codes)}")


@dataclass(frozen=True)
class Operation:
    """One named operation of a file in `operations/`, which is sent whole."""

    name: str
    document: str
    is_mutation: bool


@dataclass(frozen=True)
class Answer:
    data: Mapping[str, Any]
    withheld: tuple[str, ...] = ()  # "order.phone": fields that Shopify keeps from this app


def load_operations(file: str) -> dict[str, Operation]:
    """The operations of one file beside this module, by name."""
    document = (Path(__file__).parent / "operations" / file).read_text(encoding="utf-8")
    return {
        name: Operation(name, document, kind == "mutation")
        for kind, name in _OPERATION.findall(document)
    }


def shop_url(base_url: str, domain: str) -> str:
    """Where a shop is reached. Raises Refused for anything but a *.myshopify.com domain, so that
    no secret is ever sent elsewhere."""
    if sanitize_shop_domain(domain) != domain:
        raise Refused("bad_shop_domain", "not the domain of a Shopify shop")
    return base_url.rstrip("/").replace("{shop}", domain)


class ShopifyClient:
    """Safe to share between threads and to build before a fork."""

    def __init__(self, *, base_url: str) -> None:
        if "{shop}" not in base_url:
            raise Misconfigured("SHOPIFY_BASE_URL must contain {shop}, as in https://{shop}")
        self._base_url = base_url
        self._throttle = Throttle()
        self._lock = threading.Lock()
        self._http: httpx.Client | None = None
        self._pid = 0

    def run(
        self, access: ShopAccess, operation: Operation, variables: Mapping[str, Any] | None = None
    ) -> Answer:
        """One operation. Raises Temporary, Permanent (TokenDead), UserErrors, Unknowable."""
        body = {
            "query": operation.document,
            "operationName": operation.name,
            "variables": dict(variables or {}),
        }
        patience = LONGEST_WAIT
        while True:
            wait, points = self._throttle.reserve(
                access.domain, operation.name, at=time.monotonic()
            )
            try:
                if wait > 0:
                    raise Temporary(VENDOR, "out of points", code="THROTTLED", retry_after=wait)
                return self._ask(access, operation, body)
            except Temporary as busy:
                # Without retry_after it was not about points, and is the job's to repeat.
                if busy.retry_after is None or busy.retry_after > patience:
                    raise
                wait = max(busy.retry_after, SHORTEST_WAIT)
            finally:
                self._throttle.release(access.domain, points)
            time.sleep(wait)
            patience -= wait

    def _ask(self, access: ShopAccess, operation: Operation, body: Mapping[str, Any]) -> Answer:
        url = f"{shop_url(self._base_url, access.domain)}/admin/api/{API_VERSION}/graphql.json"
        headers = {"X-Shopify-Access-Token": access.access_token}
        try:
            response = self._line().post(url, json=body, headers=headers)
        except (httpx.ReadError, httpx.WriteError, httpx.RemoteProtocolError) as cut:
            if operation.is_mutation:
                raise _lost(operation, f"the line was cut ({type(cut).__name__})") from None
            response = self._ask_again(url, operation, body, headers)
        except httpx.HTTPError as error:
            raise _line_failure(operation, error) from None
        refuse_status(response, lost=_lost(operation, f"HTTP {response.status_code}"))
        try:
            answer = record(response.json())
        except ValueError:
            raise _lost(operation, "the answer is no JSON") from None
        cost = record(record(answer.get("extensions")).get("cost"))
        wait = self._throttle.learn(access.domain, operation.name, cost, at=time.monotonic())
        return _read(operation, answer, wait)

    def _ask_again(
        self,
        url: str,
        operation: Operation,
        body: Mapping[str, Any],
        headers: Mapping[str, str],
    ) -> httpx.Response:
        """A kept-alive line that the far end closed meanwhile looks like this; once is enough."""
        try:
            return self._line().post(url, json=body, headers=headers)
        except httpx.HTTPError as error:
            raise _line_failure(operation, error) from None

    def _line(self) -> httpx.Client:
        with self._lock:
            if self._http is None or self._pid != os.getpid():  # a child must not share sockets
                self._pid = os.getpid()
                self._http = httpx.Client(
                    timeout=TIMEOUTS,
                    headers={"User-Agent": USER_AGENT, "Accept": "application/json"},
                    limits=httpx.Limits(max_connections=32, keepalive_expiry=20.0),
                )
            return self._http


def refuse_status(response: httpx.Response, *, lost: Temporary | Unknowable) -> None:
    """Raise for every HTTP status but success; `lost` for those that leave it open what happened.

    Texts carry no more than the status: bodies may repeat what was sent.
    """
    status = response.status_code
    if response.is_success:
        return
    if status in (401, 403):
        raise TokenDead(VENDOR, "the token is not honoured", code=str(status), status=status)
    if status in (402, 423):
        raise Temporary(
            VENDOR, "the shop is frozen", code="frozen", status=status, retry_after=FROZEN_RETRY
        )
    if status in (429, 430):
        raise Temporary(
            VENDOR,
            "too many requests",
            code="THROTTLED",
            status=status,
            retry_after=_seconds(response.headers.get("Retry-After", "")),
        )
    if status >= 500 or status == 408:
        lost.status = status
        raise lost
    raise Permanent(VENDOR, f"HTTP {status}", code=str(status), status=status)


def _read(operation: Operation, answer: Mapping[str, Any], wait: float) -> Answer:
    data, withheld = answer.get("data"), []
    for error in records(answer.get("errors")):
        code = str(record(error.get("extensions")).get("code") or "")
        path = error.get("path")
        if code == "THROTTLED":
            raise Temporary(VENDOR, "out of points", code=code, retry_after=wait or 1.0)
        if code in _PASSING:
            raise _lost(operation, f"{operation.name} failed inside Shopify", code=code)
        if code not in _WITHHELD or not isinstance(path, list) or len(path) < 2:
            raise Permanent(VENDOR, f"{operation.name} was refused", code=code or "refused")
        withheld.append(".".join(str(step) for step in path))
    if not isinstance(data, Mapping) and not withheld:
        raise _lost(operation, "the answer holds neither data nor errors")
    data = record(data)
    for payload in data.values():
        refusals = records(record(payload).get("userErrors"))
        if refusals:
            raise UserErrors(refusals)
    return Answer(data, tuple(withheld))


def _line_failure(operation: Operation, error: httpx.HTTPError) -> Temporary | Unknowable:
    # The exception's own text may hold the address, so only its kind is told.
    kind = type(error).__name__
    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout):
        return Temporary(VENDOR, f"no connection ({kind})", code="no_connection")
    return _lost(operation, f"the line broke ({kind})", code="line_broke")


def _lost(operation: Operation, text: str, *, code: str = "") -> Temporary | Unknowable:
    """No usable answer: a query may be asked again, a mutation may have been done."""
    kind = Unknowable if operation.is_mutation else Temporary
    return kind(VENDOR, text, code=code)


def _seconds(header: str) -> float:
    """Retry-After, which Shopify writes as "2.0"; two seconds if it cannot be read."""
    try:
        seconds = float(header)
    except ValueError:
        return 2.0
    return seconds if 0 <= seconds <= FROZEN_RETRY else 2.0

"""The line to Twilio: one twilio-python client per account and thread, over a kept-alive pool.

Called by the provider only. Decides which failures of the line leave a request certainly undone
(`Temporary`) and which do not (`Unknowable`): no connection and HTTP 429 ("never processed",
twilio.com/docs/errors/20429) are certain; a read time-out, a 5xx or a cut line is not, as Twilio
has no idempotency key for sending. Nothing is retried here.

The SDK's own HTTP client is replaced: it has no default time-out, drops `Retry-After`, retries
nothing useful and logs request parameters, which hold phone numbers.
"""

from __future__ import annotations

import json
import logging
import os
import ssl
import threading
import time
from collections import OrderedDict
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import certifi
import urllib3
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError

from app.foundation.errors import Temporary, Unknowable
from app.messaging.ports import SenderAccess

if TYPE_CHECKING:
    from twilio.http.response import Response

VENDOR = "twilio"
API_BASE = "https://api.twilio.com"

CONNECT_SECONDS = 3.0
READ_SECONDS = 10.0
# A connection that lay idle longer is not reused: the far end may be closing it in this moment,
# and a POST that meets the closing line would come back as Unknowable for nothing.
IDLE_SECONDS = 20.0
MAX_CLIENTS_PER_THREAD = 8  # 7 KB each, and a burst of texts has a thread for each of them

_REPEATABLE = ("GET", "DELETE")

# At DEBUG and WARNING urllib3 logs request lines, and a list call carries a phone number in its.
logging.getLogger("urllib3.connectionpool").setLevel(logging.ERROR)


class TwilioClients:
    """Hands out SDK clients. Safe to share between threads and to build before a fork."""

    def __init__(self, base_url: str | None, *, read_seconds: float = READ_SECONDS) -> None:
        self.base_url = (base_url or API_BASE).rstrip("/")
        self._read_seconds = read_seconds
        self._local = threading.local()

    def client(self, access: SenderAccess) -> Any:
        """The SDK client of this account, in this thread and process."""
        line = self._line()
        key = (access.account_sid, access.auth_token)
        client = line.clients.get(key)
        if client is None:
            # Imported here: with what it brings along it takes 4 MB, and web processes never text.
            from twilio.rest import Client

            client = Client(access.account_sid, access.auth_token, http_client=line)
            # The SDK reads these from the environment, and would rewrite the host for them.
            client.edge = client.region = None
            client.api.base_url = self.base_url
            line.clients[key] = client
            if len(line.clients) > MAX_CLIENTS_PER_THREAD:
                line.clients.popitem(last=False)
        else:
            line.clients.move_to_end(key)
        return client

    def pool(self) -> urllib3.PoolManager:
        """This thread's connections, for requests that are not API calls (media)."""
        return self._line().ready_pool()

    def _line(self) -> _Line:
        line: _Line | None = getattr(self._local, "line", None)
        if line is None or line.pid != os.getpid():  # a forked child must not share its sockets
            line = self._local.line = _Line(self._read_seconds)
        return line


@cache
def _trust() -> ssl.SSLContext:
    """Whom we trust. Read once: it takes tens of milliseconds, and urllib3 would do it for each
    connection, while a claimed text waits."""
    return ssl.create_default_context(cafile=certifi.where())


class _Line:
    """What twilio-python calls an HTTP client: one thread's connections, with our time-outs."""

    def __init__(self, read_seconds: float) -> None:
        self.pid = os.getpid()
        self.clients: OrderedDict[tuple[str, str], Any] = OrderedDict()
        self._used_at = time.monotonic()
        self._pool = urllib3.PoolManager(
            num_pools=4,
            maxsize=1,
            retries=False,
            timeout=urllib3.Timeout(connect=CONNECT_SECONDS, read=read_seconds),
            ssl_context=_trust(),
        )

    def ready_pool(self) -> urllib3.PoolManager:
        now = time.monotonic()
        if now - self._used_at > IDLE_SECONDS:
            self._pool.clear()
        self._used_at = now
        return self._pool

    def request(
        self,
        method: str,
        url: str,
        params: Mapping[str, Any] | None = None,
        data: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,
        allow_redirects: bool = False,
    ) -> Response:
        """One HTTP exchange, as twilio-python asks for it. Raises Temporary or Unknowable."""
        from twilio.http.response import Response

        sent = dict(headers or {})
        if auth:
            sent.update(urllib3.make_headers(basic_auth=":".join(auth)))
        if params:
            url = f"{url}{'&' if '?' in url else '?'}{urlencode(params, doseq=True)}"
        try:
            answer = self.ready_pool().request(
                method,
                url,
                body=urlencode(data, doseq=True) if data else None,
                headers=sent,
                redirect=False,
            )
            text = answer.data.decode("utf-8")
        except (HTTPError, UnicodeDecodeError) as error:
            # The exception's own text may hold the address, so only its kind is told.
            raise line_failure(error, repeatable=method in _REPEATABLE) from None
        refuse_unsettled(answer.status, answer.headers, text, repeatable=method in _REPEATABLE)
        return Response(answer.status, text, answer.headers)


def line_failure(error: Exception, *, repeatable: bool) -> Temporary | Unknowable:
    """A broken line in our words: certainly undone, harmless to repeat, or neither."""
    kind = type(error).__name__
    if isinstance(error, (ConnectTimeoutError, NewConnectionError)):
        return Temporary(VENDOR, f"no connection ({kind})", code="no_connection")
    if repeatable:
        return Temporary(VENDOR, f"the line broke ({kind})", code="line_broke")
    return Unknowable(VENDOR, f"the line broke after the request was sent ({kind})")


def refuse_unsettled(
    status: int, headers: Mapping[str, str], text: str, *, repeatable: bool
) -> None:
    """Raise for the answers that say nothing about the request itself: 408, 429 and 5xx."""
    if status == 429:
        raise Temporary(
            VENDOR,
            "too many requests",
            code=_code_of(text) or "20429",
            status=status,
            retry_after=_seconds(headers.get("Retry-After", "")),
        )
    if status < 500 and status != 408:
        return
    if repeatable:
        raise Temporary(VENDOR, f"HTTP {status}", code=_code_of(text), status=status)
    raise Unknowable(VENDOR, f"HTTP {status}", code=_code_of(text), status=status)


def _code_of(text: str) -> str:
    try:
        body = json.loads(text)
    except ValueError:
        return ""
    code = body.get("code") if isinstance(body, dict) else None
    return str(code) if isinstance(code, int) else ""


def _seconds(header: str) -> float | None:
    return float(header) if header.isascii() and header.isdigit() and len(header) <= 6 else None

"""Downloads one photo from Twilio, without handing the account's credentials to anybody else.

Called by the provider. A media address comes out of a webhook form, so it is followed only if it
is this very account's at Twilio's API; credentials go to that host alone and are dropped on
redirect; redirects go only to Twilio's own hosts and its media buckets. The size cap holds while
bytes arrive, whatever the headers promise. Bound by
twilio.com/docs/messaging/api/media-resource.
"""

from __future__ import annotations

import re
import time
from urllib.parse import SplitResult, urljoin, urlsplit

import urllib3
from urllib3.exceptions import HTTPError

from app.foundation.errors import Permanent, Temporary
from app.messaging.ports import MediaFile, SenderAccess
from app.vendors.twilio.client import VENDOR, TwilioClients, line_failure, refuse_unsettled

MAX_REDIRECTS = 3
MAX_SECONDS = 30.0  # for the whole body: a line that drips may not hold a worker
CHUNK_BYTES = 65_536

_MEDIUM = re.compile(r"(?:SM|MM)[0-9a-fA-F]{32}/Media/ME[0-9a-fA-F]{32}")
_HOST_SUFFIXES = (".twilio.com", ".twiliocdn.com")
API_HOST = "api.twilio.com"
_BUCKET_HOST = "s3-external-1.amazonaws.com"
_BUCKET_PATHS = ("/media.twiliocdn.com/", "/mms.twiliocdn.com/")


def download(
    clients: TwilioClients, access: SenderAccess, url: str, *, max_bytes: int
) -> MediaFile:
    """Fetch `url`. Raises Temporary, or Permanent if it is gone, foreign or over `max_bytes`.

    404 is Temporary: a photo that has just arrived may not be readable yet.
    """
    own = f"{clients.base_url}/2010-04-01/Accounts/{access.account_sid}/Messages/"
    if not (url.startswith(own) and _MEDIUM.fullmatch(url, len(own))):
        raise _permanent("the address is not this account's at Twilio", "foreign_media")
    headers = {"Accept-Encoding": "identity"}
    signed = headers | urllib3.make_headers(basic_auth=f"{access.account_sid}:{access.auth_token}")
    pool = clients.pool()
    answer = _get(pool, url, signed)
    for _ in range(MAX_REDIRECTS):
        if answer.status not in (301, 302, 303, 307, 308):
            break
        answer.close()
        url = _target(url, answer.headers.get("Location", ""))
        if not may_follow(url, urlsplit(clients.base_url)):
            raise _permanent("redirected to a host that is not Twilio's", "foreign_media")
        answer = _get(pool, url, headers)
    try:
        return _body(answer, max_bytes)
    except HTTPError as error:
        raise line_failure(error, repeatable=True) from None
    finally:
        answer.close()


def _get(pool: urllib3.PoolManager, url: str, headers: dict[str, str]) -> urllib3.BaseHTTPResponse:
    try:
        return pool.request("GET", url, headers=headers, redirect=False, preload_content=False)
    except HTTPError as error:
        raise line_failure(error, repeatable=True) from None


def _target(url: str, location: str) -> str:
    try:
        return urljoin(url, location)
    except ValueError:
        return ""


def may_follow(url: str, base: SplitResult) -> bool:
    """Whether a redirect may be followed: Twilio's hosts over TLS, or the overridden base."""
    try:
        target = urlsplit(url)
        port = target.port
    except ValueError:
        return False
    host = target.hostname or ""
    if base.hostname != API_HOST:  # an overridden base (never in production) plays all hosts
        same_line = (target.scheme, port) == (base.scheme, base.port)
        return same_line and host in (base.hostname, "localhost", "127.0.0.1")
    if target.scheme != "https" or port not in (None, 443) or target.username is not None:
        return False
    if host == _BUCKET_HOST:
        return target.path.startswith(_BUCKET_PATHS) and ".." not in target.path
    return host.endswith(_HOST_SUFFIXES)


def _body(answer: urllib3.BaseHTTPResponse, max_bytes: int) -> MediaFile:
    if answer.status == 404:
        raise Temporary(VENDOR, "the photo cannot be read yet", code="404", status=404)
    refuse_unsettled(answer.status, answer.headers, "", repeatable=True)
    if answer.status != 200:
        raise _permanent(f"HTTP {answer.status}", str(answer.status), answer.status)
    if (answer.length_remaining or 0) > max_bytes:
        raise _permanent("the file is too large", "too_large")
    give_up_at = time.monotonic() + MAX_SECONDS
    content = bytearray()
    for chunk in answer.stream(CHUNK_BYTES):
        content += chunk
        if len(content) > max_bytes:
            raise _permanent("the file is too large", "too_large")
        if time.monotonic() > give_up_at:
            raise Temporary(VENDOR, "the download takes too long", code="slow")
    declared = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    return MediaFile(content=bytes(content), content_type=declared)


def _permanent(text: str, code: str, status: int = 0) -> Permanent:
    return Permanent(VENDOR, text, code=code, status=status)

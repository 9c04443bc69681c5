"""Photos to Gorgias and files from it.

Called by `helpdesk`. An upload that no message names harms nobody, so it may be repeated. A
download goes only to the account itself or to Gorgias's own hosts, and only the account is shown
our token: whoever could set an address would else be handed it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx

from app.foundation.errors import Permanent, Temporary
from app.helpdesk.ports import HelpdeskAccess, TicketFile
from app.vendors.gorgias.client import VENDOR, GorgiasClient

CONTENT_HOSTS = (".gorgias.com", ".gorgias.io")
MOST_REDIRECTS = 3
SHOWN = ("url", "name", "content_type", "size")


def upload(
    client: GorgiasClient, access: HelpdeskAccess, attached: Sequence[TicketFile]
) -> list[dict[str, Any]]:
    """The files as a message names them."""
    if not attached:
        return []
    said = client.call(
        access.subdomain,
        "POST",
        "/api/upload",
        token=access.access_token,
        params={"type": "attachment"},
        files=attached,
        repeatable=True,
    )
    return [{**{name: one[name] for name in SHOWN}, "public": True} for one in said]


def fetch(client: GorgiasClient, access: HelpdeskAccess, url: str, *, max_bytes: int) -> bytes:
    """The file's bytes. Raises Permanent: foreign_address, too_large; Temporary."""
    home = urlsplit(client.address(access.subdomain))
    for _ in range(MOST_REDIRECTS + 1):
        target = urlsplit(url)
        at_home = (target.scheme, target.netloc) == (home.scheme, home.netloc)
        if not at_home and not _content_host(target.scheme, target.hostname):
            raise Permanent(VENDOR, "not an address of this account", code="foreign_address")
        headers = {"Authorization": f"Bearer {access.access_token}"} if at_home else {}
        try:
            with client.lines().stream("GET", url, headers=headers) as answer:
                if answer.is_redirect:
                    url = urljoin(url, answer.headers["Location"])
                    continue
                return _content(answer, max_bytes)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise Temporary(VENDOR, f"file not fetched ({type(error).__name__})") from None
    raise Permanent(VENDOR, "redirected too often", code="foreign_address")


def _content(answer: httpx.Response, max_bytes: int) -> bytes:
    status = answer.status_code
    if status == 429 or status >= 500:
        raise Temporary(VENDOR, f"file not fetched (HTTP {status})", status=status)
    if status != 200:
        raise Permanent(VENDOR, f"file not fetched (HTTP {status})", status=status)
    content = bytearray()
    for part in answer.iter_bytes(65_536):
        content += part
        if len(content) > max_bytes:
            raise Permanent(VENDOR, "the file is too large", code="too_large")
    return bytes(content)


def _content_host(scheme: str, host: str | None) -> bool:
    return scheme == "https" and (host or "").endswith(CONTENT_HOSTS)

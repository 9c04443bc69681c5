"""Photos to Zendesk and files from it.

Called by `helpdesk`. An upload that no comment names vanishes after an hour, so it may be
repeated. A download starts at the account's own host and may be sent on only to Zendesk's content
hosts, and never with our token: whoever could set an address would else be handed it. What goes to
the account itself names our app, as every call there does.
"""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urljoin, urlsplit

import httpx

from app.foundation.errors import Permanent, Temporary
from app.helpdesk.ports import HelpdeskAccess, TicketFile
from app.vendors.zendesk.client import VENDOR, ZendeskClient

CONTENT_HOSTS = (".zendesk.com", ".zdusercontent.com", ".zdassets.com")
MOST_REDIRECTS = 3


def upload(client: ZendeskClient, access: HelpdeskAccess, attached: Sequence[TicketFile]) -> str:
    """One token for all of them."""
    token = ""
    for file in attached:
        said = client.call(
            access.subdomain,
            "POST",
            "/api/v2/uploads",
            token=access.access_token,
            content=file.content,
            params={"filename": file.filename, **({"token": token} if token else {})},
            headers={"Content-Type": file.content_type},
            repeatable=True,
        )
        token = str(said["upload"]["token"])
    return token


def fetch(client: ZendeskClient, access: HelpdeskAccess, url: str, *, max_bytes: int) -> bytes:
    """The file's bytes. Raises Permanent: foreign_address, too_large; Temporary."""
    home = urlsplit(client.address(access.subdomain))
    for hop in range(MOST_REDIRECTS + 1):
        target = urlsplit(url)
        at_home = (target.scheme, target.netloc) == (home.scheme, home.netloc)
        if not at_home and (hop == 0 or not _content_host(target.scheme, target.hostname)):
            raise Permanent(VENDOR, "not an address of this account", code="foreign_address")
        token = {"Authorization": f"Bearer {access.access_token}"}
        headers = {**client.app_headers, **token} if at_home else {}
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

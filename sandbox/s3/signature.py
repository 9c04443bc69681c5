"""Amazon's Signature Version 4, as the far end checks it. Called by the bucket's doors."""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import quote, urlsplit

from flask import request

TOLERANCE = timedelta(minutes=15)

_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/s3/aws4_request,"
    r" ?SignedHeaders=([a-z0-9;-]+), ?Signature=([0-9a-f]{64})"
)


@dataclass(frozen=True)
class Keys:
    key: str
    secret: str = field(repr=False)
    region: str = "us-east-1"


class Wrong(Exception):
    """Refused, under this code."""


def check(keys: Keys) -> None:
    """Raises Wrong unless the request at hand was signed with these keys, just now."""
    match = _AUTHORIZATION.fullmatch(request.headers.get("Authorization", ""))
    if match is None:
        raise Wrong("AccessDenied")
    key, day, region, signed, given = match.groups()
    if key != keys.key:
        raise Wrong("InvalidAccessKeyId")
    moment = request.headers.get("X-Amz-Date", "")
    try:
        age = abs(datetime.now(UTC) - datetime.strptime(moment, "%Y%m%dT%H%M%S%z"))
    except ValueError:
        raise Wrong("AccessDenied") from None
    if age > TOLERANCE or not moment.startswith(day):
        raise Wrong("RequestTimeTooSkewed")
    names = signed.split(";")
    if not {"host", "x-amz-date", "x-amz-content-sha256"} <= set(names) or names != sorted(names):
        raise Wrong("AccessDenied")
    body_hash = request.headers.get("X-Amz-Content-Sha256", "")
    if body_hash != hashlib.sha256(request.get_data()).hexdigest():
        raise Wrong("XAmzContentSHA256Mismatch")
    scope = f"{day}/{region}/s3/aws4_request"
    hashed = hashlib.sha256(_canonical(names, body_hash).encode()).hexdigest()
    text = f"AWS4-HMAC-SHA256\n{moment}\n{scope}\n{hashed}"
    derived = f"AWS4{keys.secret}".encode()
    for part in (day, keys.region, "s3", "aws4_request"):
        derived = hmac.digest(derived, part.encode(), "sha256")
    if not hmac.compare_digest(hmac.digest(derived, text.encode(), "sha256").hex(), given):
        raise Wrong("SignatureDoesNotMatch")


def _canonical(names: list[str], body_hash: str) -> str:
    target = urlsplit(request.environ["RAW_URI"])
    query = "&".join(sorted(part for part in target.query.split("&") if part))
    headers = "".join(f"{name}:{request.headers[name].strip()}\n" for name in names)
    path = quote(target.path, safe="/%-_.~")
    return "\n".join([request.method, path, query, headers, ";".join(names), body_hash])

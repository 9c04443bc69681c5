"""Requests as the vendors send them, signed, each with ids of its own, as bytes ready to go."""

from __future__ import annotations

import base64
import hashlib
import hmac
import itertools
import json
from collections.abc import Iterable, Iterator
from urllib.parse import urlencode

BODY_BYTES = 2048
SHOP = "bench-outfitters.myshopify.com"
SHOPIFY_SECRET = "shopify-secret-of-the-bench"
PUBLIC_URL = "https://doorstep.example"
ACCOUNT = "AC0123456789abcdef0123456789abcdef"
TOKEN = "auth-token-of-the-bench"
SERVICE = "MG0123456789abcdef0123456789abcdef"
LINE = "+12025550188"

WORDS = (
    "Hi! It came today, thank you. I tried it on right away and the waist feels a little tight"
    " when I sit down. Is that normal for this one?",
    "Yep, got it. Haven't tried it on yet.",
    "what size would you take if you are between a 6 and an 8",
    "Love the colour! The zip catches a bit at the top though, is there a trick to it?",
)

# Area codes of the eastern states, where noon is lawful everywhere.
# fmt: off
EASTERN = (
    201, 212, 215, 216, 234, 267, 315, 330, 339, 347, 351, 412, 413, 419, 440, 484, 508,
    513, 516, 518, 551, 570, 585, 607, 609, 610, 614, 617, 631, 646, 716, 717, 718, 724,
    732, 740, 774, 781, 814, 845, 848, 856, 857, 862, 908, 914, 917, 937, 978,
)
# fmt: on

_numbers = itertools.count(1)


def post(path: str, body: bytes, headers: Iterable[tuple[str, str]]) -> bytes:
    lines = [
        f"POST {path} HTTP/1.1",
        "Host: doorstep.example",
        "Connection: keep-alive",
        f"Content-Length: {len(body)}",
        *(f"{name}: {value}" for name, value in headers),
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def shopify_webhooks(
    count: int, *, path: str = "/webhooks/shopify", body_bytes: int = BODY_BYTES
) -> list[bytes]:
    """`fulfillment_events/create`, each of another parcel, `body_bytes` long."""
    return [_shopify_webhook(path, next(_numbers), body_bytes) for _ in range(count)]


def _shopify_webhook(path: str, number: int, body_bytes: int) -> bytes:
    facts = {
        "id": 991_000_000 + number,
        "fulfillment_id": 255_858_046 + number,
        "status": "delivered",
        "message": "",
        "happened_at": "2026-11-19T14:00:00-05:00",
        "city": "Portland",
        "province": "Oregon",
        "country": "US",
        "zip": "97205",
        "created_at": "2026-11-19T14:00:05-05:00",
        "updated_at": "2026-11-19T14:00:05-05:00",
        "order_id": 450_789_469 + number,
        "admin_graphql_api_id": f"gid://shopify/FulfillmentEvent/{991_000_000 + number}",
    }
    facts["message"] = "x" * (body_bytes - len(json.dumps(facts)))
    body = json.dumps(facts).encode()
    digest = hmac.digest(SHOPIFY_SECRET.encode(), body, "sha256")
    delivery = hashlib.md5(str(number).encode(), usedforsecurity=False).hexdigest()
    headers = [
        ("Content-Type", "application/json"),
        ("User-Agent", "Shopify-Captain-Hook"),
        ("X-Shopify-Topic", "fulfillment_events/create"),
        ("X-Shopify-Hmac-Sha256", base64.b64encode(digest).decode()),
        ("X-Shopify-Shop-Domain", SHOP),
        ("X-Shopify-API-Version", "2026-10"),
        ("X-Shopify-Webhook-Id", f"b54557e4-{delivery}"),
        ("X-Shopify-Event-Id", f"98880550-{delivery}"),
        ("X-Shopify-Triggered-At", "2026-11-19T19:00:06.123456789Z"),
    ]
    return post(path, body, headers)


def buyers() -> Iterator[str]:
    """Numbers kept for fiction: 555-0100 to 555-0199 of every area code. 64,000 of them."""
    codes = [f"{a}{b}{c}" for a in range(2, 10) for b in range(9) for c in range(10) if b != c or b]
    for number in range(100):
        for code in codes:
            if not code.endswith("11"):
                yield f"+1{code}55501{number:02d}"


def eastern_buyers() -> Iterator[str]:
    """Of area codes that exist, all in New York's time zone: 4,900 of them."""
    for number in range(100):
        for code in EASTERN:
            yield f"+1{code}55501{number:02d}"


def texts(
    door_key: str, count: int, phones: Iterator[str], *, public_url: str = PUBLIC_URL,
    account: str = ACCOUNT, token: str = TOKEN, line: str = LINE, service: str = SERVICE,
) -> list[bytes]:  # fmt: skip
    """Buyers' texts, each from the next of `phones`, with ids of their own."""
    path = f"/webhooks/twilio/{door_key}/inbound"
    made = []
    for _ in range(count):
        number = next(_numbers)
        sid = f"SM{number:032x}"
        form = {
            "ToCountry": "US",
            "ToState": "DC",
            "SmsMessageSid": sid,
            "NumMedia": "0",
            "ToCity": "WASHINGTON",
            "FromZip": "97205",
            "SmsSid": sid,
            "FromState": "OR",
            "SmsStatus": "received",
            "FromCity": "PORTLAND",
            "Body": WORDS[number % len(WORDS)],
            "FromCountry": "US",
            "To": line,
            "MessagingServiceSid": service,
            "ToZip": "20001",
            "NumSegments": "1",
            "MessageSid": sid,
            "AccountSid": account,
            "From": next(phones),
            "ApiVersion": "2010-04-01",
        }
        made.append(_twilio(path, form, public_url=public_url, token=token))
    return made


def sid_of_sent(number: int) -> str:
    """The provider's id of the bench's text number so-and-so; `doors.add_sent_texts` agrees."""
    return f"SM{number:032x}"


def status_reports(door_key: str, message_ids: Iterable[int], status: str) -> list[bytes]:
    """The carrier's report on each of our texts."""
    made = []
    for message_id in message_ids:
        sid = sid_of_sent(message_id)
        form = {
            "SmsSid": sid,
            "SmsStatus": status,
            "MessageStatus": status,
            "To": "+14155550142",
            "MessagingServiceSid": SERVICE,
            "MessageSid": sid,
            "AccountSid": ACCOUNT,
            "From": LINE,
            "ApiVersion": "2010-04-01",
        }
        path = f"/webhooks/twilio/{door_key}/status?m={message_id}"
        made.append(_twilio(path, form, public_url=PUBLIC_URL, token=TOKEN))
    return made


def _twilio(path: str, form: dict[str, str], *, public_url: str, token: str) -> bytes:
    signed = public_url + path + "".join(name + form[name] for name in sorted(form))
    digest = hmac.digest(token.encode(), signed.encode(), "sha1")
    headers = [
        ("Content-Type", "application/x-www-form-urlencoded; charset=UTF-8"),
        ("User-Agent", "TwilioProxy/1.1"),
        ("X-Twilio-Signature", base64.b64encode(digest).decode()),
        ("I-Twilio-Idempotency-Token", "1d1b4a5c-7d6c-4a8e-9d3b-2f1c0a9b8e7d"),
        ("Accept", "*/*"),
    ]
    return post(path, urlencode(form).encode(), headers)

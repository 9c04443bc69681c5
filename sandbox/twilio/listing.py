"""How messages are shown by the API: one as JSON, many as pages with filters.

Called by `api`. Filters are To, From and DateSent, as in twilio-python; dates are inclusive.
"""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any
from urllib.parse import urlencode

from flask import request

from sandbox.twilio import codes
from sandbox.twilio.store import Account, Message, Store, moment

LIST_PARAMS = frozenset(
    {
        "To",
        "From",
        "DateSent",
        "DateSent<",
        "DateSent>",
        "PageSize",
        "Page",
        "PageToken",
    }
)


def page_of(store: Store, account: Account) -> dict[str, Any]:
    """One page, newest first. A text that is not sent yet is dated by its creation."""
    args = request.args
    size = _whole(args.get("PageSize", "50"), 1, 1000)
    to, sender = args.get("To"), args.get("From")
    with store.lock:
        pool = store.by_account.get(account.sid, [])
        for phone in (to, sender):  # the shorter list, where a buyer's phone is named
            if phone and phone in store.by_buyer:
                pool = store.by_buyer[phone]
        rows = [message for message in reversed(pool) if message.account_sid == account.sid]
    rows = [
        message
        for message in rows
        if message.shown
        and (to is None or message.to == to)
        and (sender is None or message.sender == sender)
        and _in_range(message)
    ]
    token = args.get("PageToken", "")
    sids = [message.sid for message in rows]
    start = sids.index(token[2:]) + 1 if token.startswith("PA") and token[2:] in sids else 0
    page = rows[start : start + size]
    here = f"/2010-04-01/Accounts/{account.sid}/Messages.json"
    kept = {name: value for name, value in args.items() if name not in ("Page", "PageToken")}
    number = _whole(args.get("Page", "0"), 0, 1_000_000)
    more = start + size < len(rows)
    following = {**kept, "Page": number + 1, "PageToken": f"PA{page[-1].sid}"} if more else {}
    return {
        "messages": [as_json(message) for message in page],
        "page": number,
        "page_size": size,
        "start": start,
        "end": start + max(len(page) - 1, 0),
        "uri": f"{here}?{urlencode(args)}",
        "first_page_uri": f"{here}?{urlencode({**kept, 'Page': 0})}",
        "previous_page_uri": None,
        "next_page_uri": f"{here}?{urlencode(following)}" if more else None,
    }


def _in_range(message: Message) -> bool:
    args = request.args
    dated = moment(message.sent or message.created)
    exact = args.get("DateSent", "")
    if exact:
        return dated.date() == _date(exact).date()
    after, before = args.get("DateSent>", ""), args.get("DateSent<", "")
    # Twilio's dates carry whole seconds: a text of the same second is inside.
    second = dated.replace(microsecond=0)
    return (not after or second >= _date(after)) and (not before or second <= _date(before))


def _date(text: str) -> datetime:
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        codes.refuse(20001, f"DateSent={text}")
    return when if when.tzinfo else when.replace(tzinfo=UTC)


def _whole(text: str, low: int, high: int) -> int:
    if not text.isdecimal() or not low <= int(text) <= high:
        codes.refuse(20001, f"page {text}")
    return int(text)


def as_json(message: Message) -> dict[str, Any]:
    """A message as the API shows it. With a service, the sender is not told before it is queued."""
    unsent = message.status in ("accepted", "scheduled") and bool(message.service_sid)
    uri = f"/2010-04-01/Accounts/{message.account_sid}/Messages/{message.sid}"
    meaning = ""
    if message.error_code is not None:
        meaning = codes.MEANINGS.get(message.error_code, (0, "The carrier did not deliver it"))[1]
    return {
        "sid": message.sid,
        "account_sid": message.account_sid,
        "messaging_service_sid": message.service_sid or None,
        "to": message.to,
        "from": None if unsent else message.sender,
        "body": message.body,
        "direction": message.direction,
        "status": message.status,
        "num_segments": "0" if unsent else str(message.num_segments),
        "num_media": str(len(message.media_urls or message.media)),
        "date_created": _rfc2822(message.created),
        "date_updated": _rfc2822(message.updated or message.created),
        "date_sent": _rfc2822(message.sent) if message.sent else None,
        "error_code": message.error_code,
        "error_message": meaning or None,
        "price": None,
        "price_unit": "USD",
        "api_version": "2010-04-01",
        "uri": f"{uri}.json",
        "subresource_uris": {"media": f"{uri}/Media.json"},
    }


def _rfc2822(text: str) -> str:
    return format_datetime(moment(text).astimezone(UTC))

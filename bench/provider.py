"""A provider that costs this machine next to nothing: takes texts in a given time, reports fates.

It answers `Messages.json` as Twilio does, keeps a ledger of what it took, and posts the four
statuses of each text, signed. Started by `bench.stack` as `python -m bench.provider PORT
DOOR_PORT`; its ledger is at `/ledger`.
"""

from __future__ import annotations

import asyncio
import base64
import hmac
import sys
from collections import Counter
from collections.abc import Mapping
from functools import partial
from urllib.parse import parse_qsl, quote_plus, urlsplit

from bench.lean import Reports, answer, serve

# When after its acceptance a text's statuses are reported.
FATE = (("queued", 0.05), ("sending", 0.10), ("sent", 1.0), ("delivered", 4.0))


class Provider:
    """What it took, and from whom."""

    def __init__(self) -> None:
        self.taken: Counter[str] = Counter()
        self.reports = Reports()

    def take(self, head: str, body: bytes) -> bytes:
        """The answer to one call, or to a question for the ledger."""
        method, path, _ = head.split(" ", 2)
        if path == "/ledger":
            told = {"taken": self.taken, "reported": self.reports.answered[200]}
            return answer(200, {**told, "refused": self.reports.refused})
        fields = dict(parse_qsl(body.decode()))
        account, token = credentials(head)
        if method == "GET":  # asked now and then for texts that a webhook may have lost
            return answer(200, {"messages": [], "page": 0, "page_size": 50, "uri": path})
        if path != f"/2010-04-01/Accounts/{account}/Messages.json":
            return answer(404, {"code": 20404, "message": "not found"})
        missing = {"To", "Body", "MessagingServiceSid", "StatusCallback"} - fields.keys()
        if missing:
            return answer(400, {"code": 21601, "message": f"missing: {missing}"})
        self.taken[fields["To"]] += 1
        sid = f"SM{self.taken.total():032x}"
        self._promise_reports(fields, account, token, sid)
        return answer(201, {
            "sid": sid, "account_sid": account, "to": fields["To"], "body": fields["Body"],
            "messaging_service_sid": fields["MessagingServiceSid"], "status": "accepted",
            "direction": "outbound-api", "num_segments": "0", "num_media": "0",
            "api_version": "2010-04-01", "error_code": None, "error_message": None,
        })  # fmt: skip

    def _promise_reports(
        self, fields: Mapping[str, str], account: str, token: str, sid: str
    ) -> None:
        address = fields["StatusCallback"].partition("#")[0]
        for status, seconds in FATE:
            form = {
                "SmsSid": sid, "SmsStatus": status, "MessageStatus": status, "To": fields["To"],
                "MessageSid": sid, "AccountSid": account, "From": "+18885550188",
                "ApiVersion": "2010-04-01",
                "MessagingServiceSid": fields["MessagingServiceSid"],
            }  # fmt: skip
            self.reports.post_in(seconds, partial(signed, address, form, token))


def credentials(head: str) -> tuple[str, str]:
    """Of the Basic header: the account and its token."""
    for line in head.split("\r\n"):
        name, _, value = line.partition(": ")
        if name.lower() == "authorization":
            account, _, token = base64.b64decode(value.removeprefix("Basic ")).partition(b":")
            return account.decode(), token.decode()
    return "", ""


def signed(address: str, form: Mapping[str, str], token: str) -> bytes:
    text = address + "".join(name + form[name] for name in sorted(form))
    signature = base64.b64encode(hmac.digest(token.encode(), text.encode(), "sha1")).decode()
    body = "&".join(f"{name}={quote_plus(value)}" for name, value in form.items())
    parts = urlsplit(address)
    return (
        f"POST {parts.path}?{parts.query} HTTP/1.1\r\nHost: {parts.netloc}\r\n"
        "Content-Type: application/x-www-form-urlencoded; charset=utf-8\r\n"
        f"X-Twilio-Signature: {signature}\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    ).encode()


if __name__ == "__main__":
    asyncio.run(serve(Provider(), port=int(sys.argv[1]), door_port=int(sys.argv[2])))

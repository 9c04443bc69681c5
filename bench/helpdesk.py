"""A helpdesk that costs this machine next to nothing: keeps users and tickets, posts its events.

It answers the calls that mirroring makes as Zendesk does, and posts each comment back as a signed
`ticket.comment_added`. Started by `bench.stack` as `python -m bench.helpdesk PORT DOOR_PORT
DOOR_PATH`, with the webhook's secret in WEBHOOK_SECRET; what it holds is at `/ledger`.
"""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
import os
import re
import sys
from datetime import UTC, datetime
from functools import partial
from typing import Any
from urllib.parse import parse_qs, urlsplit

from bench.lean import Reports, answer, serve

EVENT_SECONDS = 0.2  # after the comment
API = re.compile(r"/[a-z0-9-]+/api/v2/(.+)")


class Helpdesk:
    """Users by external id, the comments of each ticket."""

    def __init__(self, door: str, secret: str) -> None:
        self.users: dict[str, dict[str, Any]] = {}
        self.tickets: dict[str, int] = {}  # ids by idempotency key
        self.comments: dict[int, list[str]] = {}
        self.reports = Reports()
        self._door, self._secret = door, secret

    def take(self, head: str, body: bytes) -> bytes:
        method, target, _ = head.split(" ", 2)
        if target == "/ledger":
            return answer(200, {"comments": self.comments, "refused": self.reports.refused})
        address = urlsplit(target)
        named = API.fullmatch(address.path)
        said = json.loads(body) if body else {}
        match method, named[1].split("/") if named else []:
            case "GET", ["users", "search"]:
                return answer(200, {"users": self._search(parse_qs(address.query))})
            case "POST", ["users", "create_or_update"]:
                made = {**said["user"], "id": len(self.users) + 1, "role": "end-user"}
                user = self.users.setdefault(said["user"]["external_id"], made)
                return answer(201, {"user": user})
            case "POST", ["tickets"]:
                key = re.search(r"^idempotency-key: (\S+)", head, re.IGNORECASE | re.MULTILINE)
                assert key is not None
                ticket_id = self.tickets.setdefault(key[1], len(self.tickets) + 1)
                return self._commented(201, ticket_id, said["ticket"]["comment"])
            case "PUT", ["tickets", number] if int(number) in self.comments:
                return self._commented(200, int(number), said["ticket"]["comment"])
            # Asked by the poll: nobody replies here, and no ticket is solved.
            case "GET", ["tickets", number]:
                return answer(200, {"ticket": {"id": int(number), "status": "new"}})
            case "GET", ["tickets", _, "comments"]:
                return answer(200, {"comments": [], "users": [], "meta": {"has_more": False}})
        return answer(404, {"error": "RecordNotFound"})

    def _search(self, query: dict[str, list[str]]) -> list[dict[str, Any]]:
        """By external id; a search by phone finds nobody, for every buyer here is new."""
        known = self.users.get(query.get("external_id", [""])[0])
        return [known] if known else []

    def _commented(self, status: int, ticket_id: int, comment: dict[str, Any]) -> bytes:
        texts = self.comments.setdefault(ticket_id, [])
        texts.append(comment["html_body"])
        comment_id = ticket_id * 1000 + len(texts)
        by_buyer = any(user["id"] == comment["author_id"] for user in self.users.values())
        event = {
            "account_id": 1, "detail": {"id": str(ticket_id)}, "id": f"event-{comment_id}",
            "event": {"comment": {
                "id": str(comment_id), "body": comment["html_body"],
                "is_public": comment["public"],
                "author": {"id": str(comment["author_id"]), "is_staff": not by_buyer},
            }},
            "type": "zen:event-type:ticket.comment_added", "zendesk_event_version": "2022-11-06",
        }  # fmt: skip
        self.reports.post_in(EVENT_SECONDS, partial(self._signed, json.dumps(event).encode()))
        audit = {"events": [{"type": "Comment", "id": comment_id}]}
        return answer(status, {"ticket": {"id": ticket_id}, "audit": audit})

    def _signed(self, body: bytes) -> bytes:
        moment = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        digest = hmac.digest(self._secret.encode(), moment.encode() + body, "sha256")
        return (
            f"POST {self._door} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            f"X-Zendesk-Webhook-Signature: {base64.b64encode(digest).decode()}\r\n"
            f"X-Zendesk-Webhook-Signature-Timestamp: {moment}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        ).encode() + body


if __name__ == "__main__":
    desk = Helpdesk(sys.argv[3], os.environ["WEBHOOK_SECRET"])
    asyncio.run(serve(desk, port=int(sys.argv[1]), door_port=int(sys.argv[2])))

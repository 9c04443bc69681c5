"""The agents at the helpdesk: they answer in the emulated Zendesk, ticket by ticket."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tests.faults.buyers import Buyer
from tests.faults.stack import SUBDOMAIN, Stack

TICKETS = """
SELECT c.phone, l.ticket_id FROM ticket_links l
JOIN conversations v ON v.id = l.conversation_id JOIN contacts c ON c.id = v.contact_id
WHERE l.ticket_id IS NOT NULL AND c.phone = ANY(%(phones)s)
"""


@dataclass(frozen=True)
class Reply:
    phone: str
    ticket_id: str
    comment_id: str
    body: str

    @property
    def dedupe_key(self) -> str:
        return f"zendesk:{self.ticket_id}:{self.comment_id}#0"


class Agents:
    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self.replies: list[Reply] = []

    def tickets(self, buyers: Sequence[Buyer]) -> dict[str, str]:
        """Ticket's number by phone, for those who have one."""
        rows = self._stack.rows(TICKETS, phones=[buyer.phone for buyer in buyers])
        return {row["phone"]: row["ticket_id"] for row in rows}

    def reply(self, buyer: Buyer, ticket_id: str, what: str = "answer") -> None:
        body = buyer.words(f"{what} {next(self._numbers)}")
        said = self._stack.tell(
            "POST", f"/zendesk/{SUBDOMAIN}/_ui/tickets/{ticket_id}/comments", {"body": body}
        )
        with self._lock:
            self.replies.append(Reply(buyer.phone, ticket_id, str(said["comment"]["id"]), body))

    def read_ticket(self, ticket_id: str) -> list[dict[str, Any]]:
        """Its comments, oldest first."""
        ticket = self._stack.tell("GET", f"/zendesk/{SUBDOMAIN}/_ui/tickets/{ticket_id}")["ticket"]
        comments: list[dict[str, Any]] = ticket["comments"]
        return comments

    def how_many_tickets(self) -> int:
        """All tickets of the account, as its API counts them."""
        granted = self._stack.tell("POST", f"/zendesk/{SUBDOMAIN}/_ui/grant", {})
        answer = self._stack.vendors.get(
            f"/zendesk/{SUBDOMAIN}/api/v2/tickets",
            headers={
                "Authorization": f"Bearer {granted['access_token']}",
                "X-Zendesk-Marketplace-Name": "Doorstep tests",
                "X-Zendesk-Marketplace-Organization-Id": "0",
                "X-Zendesk-Marketplace-App-Id": "0",
            },
        )
        answer.raise_for_status()
        return int(answer.json()["count"])

"""What HTTP integrations are told of, with the ticket, the message and the user as they were.

Filled by `threads` under the world's lock; `delivery` renders and sends it. Gorgias's engineers
say that `{{context}}` is the whole of it; the outer shape is assumed.
"""

from __future__ import annotations

import copy
import secrets
from dataclasses import dataclass
from typing import Any

from sandbox.gorgias.world import Account, Record, person

TRIGGERS = frozenset(
    {
        "ticket-created",
        "ticket-updated",
        "ticket-message-created",
        "ticket-message-failed",
        "ticket-assignment-updated",
        "ticket-status-updated",
        "ticket-self-unsnoozed",
        "ticket-handed-over",
    }
)


@dataclass(frozen=True)
class Happened:
    trigger: str
    context: dict[str, Any]


def happened(
    account: Account, trigger: str, ticket: Record, actor: Record | None, message: Record | None
) -> Happened:
    shown = {name: value for name, value in ticket.items() if name != "messages"}
    customer = account.customer((ticket["customer"] or {}).get("id"))
    return Happened(
        trigger,
        copy.deepcopy(
            {
                "event": {
                    "type": trigger,
                    "context": f"{secrets.token_hex(4)}-ctx",
                    "user_id": actor["id"] if actor else None,
                },
                "ticket": {**shown, "customer": customer},
                "message": message,
                "user": person(actor),
            }
        ),
    )

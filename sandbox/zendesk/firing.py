"""Which triggers a change of a ticket fires, and what their webhooks are told.

Called by `ticketing` under the world's lock. Only what `triggers` lets in: the condition on tags,
and the placeholder of the ticket's id; any other placeholder comes out empty, as at the vendor.
"""

from __future__ import annotations

import re

from sandbox.zendesk.events import CONDITIONAL, Event
from sandbox.zendesk.world import Account, Record

PLACEHOLDER = re.compile(r"\{\{\s*([a-z_.]+)\s*\}\}")


def fired(account: Account, ticket: Record) -> list[Event]:
    known = {"ticket.id": str(ticket["id"])}
    events = []
    for trigger in account.triggers.values():
        if not trigger["active"] or not _meets(ticket, trigger["conditions"]):
            continue
        for action in trigger["actions"]:
            webhook_id, template = action["value"]
            body = PLACEHOLDER.sub(lambda match: known.get(match[1], ""), template)
            events.append(Event(CONDITIONAL, body.encode(), webhook_id))
    return events


def _meets(ticket: Record, conditions: Record) -> bool:
    def one(condition: Record) -> bool:
        wanted = condition["value"].split()
        return any(tag in ticket["tags"] for tag in wanted)

    either = conditions.get("any") or []
    return all(map(one, conditions.get("all") or [])) and (not either or any(map(one, either)))

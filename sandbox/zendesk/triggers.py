"""Endpoints under `/api/v2/triggers`. Only an admin may use them.

Of all that triggers can do only what a webhook needs: conditions on the ticket's tags, and
actions that call a webhook made for triggers.
"""

from __future__ import annotations

from flask import request

from sandbox.zendesk import refusals
from sandbox.zendesk.doors import Answer, Call, Doors, checked
from sandbox.zendesk.events import CONDITIONAL
from sandbox.zendesk.world import Record, stamp

FIELDS = frozenset(
    ["title", "active", "conditions", "actions", "description", "position", "category_id"]
)
CONDITION_FIELDS = frozenset(["field", "operator", "value"])


def open_doors(doors: Doors) -> None:
    """Create, search, delete."""
    doors.api("POST", "/triggers", "triggers.create", _create, scope="triggers:write")
    doors.api("GET", "/triggers/search", "triggers.search", _search, scope="triggers:read")
    one = "/triggers/<int:trigger_id>"
    doors.api("DELETE", one, "triggers.delete", _delete, scope="triggers:write")


def _admin(call: Call) -> None:
    if call.actor["role"] != "admin":
        raise refusals.forbidden("Only an admin may see or change triggers.")


def _create(call: Call) -> Answer:
    _admin(call)
    given = call.body("trigger", FIELDS)
    for name in ("title", "conditions", "actions"):
        if not given.get(name):
            raise refusals.record_invalid(name, f"{name}: cannot be blank")
    conditions = checked(given["conditions"], "conditions", frozenset({"all", "any"}))
    listed = [*(conditions.get("all") or []), *(conditions.get("any") or [])]
    if not listed:
        raise refusals.record_invalid("conditions", "Conditions: at least one is needed")
    for one in listed:
        checked(one, "condition", CONDITION_FIELDS)
        if (one.get("field"), one.get("operator")) != ("current_tags", "includes"):
            raise refusals.record_invalid("conditions", "Conditions: only tags, in the sandbox")
    for action in given["actions"]:
        _check_action(call, checked(action, "action", frozenset({"field", "value"})))
    moment = stamp()
    trigger = {
        "active": True,
        **given,
        "id": call.account.next_id(),
        "created_at": moment,
        "updated_at": moment,
    }
    call.account.triggers[str(trigger["id"])] = trigger
    return 201, {"trigger": trigger}


def _check_action(call: Call, action: Record) -> None:
    value = action.get("value")
    if action.get("field") != "notification_webhook":
        raise refusals.record_invalid("actions", "Actions: only webhooks, in the sandbox")
    if not (isinstance(value, list) and len(value) == 2 and all(isinstance(v, str) for v in value)):
        raise refusals.record_invalid("actions", "Actions: a webhook's id and its body")
    hook = call.account.webhooks.get(value[0])
    if hook is None or hook["subscriptions"] != [CONDITIONAL]:
        raise refusals.record_invalid("actions", "Actions: no webhook that a trigger may call")


def _search(call: Call) -> Answer:
    _admin(call)
    query = request.args.get("query", "")
    if not query:
        raise refusals.invalid_attribute("query", "is required")
    found = [one for one in call.account.triggers.values() if query.lower() in one["title"].lower()]
    return 200, {"triggers": found, "count": len(found), "next_page": None, "previous_page": None}


def _delete(call: Call, trigger_id: int) -> Answer:
    _admin(call)
    if call.account.triggers.pop(str(trigger_id), None) is None:
        raise refusals.not_found()
    return 204, None

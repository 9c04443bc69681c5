"""Endpoints under `/api/integrations`, for HTTP integrations. Only an admin may use them.

An address must be https, or loopback, where the sandbox lives.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from sandbox.gorgias import refusals
from sandbox.gorgias.doors import Answer, Call, Doors, checked, json_body, listed, parameters
from sandbox.gorgias.happened import TRIGGERS
from sandbox.gorgias.world import Record, stamp

REQUIRED = frozenset({"name", "type", "http"})
FIELDS = REQUIRED | {"description"}
HTTP_REQUIRED = frozenset({"url", "method", "request_content_type", "response_content_type"})
HTTP = HTTP_REQUIRED | {"headers", "form", "hmac_secret", "triggers"}
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


def open_doors(doors: Doors) -> None:
    one = "/integrations/<int:integration_id>"
    doors.api("GET", "/integrations", "integrations.list", _list, scope="integrations:read")
    doors.api("POST", "/integrations", "integrations.create", _create, scope="integrations:write")
    doors.api("GET", one, "integrations.show", _show, scope="integrations:read")
    doors.api("DELETE", one, "integrations.delete", _delete, scope="integrations:write")


def _admin(call: Call) -> None:
    if call.actor["role"]["name"] != "admin":
        raise refusals.forbidden("Only an admin may see or change integrations.")


def _list(call: Call) -> Answer:
    _admin(call)
    parameters(frozenset({"type", "limit", "cursor"}))
    return 200, listed("integrations", [_shown(one) for one in call.account.integrations.values()])


def _create(call: Call) -> Answer:
    _admin(call)
    given = json_body(FIELDS, REQUIRED)
    if given["type"] != "http":
        raise refusals.invalid("type", "must be http here")
    there = checked(given["http"], "http", HTTP, HTTP_REQUIRED)
    address = urlsplit(str(there["url"]))
    if address.scheme != "https" and address.hostname not in LOOPBACK:
        raise refusals.invalid("url", "must be https")
    if there["method"] not in ("GET", "POST", "PUT", "DELETE"):
        raise refusals.invalid("method", "is none")
    for name, wanted in checked(there.get("triggers") or {}, "triggers", TRIGGERS).items():
        if not isinstance(wanted, bool):
            raise refusals.invalid(name, "must be true or false")
    number, moment = call.account.next_id(), stamp()
    secretless = {name: value for name, value in there.items() if name != "hmac_secret"}
    integration = {
        "id": number,
        "name": given["name"],
        "type": "http",
        "description": given.get("description"),
        "deactivated_datetime": None,
        "created_datetime": moment,
        "updated_datetime": moment,
        "http": {"id": number, "headers": {}, "form": None, "triggers": {}, **secretless},
        "uri": f"/api/integrations/{number}/",
        "calls": [],
    }
    call.account.integrations[str(number)] = integration
    return 201, _shown(integration)


def _show(call: Call, integration_id: int) -> Answer:
    _admin(call)
    return 200, _shown(_found(call, integration_id))


def _delete(call: Call, integration_id: int) -> Answer:
    """Its widget goes with it."""
    _admin(call)
    _found(call, integration_id)
    account = call.account
    del account.integrations[str(integration_id)]
    account.widgets = {
        key: one for key, one in account.widgets.items() if one["integration_id"] != integration_id
    }
    return 204, None


def _found(call: Call, integration_id: int) -> Record:
    found = call.account.integrations.get(str(integration_id))
    if found is None:
        raise refusals.not_found("integration")
    return found


def _shown(integration: Record) -> Record:
    return {name: value for name, value in integration.items() if name != "calls"}

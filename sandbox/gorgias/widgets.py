"""Endpoints under `/api/widgets`: a sidebar fed by an HTTP integration.

Only `wrapper`, `card` and `text` are documented, so nothing else is let in. One widget for one
integration. Which scope covers widgets is not documented; an account can be told to refuse them.
"""

from __future__ import annotations

from typing import Any

from sandbox.gorgias import refusals
from sandbox.gorgias.doors import Answer, Call, Doors, checked, json_body, listed, parameters
from sandbox.gorgias.world import stamp

REQUIRED = frozenset({"type", "context", "template"})
FIELDS = REQUIRED | {"integration_id", "app_id", "order"}
PART = frozenset({"type", "path", "title", "widgets"})


def open_doors(doors: Doors) -> None:
    doors.api("GET", "/widgets", "widgets.list", _list, scope="integrations:read")
    doors.api("POST", "/widgets", "widgets.create", _create, scope="integrations:write")


def _list(call: Call) -> Answer:
    _allowed(call)
    parameters(frozenset({"integration_id", "limit", "cursor"}))
    return 200, listed("widgets", list(call.account.widgets.values()))


def _create(call: Call) -> Answer:
    _allowed(call)
    given = json_body(FIELDS, REQUIRED)
    integration_id = given.get("integration_id")
    if given["type"] != "http" or str(integration_id) not in call.account.integrations:
        raise refusals.invalid("integration_id", "is no HTTP integration of this account")
    if any(one["integration_id"] == integration_id for one in call.account.widgets.values()):
        raise refusals.conflict("This integration has a widget.")
    if given["context"] not in ("ticket", "customer", "user"):
        raise refusals.invalid("context", "is none")
    _check(given["template"], "wrapper")
    number, moment = call.account.next_id(), stamp()
    widget = {
        "app_id": None,
        "order": 0,
        **given,
        "id": number,
        "uri": f"/api/widgets/{number}/",
        "created_datetime": moment,
        "updated_datetime": moment,
        "deactivated_datetime": None,
    }
    call.account.widgets[str(number)] = widget
    return 201, widget


def _allowed(call: Call) -> None:
    if not call.account.widgets_allowed:
        raise refusals.forbidden("The app was not given the scope of widgets.")


def _check(part: Any, *kinds: str) -> None:
    checked(part, "template", PART, frozenset({"type"}))
    if part["type"] not in kinds:
        raise refusals.invalid("type", f"must be one of {kinds}")
    if part["type"] == "text" and not (part.get("path") and part.get("title")):
        raise refusals.invalid("path", "and title are required of a text")
    for one in part.get("widgets") or []:
        _check(one, "card", "text")

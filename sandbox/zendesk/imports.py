"""`POST /api/v2/imports/tickets`: a ticket with its past. For admins; nothing is set off by it.

Bound by developer.zendesk.com, "Ticket import": comments may say when they were written, never in
the future; the answer names the ticket alone, without its audit.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sandbox import clock
from sandbox.zendesk import refusals, ticketing
from sandbox.zendesk.doors import Answer, Call, Doors, checked
from sandbox.zendesk.tickets import COMMENT_FIELDS, COMMON, user_of, values_of
from sandbox.zendesk.world import Record

FIELDS = (COMMON - {"comment"}) | {
    "comments",
    "submitter_id",
    "created_at",
    "updated_at",
    "solved_at",
}
COMMENTS = COMMENT_FIELDS | {"created_at", "value"}


def open_doors(doors: Doors) -> None:
    doors.api("POST", "/imports/tickets", "tickets.import", _import, scope="tickets:write")


def _import(call: Call) -> Answer:
    if call.actor["role"] != "admin":
        raise refusals.forbidden("You do not have access to this page.")
    given = call.body("ticket", FIELDS)
    comments = given.pop("comments", None)
    if not isinstance(comments, list) or not comments:
        raise refusals.record_invalid("base", "Description: cannot be blank")
    wanted = [_comment(one) for one in comments]
    times = {name: _moment(given[name]) for name in ("created_at", "updated_at") if name in given}
    fields = {**values_of(call, given), **times}
    fields["requester_id"] = user_of(call, fields.get("requester_id") or call.actor["id"])
    fields["submitter_id"] = user_of(call, fields.get("submitter_id") or call.actor["id"])
    act = ticketing.Act(call.account, call.actor, call.base)
    ticket = ticketing.import_ticket(act, fields, wanted)
    call.headers["Location"] = ticket["url"]
    return 201, {"ticket": ticket}


def _comment(given: Any) -> Record:
    comment = dict(checked(given, "comments", COMMENTS))
    if "created_at" in comment:
        comment["created_at"] = _moment(comment["created_at"])
    if "value" in comment:
        comment["body"] = comment.pop("value")
    return comment


def _moment(value: Any) -> str:
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise refusals.invalid_attribute("created_at", "must be a moment in ISO 8601") from None
    if moment.tzinfo is None or moment > clock.now():
        raise refusals.record_invalid("created_at", "Created at: must say its zone and be past")
    return str(value)

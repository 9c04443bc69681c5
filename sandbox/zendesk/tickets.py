"""Endpoints under `/api/v2/tickets`: what they accept, what they answer.

The acts themselves are in `ticketing`. Only the fields that Doorstep could have reason to send are
known here; Zendesk's many others are refused like any unknown one.
"""

from __future__ import annotations

import hashlib
import json
from datetime import datetime, timedelta
from typing import Any

from flask import request

from sandbox import clock
from sandbox.zendesk import limits, refusals, ticketing
from sandbox.zendesk.comments import list_comments
from sandbox.zendesk.doors import Answer, Call, Doors, checked, json_body
from sandbox.zendesk.world import Record

COMMON = frozenset(
    [
        "assignee_id",
        "comment",
        "custom_fields",
        "external_id",
        "group_id",
        "priority",
        "requester_id",
        "status",
        "subject",
        "tags",
        "type",
    ]
)
CREATE_FIELDS = COMMON | {"submitter_id", "via_followup_source_id"}
UPDATE_FIELDS = COMMON | {"additional_tags", "remove_tags", "safe_update", "updated_stamp"}
COMMENT_FIELDS = frozenset({"author_id", "body", "html_body", "public", "uploads"})
MERGE_FIELDS = frozenset(
    [
        "ids",
        "target_comment",
        "source_comment",
        "target_comment_is_public",
        "source_comment_is_public",
    ]
)
CHOICES = {
    "priority": {"low", "normal", "high", "urgent"},
    "type": {"problem", "incident", "question", "task"},
    "status": set(ticketing.STATUSES),
}
IDEMPOTENCY = timedelta(hours=2)


def open_doors(doors: Doors) -> None:
    """Endpoints under `/api/v2/tickets`, and of the jobs that merging starts."""
    one = "/tickets/<int:ticket_id>"
    doors.api("POST", "/tickets", "tickets.create", _create, scope="tickets:write")
    doors.api("GET", "/tickets", "tickets.list", _list, scope="tickets:read")
    doors.api("GET", one, "tickets.show", _show, scope="tickets:read")
    doors.api("PUT", one, "tickets.update", _update, scope="tickets:write")
    doors.api("GET", f"{one}/comments", "tickets.comments", list_comments, scope="tickets:read")
    doors.api("PUT", f"{one}/tags", "tickets.tags", _add_tags, scope="tickets:write")
    doors.api("DELETE", f"{one}/tags", "tickets.tags", _remove_tags, scope="tickets:write")
    doors.api("POST", f"{one}/merge", "tickets.merge", _merge, scope="tickets:write")
    doors.api("GET", "/job_statuses/<job_id>", "jobs.show", _job, scope="tickets:read")


def _create(call: Call) -> Answer:
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return _create_anew(call)
    digest = hashlib.sha256(request.get_data()).hexdigest()
    answered = call.account.answered
    for old in [name for name, one in answered.items() if _past(one["until"])]:
        del answered[old]
    if key in answered:
        if answered[key]["digest"] != digest:
            raise refusals.idempotency_mismatch()
        call.headers["x-idempotency-lookup"] = "hit"
        return 201, answered[key]["body"]
    status, body = _create_anew(call)
    call.headers["x-idempotency-lookup"] = "miss"
    until = (clock.now() + IDEMPOTENCY).isoformat()
    # A copy: the ticket in the answer goes on changing, the answer does not.
    kept = json.loads(json.dumps(body))
    answered[key] = {"digest": digest, "body": kept, "until": until}
    return status, kept


def _create_anew(call: Call) -> Answer:
    given = call.body("ticket", CREATE_FIELDS)
    if "comment" not in given:
        raise refusals.record_invalid("base", "Description: cannot be blank")
    comment = dict(checked(given.pop("comment"), "comment", COMMENT_FIELDS))
    source = _follow_up_source(call, given.pop("via_followup_source_id", None))
    fields = values_of(call, given)
    fields["requester_id"] = user_of(call, fields.get("requester_id") or call.actor["id"])
    submitter = user_of(call, fields.get("submitter_id") or call.actor["id"])
    fields["submitter_id"] = call.actor["id"] if source else submitter
    if source is None:
        # The first comment is the submitter's, whatever the comment says.
        comment["author_id"] = submitter
    else:
        copied = ("subject", "type", "priority")
        fields = {**{name: source[name] for name in copied}, **fields}
    act = ticketing.Act(call.account, call.actor, call.base)
    audit = ticketing.open_ticket(act, fields, comment, source)
    call.events += act.told
    ticket = call.account.tickets[str(audit["ticket_id"])]
    call.headers["Location"] = ticket["url"]
    return 201, {"ticket": ticket, "audit": audit}


def _follow_up_source(call: Call, number: Any) -> Record | None:
    if number is None:
        return None
    source = call.account.tickets.get(str(number))
    if source is None or source["status"] != "closed":
        raise refusals.record_invalid(
            "via_followup_source_id", "Follow-up source: is no closed ticket"
        )
    return source


def _list(call: Call) -> Answer:
    wanted = request.args.get("external_id")
    found = [
        one
        for one in call.account.tickets.values()
        if wanted is None or one["external_id"] == wanted
    ]
    tickets = found[:100]
    return 200, {
        "tickets": tickets,
        "next_page": None,
        "previous_page": None,
        "count": len(found),
    }


def _show(call: Call, ticket_id: int) -> Answer:
    return 200, {"ticket": call.account.ticket(ticket_id)}


def _update(call: Call, ticket_id: int) -> Answer:
    ticket = call.account.ticket(ticket_id)
    call.headers.update(
        limits.count_ticket_update(
            call.world.meter,
            call.account.subdomain,
            call.account.plan,
            call.actor["id"],
            ticket_id,
            clock.now(),
        )
    )
    given = call.body("ticket", UPDATE_FIELDS)
    if given.pop("safe_update", False):
        since = given.get("updated_stamp")
        if not since:
            raise refusals.invalid_attribute("updated_stamp", "is required with safe_update")
        if since < ticket["updated_at"]:
            raise refusals.update_conflict()
    given.pop("updated_stamp", None)
    comment = given.pop("comment", None)
    if comment is not None:
        checked(comment, "comment", COMMENT_FIELDS)
    more, less = _tags(given.pop("additional_tags", [])), _tags(given.pop("remove_tags", []))
    changes = values_of(call, given)
    if more or less:
        held: list[str] = changes.get("tags") or ticket["tags"]
        grown = [*held, *(tag for tag in more if tag not in held)]
        changes["tags"] = [tag for tag in grown if tag not in less]
    if changes.get("status") == "new" != ticket["status"]:
        raise refusals.record_invalid("status", "Status: cannot return to new")
    act = ticketing.Act(call.account, call.actor, call.base)
    audit = ticketing.update_ticket(act, ticket, changes, comment)
    call.events += act.told
    return 200, {"ticket": ticket, "audit": audit}


def _add_tags(call: Call, ticket_id: int) -> Answer:
    """Adds to the tags there, as the documented PUT does (a POST would replace them)."""
    more = _tags(json_body(frozenset({"tags"})).get("tags"))
    ticket = call.account.ticket(ticket_id)
    act = ticketing.Act(call.account, call.actor, call.base)
    tags = [*ticket["tags"], *(tag for tag in more if tag not in ticket["tags"])]
    ticketing.update_ticket(act, ticket, {"tags": tags}, None)
    call.events += act.told
    return 200, {"tags": tags}


def _remove_tags(call: Call, ticket_id: int) -> Answer:
    """Takes away those named, as the documented DELETE does; its body names them."""
    gone = _tags(json_body(frozenset({"tags"})).get("tags"))
    ticket = call.account.ticket(ticket_id)
    act = ticketing.Act(call.account, call.actor, call.base)
    tags = [tag for tag in ticket["tags"] if tag not in gone]
    ticketing.update_ticket(act, ticket, {"tags": tags}, None)
    call.events += act.told
    return 200, {"tags": tags}


def values_of(call: Call, given: Record) -> Record:
    for name, choices in CHOICES.items():
        if given.get(name) is not None and given[name] not in choices:
            raise refusals.record_invalid(name, f"{name.title()}: {given[name]} is not included")
    for name in ("requester_id", "assignee_id", "submitter_id"):
        if given.get(name) is not None:
            user_of(call, given[name])
    if "tags" in given:
        given["tags"] = _tags(given["tags"])
    if given.get("external_id") is not None and not isinstance(given["external_id"], str):
        raise refusals.invalid_attribute("external_id", "must be a string")
    return given


def _tags(value: Any) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(tag, str) for tag in value):
        raise refusals.invalid_attribute("tags", "must be a list of strings")
    if any(" " in tag for tag in value):
        raise refusals.invalid_attribute("tags", "may hold no blanks")
    return list(dict.fromkeys(tag.lower() for tag in value))


def user_of(call: Call, number: Any) -> int:
    if not isinstance(number, int):
        raise refusals.invalid_attribute("user id", "must be a number")
    if call.account.user(number) is None:
        raise refusals.record_invalid("requester", f"Requester: {number} is no user")
    return number


def _merge(call: Call, ticket_id: int) -> Answer:
    given = json_body(MERGE_FIELDS)
    target = call.account.ticket(ticket_id)
    act = ticketing.Act(call.account, call.actor, call.base)
    for number in given.get("ids") or ():
        source = call.account.ticket(number)
        notes = (
            given.get("target_comment") or f"Request #{number} was closed and merged into this.",
            given.get("source_comment")
            or f"This request was closed and merged into request #{ticket_id}.",
        )
        public = (
            bool(given.get("target_comment_is_public", False)),
            bool(given.get("source_comment_is_public", False)),
        )
        ticketing.merge(act, target, source, notes, public)
    call.events += act.told
    job_id = f"V3-{call.account.next_id()}"
    job = {
        "id": job_id,
        "url": call.api(f"job_statuses/{job_id}.json"),
        "total": len(given.get("ids") or ()),
        "progress": len(given.get("ids") or ()),
        "status": "completed",
        "message": "Completed",
        "results": [],
    }
    call.account.jobs[job_id] = job
    return 200, {"job_status": {**job, "status": "queued", "progress": None}}


def _job(call: Call, job_id: str) -> Answer:
    job = call.account.jobs.get(job_id)
    if job is None:
        raise refusals.not_found()
    return 200, {"job_status": job}


def _past(moment: str) -> bool:
    return datetime.fromisoformat(moment) <= clock.now()

"""What happens to a ticket: opened, commented, changed, merged. The same for API and desk.

Called under the world's lock by `tickets` (the API) and `desk` (an agent at the sandbox page).
Each act returns the ticket's audit and appends what webhooks must be told.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sandbox import clock, stream
from sandbox.zendesk import events, firing, markup, refusals
from sandbox.zendesk.events import Event
from sandbox.zendesk.world import Account, Record, stamp

STATUSES = ("new", "open", "pending", "hold", "solved", "closed")
COMMENT_BYTES = 64 * 1024
COMMENTS_PER_TICKET = 5000
MERGED_TAG = "closed_by_merge"


@dataclass
class Act:
    """One update by one user: what it changed, who hears of it."""

    account: Account
    actor: Record
    base: str
    channel: str = "api"
    told: list[Event] = field(default_factory=list)

    def via(self, source: Record | None = None, rel: str | None = None) -> Record:
        return {"channel": self.channel, "source": {"from": source or {}, "to": {}, "rel": rel}}


def open_ticket(act: Act, fields: Record, comment: Record, follow_up_of: Record | None) -> Record:
    """A new ticket with its first comment. Returns it; its audit is the account's newest."""
    account = act.account
    account.last_ticket_id += 1
    number, moment = account.last_ticket_id, stamp()
    via = act.via()
    if follow_up_of is not None:
        source = {"ticket_id": follow_up_of["id"], "subject": follow_up_of["subject"]}
        via = act.via(source, "follow_up")
        follow_up_of["followup_ids"].append(number)
    ticket: Record = {
        "id": number,
        "url": f"{act.base}/api/v2/tickets/{number}.json",
        "external_id": None,
        "via": via,
        "created_at": moment,
        "updated_at": moment,
        "generated_timestamp": int(datetime.fromisoformat(moment).timestamp()),
        "type": None,
        "subject": "",
        "description": "",
        "priority": None,
        "status": "new",
        "custom_status_id": 8447320465790,
        "recipient": None,
        "assignee_id": None,
        "organization_id": None,
        "group_id": 8447320466430,
        "brand_id": 8447346621310,
        "collaborator_ids": [],
        "follower_ids": [],
        "email_cc_ids": [],
        "problem_id": None,
        "has_incidents": False,
        "is_public": False,
        "due_at": None,
        "tags": [],
        "custom_fields": [],
        "satisfaction_rating": None,
        "sharing_agreement_ids": [],
        "followup_ids": [],
        "allow_channelback": False,
        "allow_attachments": True,
        "from_messaging_channel": False,
        **fields,
    }
    account.tickets[str(number)] = ticket
    account.comments[str(number)] = []
    audit = _audit(act, ticket)
    added = _add_comment(act, ticket, audit, comment)
    ticket["subject"] = ticket["subject"] or added["body"][:80]
    ticket["raw_subject"] = ticket["subject"]
    ticket["description"] = added["body"]
    audit["events"] += [
        {"id": account.next_id(), "type": "Create", "field_name": name, "value": ticket[name]}
        for name in fields
    ]
    happened = [("created", {}), *events.comment_added(account, added)]
    _tell(act, ticket, happened)
    return audit


def import_ticket(act: Act, fields: Record, comments: list[Record]) -> Record:
    """A ticket with its past, each comment at its own time. No trigger fires, no webhook is told,
    and an end user's comment leaves the status as it is."""
    told = list(act.told)
    audit = open_ticket(act, fields, comments[0], None)
    ticket = act.account.tickets[str(audit["ticket_id"])]
    for comment in comments[1:]:
        _add_comment(act, ticket, _audit(act, ticket), comment)
    act.told = told
    return ticket


def update_ticket(act: Act, ticket: Record, changes: Record, comment: Record | None) -> Record:
    """Change fields, add a comment, or both. Returns the audit."""
    if ticket["status"] == "closed":
        raise refusals.closed_ticket()
    account = act.account
    audit = _audit(act, ticket)
    happened: list[tuple[str, Record]] = []
    if comment is not None:
        added = _add_comment(act, ticket, audit, comment)
        happened += events.comment_added(account, added)
        author = account.user(added["author_id"]) or {}
        settled = ticket["status"] in ("pending", "hold", "solved")
        if author.get("role") == "end-user" and added["public"] and settled:
            changes = {"status": "open", **changes}
        audit["author_id"] = added["author_id"]
    for name, value in changes.items():
        previous = ticket[name]
        if previous == value:
            continue
        ticket[name] = value
        audit["events"].append(
            {
                "id": account.next_id(),
                "type": "Change",
                "field_name": name,
                "previous_value": previous,
                "value": value,
            }
        )
        if name == "status":
            happened.append(events.status_changed(previous, value))
        elif name == "assignee_id":
            happened.append(events.assignment_changed(previous, value))
        elif name == "tags":
            added_tags = [tag for tag in value if tag not in previous]
            gone = [tag for tag in previous if tag not in value]
            happened.append(("tags_changed", {"tags_added": added_tags, "tags_removed": gone}))
    ticket["updated_at"] = stamp()
    _tell(act, ticket, happened)
    return audit


def merge(
    act: Act, target: Record, source: Record, notes: tuple[str, str], public: tuple[bool, bool]
) -> None:
    """Close `source` into `target`. `notes` and `public` are (on target, on source)."""
    if target["status"] == "closed" or source["status"] == "closed":
        raise refusals.record_invalid("ids", "Closed tickets cannot be merged")
    if target["id"] == source["id"]:
        raise refusals.record_invalid("ids", "A ticket cannot be merged into itself")
    update_ticket(act, target, {}, {"html_body": markup.from_text(notes[0]), "public": public[0]})
    previous = source["status"]
    audit = _audit(act, source)
    note = {"html_body": markup.from_text(notes[1]), "public": public[1], "rel": "merge"}
    added = _add_comment(act, source, audit, note)
    source["status"] = "closed"
    source["tags"] = [*source["tags"], MERGED_TAG]
    source["updated_at"] = stamp()
    _tell(
        act,
        source,
        [
            *events.comment_added(act.account, added),
            events.status_changed(previous, "closed"),
            events.merged(target["id"]),
        ],
    )


def _audit(act: Act, ticket: Record) -> Record:
    return {
        "id": act.account.next_id(),
        "ticket_id": ticket["id"],
        "created_at": stamp(),
        "author_id": act.actor["id"],
        "metadata": {"system": {}, "custom": {}},
        "events": [],
        "via": ticket["via"] if not act.account.comments[str(ticket["id"])] else act.via(),
    }


def _add_comment(act: Act, ticket: Record, audit: Record, given: Record) -> Record:
    account = act.account
    kept = account.comments[str(ticket["id"])]
    if len(kept) >= COMMENTS_PER_TICKET:
        raise refusals.record_invalid("comment", "comment limit reached")
    author = account.user(given.get("author_id") or act.actor["id"])
    if author is None:
        raise refusals.record_invalid("comment", "Author: is not a user of this account")
    public = bool(given.get("public", True))
    if author["role"] == "end-user" and not public:
        raise refusals.record_invalid("comment", "Author: an end user cannot write privately")
    source = given.get("html_body") or markup.from_text(str(given.get("body") or ""))
    source = source.encode()[:COMMENT_BYTES].decode(errors="ignore")
    safe = markup.sanitise(source)
    text = markup.to_text(safe)
    files = [file for token in given.get("uploads") or () for file in _spend(account, token)]
    if not text and not files:
        raise refusals.record_invalid("comment", "Body: cannot be blank")
    comment = {
        "id": account.next_id(),
        "type": "Comment",
        "author_id": author["id"],
        "body": text,
        "html_body": f'<div class="zd-comment">{safe}</div>',
        "plain_body": text,
        "public": public,
        "attachments": files,
        "audit_id": audit["id"],
        "via": act.via(rel=given.get("rel")),
        "created_at": given.get("created_at") or stamp(),
        "metadata": {"system": {}, "custom": {}},
    }
    kept.append(comment)
    ticket["is_public"] = ticket["is_public"] or public
    names = ("id", "type", "author_id", "public", "body", "html_body", "attachments", "audit_id")
    audit["events"].append({name: comment[name] for name in names})
    return comment


def _spend(account: Account, token: Any) -> list[Record]:
    upload = account.uploads.pop(str(token), None)
    if upload is None or datetime.fromisoformat(upload["until"]) <= clock.now():
        raise refusals.record_invalid("uploads", "Uploads: token is unknown, spent or too old")
    files: list[Record] = upload["files"]
    return files


def _tell(act: Act, ticket: Record, happened: list[tuple[str, Record]]) -> None:
    act.told += events.envelope(act.account, ticket, act.actor["id"], happened, clock.now())
    act.told += firing.fired(act.account, ticket)
    stream.publish("zendesk", {"subdomain": act.account.subdomain, "ticket_id": ticket["id"]})

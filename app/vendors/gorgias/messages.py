"""A ticket's messages: the port's comments into Gorgias's words and back.

Called by `helpdesk`. Every message of ours says when it was sent, or Gorgias would try to send it,
and carries an `external_id`, by which an echo is told from an agent's words.

Bound by developers.gorgias.com, "Create a message" and "List messages".
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from app.helpdesk.ports import (
    Author,
    Comment,
    FileRef,
    HelpdeskAccess,
    Numbers,
    ReadComment,
    Writer,
)
from app.helpdesk.rich_text import to_text

CHANNEL = "sms"
# A public sample that runs in production says "phone" here; Gorgias's own pages leave it open.
SOURCE = "sms"
NOTE = "internal-note"
OURS = "doorstep-"  # begins the `external_id` of what we wrote
PAGE_SIZE = "100"
MOST_PAGES = 51

Page = Callable[[Mapping[str, str]], Any]


def written(
    access: HelpdeskAccess,
    comment: Comment,
    attachments: list[dict[str, Any]],
    *,
    requester_id: str,
    now: datetime,
) -> dict[str, Any]:
    """A message as the API takes it."""
    from_buyer = comment.author is Author.CONTACT and comment.public
    text = "\n\n".join(comment.paragraphs) or ", ".join(one["name"] for one in attachments)
    message: dict[str, Any] = {
        "channel": CHANNEL if comment.public else NOTE,
        "via": "api",
        "from_agent": not from_buyer,
        "public": comment.public,
        "external_id": f"{OURS}{uuid.uuid4().hex}",
        "sent_datetime": (comment.at or now).isoformat(),
        "body_text": text,
        "sender": {"id": int(requester_id if from_buyer else access.bot_user_id)},
    }
    if comment.at is not None:
        message["created_datetime"] = comment.at.isoformat()
    if comment.public and not from_buyer:
        message["receiver"] = {"id": int(requester_id)}
    if comment.public and comment.numbers is not None:
        message["source"] = _source(comment.numbers, from_buyer=from_buyer)
    if attachments:
        message["attachments"] = attachments
    return message


def _source(numbers: Numbers, *, from_buyer: bool) -> dict[str, Any]:
    here, there = {"address": numbers.shop}, {"address": numbers.buyer}
    if from_buyer:
        here, there = there, here
    return {"type": SOURCE, "from": here, "to": [there]}


def messages_since(page: Page, ticket_id: str, message_id: str | None) -> tuple[list[Any], bool]:
    """The messages after that one, oldest first, and whether the ticket has any at all.

    Newest first, page by page, until the one that is known already. Ids grow with time, so one that
    vanished since does not make all others new.
    """
    known = int(message_id) if message_id is not None else -1
    params = {
        "ticket_id": ticket_id,
        "order_by": "created_datetime:desc",
        "limit": PAGE_SIZE,
    }
    found: list[Any] = []
    has_any = False
    for _ in range(MOST_PAGES):
        said = page(params)
        has_any = has_any or bool(said["data"])
        fresh = [one for one in said["data"] if int(one["id"]) > known]
        found += fresh
        cursor = said["meta"].get("next_cursor")
        if len(fresh) < len(said["data"]) or not cursor:
            break
        params = {**params, "cursor": cursor}
    return sorted(found, key=lambda one: int(one["id"])), has_any


def comment_from(said: Mapping[str, Any], bot_user_id: str) -> ReadComment:
    """One message. What an app wrote is known by its `external_id`; a deleted one is nobody's."""
    sender = said.get("sender") or {}
    author_id = str(sender.get("id") or "")
    from_agent = said["from_agent"] is True
    by_us = said.get("via") == "api" and from_agent and author_id == bot_user_id
    writer = Writer.PERSON
    if said.get("external_id") or by_us:
        writer = Writer.PROGRAM
    elif said.get("via") == "rule" or said.get("rule_id"):
        writer = Writer.RULE
    return ReadComment(
        comment_id=str(said["id"]),
        public=said["public"] is True
        and said["channel"] != NOTE
        and not said.get("deleted_datetime"),
        by_staff=from_agent,
        author_id=author_id,
        author_name=str(sender.get("name") or ""),
        text=_text(said),
        created_at=moment(said["created_datetime"]),
        files=tuple(
            FileRef(
                filename=str(one.get("name") or "file"),
                content_type=str(one.get("content_type") or ""),
                url=str(one["url"]),
            )
            for one in said.get("attachments") or ()
        ),
        writer=writer,
    )


def _text(said: Mapping[str, Any]) -> str:
    """The plain form, unless it lost an address that stands behind a link or a picture."""
    plain = str(said.get("body_text") or "").strip()
    attached = [str(one["url"]) for one in said.get("attachments") or ()]
    rich = to_text(str(said.get("body_html") or ""), attached)
    lost = [one for one in re.findall(r"https?://\S+", rich) if one.rstrip(".,;:!?)") not in plain]
    return rich if lost else plain


def moment(text: str) -> datetime:
    """A moment of Gorgias's; those without a zone are UTC."""
    at = datetime.fromisoformat(text)
    return at if at.tzinfo is not None else datetime.fromisoformat(f"{text}+00:00")

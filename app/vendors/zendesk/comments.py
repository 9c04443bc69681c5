"""A ticket's comments as Zendesk lists them, into the port's words.

Called by `helpdesk`. Newest first, page by page, until the comment that is known already: an open
thread is asked for often and seldom has more than one page of news.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from app.helpdesk.ports import FileRef, ReadComment
from app.helpdesk.rich_text import to_text

PAGE_SIZE = "100"
MOST_PAGES = 51  # a ticket holds 5,000 comments at most
STAFF = frozenset({"agent", "admin"})

Page = Callable[[Mapping[str, str]], Any]
Users = dict[int, Mapping[str, Any] | None]


def comments_since(page: Page, comment_id: str | None) -> tuple[list[Any], Users]:
    """The comments after that one, oldest first, and the users that came along.

    Ids of comments grow with time, so one that vanished since does not make all others new.
    """
    known = int(comment_id) if comment_id is not None else -1
    params = {
        "page[size]": PAGE_SIZE,
        "sort": "-created_at",
        "include": "users",
        "include_inline_images": "true",
    }
    found: list[Any] = []
    users: Users = {}
    for _ in range(MOST_PAGES):
        said = page(params)
        users |= {int(one["id"]): one for one in said.get("users") or ()}
        fresh = [one for one in said["comments"] if int(one["id"]) > known]
        found += fresh
        if len(fresh) < len(said["comments"]) or not said["meta"]["has_more"]:
            break
        params = {**params, "page[after]": said["meta"]["after_cursor"]}
    return sorted(found, key=lambda one: int(one["id"])), users


def comment_from(said: Mapping[str, Any], author: Mapping[str, Any] | None) -> ReadComment:
    """One comment. An author whom Zendesk no longer knows counts as no staff."""
    who = author or {}
    attached = [one for one in said.get("attachments") or () if not one.get("deleted")]
    addresses = [str(one["content_url"]) for one in attached]
    return ReadComment(
        comment_id=str(said["id"]),
        public=bool(said["public"]),
        by_staff=who.get("role") in STAFF,
        author_id=str(said["author_id"]),
        author_name=str(who.get("name") or ""),
        text=to_text(said.get("html_body") or said.get("body") or "", addresses),
        created_at=datetime.fromisoformat(said["created_at"]),
        files=tuple(
            FileRef(
                filename=str(one["file_name"]),
                content_type=str(one["content_type"]),
                url=str(one["content_url"]),
            )
            for one in attached
        ),
    )


def merge_target(newest_first: Sequence[Mapping[str, Any]]) -> str | None:
    """The ticket that a merged one went into: only its last note says so, in words."""
    for comment in newest_first:
        named = re.search(r"#(\d{1,19})\b", comment.get("plain_body") or comment.get("body") or "")
        if named:
            return named[1]
    return None

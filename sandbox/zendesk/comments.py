"""`GET /api/v2/tickets/{id}/comments`: cursor pages, either order, with authors on request.

Called by `tickets`. Without `page[size]` it pages by number, as the older form of the API does.
"""

from __future__ import annotations

import base64

from flask import request

from sandbox.zendesk import refusals
from sandbox.zendesk.doors import Answer, Call
from sandbox.zendesk.users import shown
from sandbox.zendesk.world import Record

PARAMETERS = frozenset(
    {
        "page[size]",
        "page[after]",
        "sort",
        "include",
        "page",
        "per_page",
        "sort_order",
        "include_inline_images",
    }
)
MOST_PER_PAGE = 100


def list_comments(call: Call, ticket_id: int) -> Answer:
    """One page of a ticket's comments."""
    call.account.ticket(ticket_id)
    for name in request.args:
        if name not in PARAMETERS:
            raise refusals.invalid_attribute(name, "is no parameter of this endpoint")
    comments = list(call.account.comments[str(ticket_id)])
    if "page[size]" in request.args:
        page, body = _by_cursor(call, ticket_id, comments)
    else:
        page, body = _by_number(comments)
    if request.args.get("include") == "users":
        ids = dict.fromkeys(one["author_id"] for one in page)
        users = [call.account.user(one) for one in ids]
        body["users"] = [shown(call, one) for one in users if one is not None]
    return 200, {"comments": page, **body}


def _by_cursor(call: Call, ticket_id: int, comments: list[Record]) -> tuple[list[Record], Record]:
    size = request.args.get("page[size]", type=int)
    if size is None or not 1 <= size <= MOST_PER_PAGE:
        raise refusals.invalid_attribute("page[size]", f"must be 1 to {MOST_PER_PAGE}")
    sort = request.args.get("sort", "created_at")
    if sort not in ("created_at", "-created_at"):
        raise refusals.invalid_attribute("sort", "must be created_at or -created_at")
    backwards = sort.startswith("-")
    comments.sort(key=lambda one: one["id"], reverse=backwards)
    after = request.args.get("page[after]")
    if after is not None:
        last = _read_cursor(after)
        comments = [
            one for one in comments if (one["id"] < last if backwards else one["id"] > last)
        ]
    page = comments[:size]
    more = len(comments) > size
    cursor = _cursor(page[-1]["id"]) if more else None
    link = (
        call.api(f"tickets/{ticket_id}/comments.json")
        + f"?page[size]={size}&page[after]={cursor}&sort={sort}"
        if more
        else None
    )
    return page, {
        "meta": {"has_more": more, "after_cursor": cursor, "before_cursor": None},
        "links": {"next": link, "prev": None},
    }


def _by_number(comments: list[Record]) -> tuple[list[Record], Record]:
    size = min(request.args.get("per_page", MOST_PER_PAGE, type=int), MOST_PER_PAGE)
    number = request.args.get("page", 1, type=int)
    if request.args.get("sort_order") == "desc":
        comments.reverse()
    page = comments[(number - 1) * size : number * size]
    return page, {"next_page": None, "previous_page": None, "count": len(comments)}


def _cursor(comment_id: int) -> str:
    return base64.urlsafe_b64encode(f"after:{comment_id}".encode()).decode().rstrip("=")


def _read_cursor(cursor: str) -> int:
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
        return int(text.removeprefix("after:"))
    except ValueError:
        raise refusals.invalid_attribute("page[after]", "is no cursor") from None

"""RQ doors of the helpdesk room, and what the ticker asks of it.

A disconnected account ends a job quietly: the account itself says so to the merchant, and once it
is connected again `catch_up` and `poll` bring what was missed.
"""

from __future__ import annotations

from contextlib import suppress

from app.helpdesk import flag_urgent as urgency
from app.helpdesk import late_photo
from app.helpdesk import poll as polling
from app.helpdesk import raise_ticket as raising
from app.helpdesk.mirror import bring_up_to_date
from app.helpdesk.needs import Needs
from app.helpdesk.ports import Disconnected, TicketClosed, TicketGone
from app.helpdesk.receive_reply import take_new_comments
from app.helpdesk.report_failure import tell_agents
from app.helpdesk.routing.apply_rules import apply_rules


def mirror(tools: Needs, *, shop_id: int, conversation_id: int) -> None:
    """Bring the conversation's ticket up to date."""
    with suppress(Disconnected):
        bring_up_to_date(tools, shop_id=shop_id, conversation_id=conversation_id)


def import_reply(tools: Needs, *, shop_id: int, link_id: int, comment_id: str | None) -> None:
    """Text what agents wrote in this ticket up to that comment, if one is named, and after it."""
    with suppress(Disconnected):
        take_new_comments(tools, shop_id=shop_id, link_id=link_id, expected=comment_id)


def report_failure(tools: Needs, *, shop_id: int, conversation_id: int, message_id: int) -> None:
    """Tell the agents that a text did not arrive."""
    with suppress(Disconnected):
        tell_agents(tools, shop_id=shop_id, conversation_id=conversation_id, message_id=message_id)


def raise_ticket(
    tools: Needs, *, shop_id: int, conversation_id: int, reason: str, message_id: int,
    promise_id: int | None,
) -> None:  # fmt: skip
    """Give the agents the brief of a thread that was handed off."""
    with suppress(Disconnected):
        raising.raise_ticket(
            tools,
            shop_id=shop_id,
            conversation_id=conversation_id,
            reason=reason,
            message_id=message_id,
            promise_id=promise_id,
        )


def route(tools: Needs, *, shop_id: int, link_id: int) -> None:
    """Send a ticket that was opened where the shop's rules say."""
    with suppress(Disconnected, TicketClosed, TicketGone):
        apply_rules(tools, shop_id=shop_id, link_id=link_id)


def tell_broken(tools: Needs, *, shop_id: int, conversation_id: int, promise_id: int) -> None:
    """Tell the agents that nobody answered in time."""
    with suppress(Disconnected):
        raising.tell_broken(
            tools, shop_id=shop_id, conversation_id=conversation_id, promise_id=promise_id
        )


def flag_urgent(
    tools: Needs, *, shop_id: int, conversation_id: int, message_id: int, kind: str
) -> None:
    """Tell the agents that a buyer wrote of danger."""
    with suppress(Disconnected):
        urgency.flag_urgent(
            tools,
            shop_id=shop_id,
            conversation_id=conversation_id,
            message_id=message_id,
            kind=kind,
        )


def add_late_photo(tools: Needs, *, shop_id: int, media_id: int, write_id: int) -> None:
    """Add a photo to the ticket that was written there as missing."""
    with suppress(Disconnected):
        late_photo.add_late_photo(tools, shop_id=shop_id, media_id=media_id, write_id=write_id)


def poll(tools: Needs, *, shop_id: int, account_id: int) -> None:
    """Look into the account's open tickets; renew its tokens if need be."""
    with suppress(Disconnected):
        polling.poll_account(tools, shop_id=shop_id, account_id=account_id)


def poll_due(tools: Needs) -> int:
    """For the ticker, every 15 s: have accounts polled that have tickets to look into."""
    return polling.enqueue_polls(tools.db, now=tools.clock.now())


def refresh_idle(tools: Needs) -> int:
    """For the ticker, every 5 min: keep the tokens of idle accounts alive."""
    return polling.enqueue_refreshes(tools.db, now=tools.clock.now())

"""A text of ours will not arrive: the agent is told in the ticket, once, with the reason.

Called by the job `helpdesk.report_failure` after `TextEnded`. Agents' replies that vanish without a
word are the complaint heard most about texting from helpdesks, so the ticket is opened again and
tagged, unless the text goes once more by itself. A text whose fate is unknown is given some
look-ups first. Without a ticket there is nobody to tell; the merchant's pages show the text's state
anyway.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa

from app.consent.verdicts import Reason, reason_text
from app.foundation.db import LaterWork, Session
from app.helpdesk.compose import FAILED_TAG, PlannedComment, failure_note, moment
from app.helpdesk.mirror import bring_up_to_date
from app.helpdesk.needs import Needs
from app.helpdesk.notes import write_note
from app.helpdesk.queries import live_link
from app.messaging.models import Message
from app.messaging.retry import MISSED
from app.messaging.states import NOT_ARRIVED
from app.shops.models import Shop

LOOK_UPS = 3
LOOK_UP_PATIENCE = timedelta(minutes=10)
LOOK_AGAIN_SECONDS = 30.0

OTHER_WAY = "Reach the customer another way, by e-mail or phone."
REMEDIES = {
    Reason.OPTED_OUT: "Do not text. The customer can text START to hear from you again; else"
    " use e-mail or phone.",
    Reason.SENDER_PAUSED: "Ask whoever runs Doorstep for your shop to look at the texting account.",
    Reason.SHOP_PAUSED: "Switch texts on again in your Doorstep settings.",
}
OTHER_REASONS = {
    "no_answer": (
        "The texting service did not say whether it took the text.",
        "Do not send it again blindly: ask the customer whether it came.",
    ),
    "provider_busy": ("The texting service was too busy for too long.", "Send the reply again."),
    "carrier": ("The carrier could not deliver the text.", OTHER_WAY),
    "rejected": ("The texting service refused the text.", OTHER_WAY),
    "redacted": (
        "The customer asked to be forgotten.",
        "Do not write to them about this any more.",
    ),
    "expired": ("The text could not leave in time.", "Send it again if it still matters."),
}


def tell_agents(tools: Needs, *, shop_id: int, conversation_id: int, message_id: int) -> None:
    """Write the note, after all texts before it. Raises as `bring_up_to_date` and `write_note`."""
    with tools.db.shop(shop_id) as session:
        message = session.get(Message, message_id)
        if message is None or message.state not in NOT_ARRIVED:
            return
        if _may_still_be_found(message, tools.clock.now()):
            _look_again(session, message)
            return
        if live_link(session, conversation_id) is None:
            return
        once_more = _second_attempt(session, message)
    bring_up_to_date(tools, shop_id=shop_id, conversation_id=conversation_id)
    with tools.db.shop(shop_id) as session:
        link_id = live_link(session, conversation_id)
    if link_id is None:
        return
    write_note(
        tools,
        shop_id=shop_id,
        link_id=link_id,
        key=f"failed:{message_id}",
        note=_note(tools, message, once_more),
        tags=() if once_more else (FAILED_TAG,),
        reopen=once_more is None,
    )


def _note(tools: Needs, message: Message, once_more: str | None) -> PlannedComment:
    cause, remedy = explain(tools, message)
    if once_more:
        remedy = f"Nothing for now: it will be tried once more, {once_more} or soon after."
    elif message.retry_of is not None and message.state in MISSED:
        cause = f"{cause} It was tried twice."
    return failure_note(message, cause, remedy)


def _second_attempt(session: Session, message: Message) -> str | None:
    """When this text goes once more, in the shop's time; None if it does not."""
    row = session.execute(
        sa.select(Message.not_before, Shop.timezone)
        .join(Shop, Shop.id == Message.shop_id)
        .where(Message.retry_of == message.id, Message.state == "queued")
    ).one_or_none()
    if row is None or row.not_before is None:
        return None
    return moment(row.not_before, row.timezone)


def explain(tools: Needs, message: Message) -> tuple[str, str]:
    """Cause and remedy, in plain words: the provider's code says most, then our own reason."""
    if message.error_code:
        return tools.explain_code(message.error_code)
    reason = message.reason or ""
    if reason in OTHER_REASONS:
        return OTHER_REASONS[reason]
    try:
        known = Reason(reason)
    except ValueError:
        return f"The text was {message.state} ({reason.replace('_', ' ')}).", OTHER_WAY
    return reason_text(known), REMEDIES.get(known, OTHER_WAY)


def _may_still_be_found(message: Message, now: datetime) -> bool:
    return (
        message.state == "unknown"
        and message.look_up_at is not None
        and message.looked_up < LOOK_UPS
        and now - message.created_at < LOOK_UP_PATIENCE
    )


def _look_again(session: Session, message: Message) -> None:
    # Without an ordering key: what the buyer writes meanwhile must not wait behind this.
    session.later(
        LaterWork(
            shop_id=message.shop_id,
            topic="helpdesk.report_failure",
            queue="sync",
            payload={"conversation_id": message.conversation_id, "message_id": message.id},
            delay_seconds=LOOK_AGAIN_SECONDS,
        )
    )

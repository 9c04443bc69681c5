"""Private notes about privacy, for the people who hold the other copies.

Called by `privacy.jobs`. A helpdesk's ticket holds a mirror of the thread, and closed ones take no
more comments from us, so what is to be removed there is asked of agents: by a note and the tag
`doorstep_privacy_erase`, on which the merchant may build a view or a trigger. Zendesk can redact
comments by its API; that needs rights which we do not ask for (ADR 0022).
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from app.conversations.models import Conversation
from app.foundation.db import LaterWork, Session
from app.helpdesk.compose import PlannedComment, moment
from app.helpdesk.mirror import bring_up_to_date
from app.helpdesk.models import TicketLink
from app.helpdesk.needs import Needs
from app.helpdesk.notes import write_note
from app.helpdesk.ports import Author
from app.helpdesk.queries import live_link
from app.privacy.models import PrivacyRequest
from app.shops.models import Shop

ERASE_TAG = "doorstep_privacy_erase"
REQUEST_TAG = "doorstep_privacy_request"


def note_request(tools: Needs, *, shop_id: int, request_id: int) -> None:
    """What this buyer asked for and what is to be done, in their open ticket; once for each state.

    Raises as `bring_up_to_date` and `write_note`.
    """
    with tools.db.shop(shop_id) as session:
        request = session.get_one(PrivacyRequest, request_id)
        zone = session.get_one(Shop, shop_id).timezone
        conversation_ids = conversations_of(session, request.contact_ids)
    for conversation_id in conversation_ids:
        bring_up_to_date(tools, shop_id=shop_id, conversation_id=conversation_id)
        with tools.db.shop(shop_id) as session:
            link_id = live_link(session, conversation_id)
        if link_id is not None:
            write_note(
                tools,
                shop_id=shop_id,
                link_id=link_id,
                key=f"privacy:{request.id}:{'confirmed' if request.act_at else 'asked'}",
                note=_note(words_of(request, zone)),
                tags=(REQUEST_TAG,),
                reopen=True,
            )


def words_of(request: PrivacyRequest, zone: str) -> tuple[str, ...]:
    due = moment(request.due_at, zone)
    where = f"request {request.id} of Doorstep's privacy requests"
    if request.kind == "export":
        return (
            "This customer asked which data you hold about them.",
            f"What Doorstep holds is being put together: an owner or admin finds it as {where}."
            f" It must be with the customer by {due}, together with what you hold elsewhere.",
        )
    if request.act_at is None:
        return (
            "This customer asked to have their data deleted.",
            "Doorstep asked them to confirm it by text, and does the rest itself once they do. If"
            f" they do not, an owner or admin decides about {where} by {due}.",
        )
    return (
        "This customer confirmed that their data is to be deleted.",
        f"Doorstep deletes their texts, photos and details on {moment(request.act_at, zone)} and"
        " texts them no more. If you need them for a dispute, have an owner or admin take an"
        " export before then.",
    )


def ask_to_erase_later(session: Session, *, shop_id: int, contact_ids: Sequence[int]) -> list[str]:
    """Called by the erasing transaction. Which tickets still hold something of these buyers.

    The note's key names what the ticket held by then: an erasure that runs twice asks once, one
    after later texts asks again.
    """
    tickets = []
    for conversation_id in conversations_of(session, contact_ids):
        links = session.scalars(
            sa.select(TicketLink)
            .where(TicketLink.conversation_id == conversation_id)
            .order_by(TicketLink.id)
        ).all()
        held = [link for link in links if link.ticket_id]
        tickets += [link.ticket_id for link in held if link.ticket_id]
        if any(link.state in ("open", "solved") for link in held):
            session.later(
                LaterWork(
                    shop_id=shop_id,
                    topic="privacy.ask_to_erase",
                    queue="sync",
                    payload={
                        "conversation_id": conversation_id,
                        "upto": max(link.mirrored_to for link in held),
                    },
                )
            )
    return tickets


def ask_to_erase(tools: Needs, *, shop_id: int, conversation_id: int, upto: int) -> None:
    """The note itself. Raises as `write_note`."""
    with tools.db.shop(shop_id) as session:
        link_id = live_link(session, conversation_id)
        older = session.scalars(
            sa.select(TicketLink.ticket_id)
            .where(TicketLink.conversation_id == conversation_id, TicketLink.id != link_id)
            .where(TicketLink.ticket_id.is_not(None), TicketLink.state != "gone")
            .order_by(TicketLink.id)
        ).all()
    if link_id is None:
        return
    also = f" Older tickets about them: {', '.join(str(one) for one in older)}." if older else ""
    write_note(
        tools,
        shop_id=shop_id,
        link_id=link_id,
        key=f"privacy_erase:{upto}",
        note=_note(
            (
                "This customer's data was deleted in Doorstep at their request.",
                "This ticket still holds their words and photos. Please remove them here too:"
                f" redact the comments and files, or delete the ticket and the customer.{also}",
            )
        ),
        tags=(ERASE_TAG,),
        reopen=True,
    )


def conversations_of(session: Session, contact_ids: Sequence[int]) -> Sequence[int]:
    return session.scalars(
        sa.select(Conversation.id)
        .where(Conversation.contact_id.in_(contact_ids))
        .order_by(Conversation.id)
    ).all()


def _note(said: tuple[str, ...]) -> PlannedComment:
    return PlannedComment(Author.SYSTEM, (f"Doorstep: {said[0]}", *said[1:]), public=False)

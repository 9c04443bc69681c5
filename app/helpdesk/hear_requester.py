"""A buyer asks for no more texts in the ticket itself, by e-mail: as good as STOP.

Called by `receive_reply` for public comments that neither staff nor we wrote. A revocation by any
reasonable means counts (47 CFR 64.1200(a)(10)). Only a plain request is taken for one: to an
ambiguous one the agents answer, who read the comment anyway. Whoever else is on the ticket may ask
in the buyer's name; a text too few harms nobody.
"""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from app.consent.record import Evidence, record_revocation
from app.consent.sources import Source
from app.contacts.models import Contact
from app.conversations.models import Conversation
from app.foundation import audit
from app.foundation.db import Session
from app.helpdesk.ports import ReadComment
from app.helpdesk.reply_text import Unsendable, as_text
from app.understanding.opt_out import Verdict
from app.understanding.understand import understand

LONGEST = 1000  # characters; a request for silence is no letter


def wants_no_more_texts(comment: ReadComment) -> bool:
    try:
        said = as_text(comment.text, has_photos=False)  # quoted mail has our own "Reply STOP" in it
    except Unsendable:
        return False
    return len(said) <= LONGEST and understand(said).opt_out.verdict is Verdict.YES


def opt_out(
    session: Session, *, now: datetime, conversation_id: int, kind: str, comment: ReadComment
) -> bool:
    """Record it, once. False if that was done before."""
    shop_id, phone = session.execute(
        sa.select(Contact.shop_id, Contact.phone)
        .join(Conversation, Conversation.contact_id == Contact.id)
        .where(Conversation.id == conversation_id)
    ).one()
    row_id = record_revocation(
        session,
        now=now,
        shop_id=shop_id,
        evidence=Evidence(
            phone=phone,
            purpose="all",
            source=Source.HELPDESK,
            occurred_at=comment.created_at,
            detail={"comment": f"{kind}:{comment.comment_id}"},
        ),
    )
    if row_id is None:
        return False
    audit.record(
        session,
        now=now,
        shop_id=shop_id,
        actor=f"helpdesk:{kind}",
        action="consent.opted_out_in_ticket",
        subject=f"consent:{row_id}",
    )
    return True

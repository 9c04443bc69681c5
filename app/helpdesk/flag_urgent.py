"""A buyer wrote of danger: the ticket says so at once, in a private note and by a tag.

Called by the job `helpdesk.flag_urgent` after `CrisisSeen`. The tag is what a merchant's trigger
pages somebody by. The buyer has been told whom to call; what only a person can do is left to one.
"""

from __future__ import annotations

from collections.abc import Mapping

from app.helpdesk.compose import PlannedComment
from app.helpdesk.mirror import bring_up_to_date
from app.helpdesk.needs import Needs
from app.helpdesk.notes import write_note
from app.helpdesk.ports import Author
from app.helpdesk.queries import live_link
from app.helpdesk.raise_ticket import route_again

URGENT_TAG = "doorstep_urgent"
WHAT: Mapping[str, str] = {
    "self_harm": "may be thinking of harming themselves",
    "violence": "may be in danger from somebody, or a danger to somebody",
    "medical": "may need a doctor now",
}


def flag_urgent(
    tools: Needs, *, shop_id: int, conversation_id: int, message_id: int, kind: str
) -> None:
    """Once per text. Raises as `bring_up_to_date` and `write_note`."""
    bring_up_to_date(tools, shop_id=shop_id, conversation_id=conversation_id)
    with tools.db.shop(shop_id) as session:
        link_id = live_link(session, conversation_id)
    if link_id is None:
        return
    route_again(tools, shop_id=shop_id, link_id=link_id)
    note = PlannedComment(
        Author.SYSTEM,
        (
            f"URGENT: by their words this buyer {WHAT[kind]}. Please read the text and act now.",
            "They were sent a help line's number. No automatic text follows.",
        ),
        public=False,
    )
    write_note(
        tools,
        shop_id=shop_id,
        link_id=link_id,
        key=f"urgent:{message_id}",
        note=note,
        tags=(URGENT_TAG,),
        reopen=True,
    )

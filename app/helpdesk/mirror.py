"""Bring the ticket of a conversation up to date: every text, once, in order, by its author.

Called by the job `helpdesk.mirror` whenever a text joins a thread, and by `report_failure`. The
loop is: plan in a transaction (`plan`), call the helpdesk and settle in another one (`writing`). It
may be killed between any two lines, and run twice at once.
"""

from __future__ import annotations

from typing import assert_never

from app.foundation.outbox import Postponed
from app.helpdesk.locks import lock_thread
from app.helpdesk.needs import Needs
from app.helpdesk.plan import Import, Open, Recover, SetState, Step, Wait, Write, plan_next
from app.helpdesk.writing import (
    Settle,
    import_ticket,
    open_ticket,
    recover,
    set_state,
    write_comment,
)

STEPS = 8  # in one job, so that it ends well within its lease


def bring_up_to_date(tools: Needs, *, shop_id: int, conversation_id: int) -> None:
    """Write all that is missing. Raises Postponed when more is to come later, Disconnected,
    Temporary, Permanent. Without a connected account there is nothing to do."""
    for _ in range(STEPS):
        with tools.db.shop(shop_id) as session:
            now = tools.clock.now()
            step = plan_next(session, now=now, keys=tools.keys, conversation_id=conversation_id)
        if step is None:
            return
        settle = _carry_out(tools, step)
        with tools.db.shop(shop_id) as session:
            lock_thread(session, conversation_id)  # so that nobody plans on half of this
            is_written = settle(session, tools.clock.now())
        if is_written and isinstance(step, Open | Import | Write) and step.is_last:
            return  # what has come meanwhile has a job of its own
    raise Postponed(0.1, "more texts wait for this ticket")


def _carry_out(tools: Needs, step: Step) -> Settle:
    match step:
        case Wait():
            raise Postponed(step.seconds, step.why)
        case Recover():
            return recover(tools, step.at)
        case Open():
            return open_ticket(tools, step)
        case Import():
            return import_ticket(tools, step)
        case Write():
            return write_comment(tools, step)
        case SetState():
            return set_state(tools, step)
        case _:
            assert_never(step)

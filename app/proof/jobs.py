"""What the ticker asks of the proof: seal what is new, and write the heads down elsewhere."""

from __future__ import annotations

from datetime import datetime

import structlog

from app.foundation.jobs import Tools
from app.proof.anchor import note_anchored, unanchored
from app.proof.ports import Needs
from app.proof.seal import due_shops, seal_shop

log = structlog.get_logger()


def seal_all(tools: Tools, *, now: datetime) -> int:
    """Every shop with new rows, a transaction for each; returns how many rows were sealed."""
    with tools.db.across_shops("ticker: ledgers with rows to seal") as session:
        shops = due_shops(session)
    sealed = 0
    for shop_id in shops:
        with tools.db.shop(shop_id) as session:
            sealed += seal_shop(session, now=now, shop_id=shop_id, keys=tools.keys)
    return sealed


def anchor_all(tools: Needs, *, now: datetime) -> int:
    """Write the heads that moved to the anchors and to the log; returns how many.

    Two tickers may both write the same head, which does no harm.
    """
    with tools.db.across_shops("ticker: heads of all chains") as session:
        anchors = unanchored(session, now=now)
    tools.anchors.add(anchors)
    for anchor in anchors:
        log.info("chain anchored", shop_id=anchor.shop_id, number=anchor.number, head=anchor.hash)
    with tools.db.across_shops("ticker: heads of all chains") as session:
        note_anchored(session, anchors=anchors)
    return len(anchors)

"""What shows, without us, that rows are in the chain: their forms, paths, seals and anchors.

Called by `packet`. For each row: the exact text that was hashed, the row's own key, and the path
through the seal's tree. For the seals: all links from each row's seal to the next head that was
written down elsewhere. `scripts/check_packet.py` follows them with nothing but a Python.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC
from typing import Any

import sqlalchemy as sa

from app.foundation.db import Session
from app.proof.ledgers import LEDGERS, form_of, row_key, split_digests
from app.proof.models import AuditSeal
from app.proof.ports import Anchor
from app.proof.tree import path_of

# The seal that took a row is the first whose bound lies behind the row's transaction.
COVERING = """
SELECT number, row_ids, digests FROM audit_seals
WHERE shop_id = %(shop)s AND ledger = %(ledger)s AND row_ids @> ARRAY[%(row)s]::bigint[]
  AND below = (SELECT min(below) FROM audit_seals
               WHERE shop_id = %(shop)s AND ledger = %(ledger)s AND below > %(xid)s)
"""


@dataclass
class Proof:
    """Collected while the packet is put together."""

    session: Session
    shop_id: int
    secret: bytes = field(repr=False)
    rows: list[dict[str, Any]] = field(default_factory=list)
    seals: set[int] = field(default_factory=set)

    def add(self, ledger_name: str, row_ids: Sequence[int]) -> dict[int, int | None]:
        """Prove these rows; returns the number of the seal that holds each, None if none yet."""
        ledger = LEDGERS[ledger_name]
        held: dict[int, int | None] = {}
        found = self.session.sql(
            f"SELECT {ledger.listed} FROM {ledger.name} WHERE id = ANY(%s) ORDER BY id",
            list(row_ids),
        ).all()
        for row in found:
            key = row_key(self.secret, ledger.name, row.id)
            seal = self.session.sql(
                COVERING,
                {"shop": self.shop_id, "ledger": ledger.name, "row": row.id, "xid": row.xid},
            ).one_or_none()
            held[row.id] = seal.number if seal else None
            proven: dict[str, Any] = {
                "ledger": ledger.name,
                "row": row.id,
                "key": key.hex(),
                "form": form_of(ledger, key, row),
            }
            if seal:
                at = seal.row_ids.index(row.id)
                proven["seal"] = seal.number
                proven["path"] = path_of(split_digests(bytes(seal.digests)), at)
                self.seals.add(seal.number)
            self.rows.append(proven)
        return held

    def chain(self, anchors: Sequence[Anchor]) -> dict[str, Any]:
        """The links from the seals of all rows to the next anchored heads."""
        numbers: set[int] = set()
        used: dict[int, Anchor] = {}
        head = self.session.scalar(sa.select(sa.func.max(AuditSeal.number))) or 0
        for number in sorted(self.seals):
            anchor = next((a for a in anchors if a.number >= number), None)
            if anchor is not None:
                used[anchor.number] = anchor
            numbers.update(range(number, (anchor.number if anchor else head) + 1))
        links = self.session.scalars(
            sa.select(AuditSeal).where(AuditSeal.number.in_(numbers)).order_by(AuditSeal.number)
        )
        return {
            "seals": [
                {
                    "shop": seal.shop_id,
                    "number": seal.number,
                    "ledger": seal.ledger,
                    "rows": len(seal.row_ids),
                    "root": seal.root,
                    "sealed_at": seal.sealed_at.astimezone(UTC).isoformat(),
                    "previous": seal.previous,
                    "hash": seal.hash,
                }
                for seal in links
            ],
            "anchors": [
                {"at": a.at.astimezone(UTC).isoformat(), "number": a.number, "hash": a.hash}
                for a in used.values()
            ],
            "rows": self.rows,
        }

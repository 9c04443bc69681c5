"""Does every sealed row still say what it said? Read only; stops at a shop's first break.

Called by `doorstep audit verify`. What is compared, seal by seal:
the chain (numbers without a gap, each seal names the hash of the one before, each hash fits its
seal), the tree (the digests give the root), the rows (each gives its digest), the texts (their
words give the keyed hash that was sealed, unless they were removed), rows that no seal holds
though their time is past, and the anchors: a head once written down elsewhere must still be there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from app.foundation.audit import TEXT_MASKED, AuditEntry
from app.foundation.db import Database, Session
from app.messaging.models import Message
from app.privacy.redact import REDACTED
from app.proof.ledgers import (
    LEDGERS,
    Ledger,
    Link,
    digest_of,
    hash_words,
    row_key,
    split_digests,
)
from app.proof.models import AuditChain, AuditSeal
from app.proof.ports import Anchors
from app.proof.tree import root_of

SEALS_AT_ONCE = 20
TOLD_BY_TEXTS = ("direction", "author", "written_by", "purpose", "order_id", "created_at")

# A row whose transaction was over when its time was sealed, yet no seal holds it.
SLIPPED_IN = """
WITH sealed AS (
  SELECT unnest(row_ids) AS id FROM audit_seals WHERE shop_id = %s AND ledger = %s)
SELECT min(r.id) FROM {ledger} r
WHERE r.shop_id = %s AND r.xid < %s AND NOT EXISTS (SELECT FROM sealed WHERE sealed.id = r.id)
"""


@dataclass(frozen=True)
class Break:
    """The first thing that is not as it was. `what` is a stable code, `text` is for people."""

    what: str
    text: str
    ledger: str | None = None
    row_id: int | None = None
    seal: int | None = None


@dataclass
class Checked:
    """What was looked at in one shop, and what was found."""

    shop_id: int
    seals: int = 0
    rows: Counter[str] = field(default_factory=Counter)
    texts: int = 0
    texts_removed: int = 0
    anchors: int = 0
    broken: Break | None = None


class Broken(Exception):
    def __init__(self, found: Break) -> None:
        super().__init__(found.text)
        self.found = found


def count_seals(session: Session, *, since: datetime | None) -> dict[int, int]:
    """Shop -> how many seals there are to verify. Works across shops."""
    chosen = sa.select(AuditSeal.shop_id, sa.func.count()).group_by(AuditSeal.shop_id)
    if since is not None:
        chosen = chosen.where(AuditSeal.sealed_at >= since)
    counted = {row[0]: row[1] for row in session.execute(chosen)}
    for shop_id in session.scalars(sa.select(AuditChain.shop_id)):
        counted.setdefault(shop_id, 0)
    return dict(sorted(counted.items()))


def verify_shop(
    db: Database,
    *,
    shop_id: int,
    decrypt: Callable[[str], str],
    anchors: Anchors,
    since: datetime | None,
    progress: Callable[[int], None],
) -> Checked:
    """Check one shop's chain as it stands now; `progress` is told of each number of seals."""
    checked = Checked(shop_id)
    try:
        _Walk(db, checked, decrypt, since, progress).run(anchors)
    except Broken as broken:
        checked.broken = broken.found
    return checked


class _Walk:
    def __init__(
        self,
        db: Database,
        checked: Checked,
        decrypt: Callable[[str], str],
        since: datetime | None,
        progress: Callable[[int], None],
    ) -> None:
        self._db, self._checked, self._shop_id = db, checked, checked.shop_id
        self._since, self._progress = since, progress
        with db.shop(self._shop_id) as session:
            chain = session.get(AuditChain, self._shop_id)
            seals = session.scalar(sa.select(sa.func.count()).select_from(AuditSeal))
        if chain is None and seals:
            raise Broken(Break("chain_removed", "there are seals, and the chain's row is gone"))
        self._chain = chain or AuditChain(number=0, head="", sealed_below=0)
        self._secret = bytes.fromhex(decrypt(chain.secret)) if chain else b""
        self._hashes: dict[int, str] = {}

    def run(self, anchors: Anchors) -> None:
        number, previous = self._begin()
        while True:
            with self._db.shop(self._shop_id) as session:
                seals = session.scalars(
                    sa.select(AuditSeal)
                    .where(AuditSeal.shop_id == self._shop_id, AuditSeal.number > number)
                    .where(AuditSeal.number <= self._chain.number)
                    .order_by(AuditSeal.number)
                    .limit(SEALS_AT_ONCE)
                ).all()
                for seal in seals:
                    self._link(seal, number, previous)
                    self._rows(session, seal)
                    number, previous = seal.number, seal.hash
                    self._hashes[number] = previous
                    self._checked.seals += 1
            if not seals:
                break
            self._progress(len(seals))
        self._end(number, previous)
        self._anchors(anchors, number)
        self._nothing_slipped_in()

    def _begin(self) -> tuple[int, str]:
        """The number and hash before the first seal to check; both are believed."""
        if self._since is None:
            return 0, ""
        with self._db.shop(self._shop_id) as session:
            before = session.scalars(
                sa.select(AuditSeal)
                .where(AuditSeal.shop_id == self._shop_id, AuditSeal.sealed_at < self._since)
                .order_by(AuditSeal.number.desc())
                .limit(1)
            ).one_or_none()
        return (before.number, before.hash) if before else (0, "")

    def _link(self, seal: AuditSeal, number: int, previous: str) -> None:
        if seal.number != number + 1:
            raise Broken(Break("seal_removed", f"seal {number + 1} is missing", seal=number + 1))
        if seal.previous != previous:
            raise Broken(
                Break(
                    "chain_broken",
                    f"seal {seal.number} does not name the hash of the seal before it",
                    seal=seal.number,
                )
            )
        digests = split_digests(seal.digests)
        link = Link(
            shop_id=seal.shop_id,
            number=seal.number,
            ledger=seal.ledger,
            rows=len(seal.row_ids),
            root=root_of(digests),
            sealed_at=seal.sealed_at,
            previous=previous,
        )
        whole = (link.root, len(digests)) == (seal.root, link.rows)
        if not whole or link.hash != seal.hash or seal.ledger not in LEDGERS:
            raise Broken(
                Break(
                    "seal_changed",
                    f"seal {seal.number} is not what it was: its hash does not fit it",
                    ledger=seal.ledger,
                    seal=seal.number,
                )
            )

    def _rows(self, session: Session, seal: AuditSeal) -> None:
        ledger = LEDGERS[seal.ledger]
        found = {
            row.id: row
            for row in session.sql(
                f"SELECT {ledger.listed} FROM {ledger.name} WHERE id = ANY(%s)",
                seal.row_ids,
            )
        }
        for row_id, digest in zip(seal.row_ids, split_digests(seal.digests), strict=True):
            row = found.get(row_id)
            if row is None:
                raise Broken(self._about(seal, ledger, row_id, "row_removed", "was removed"))
            if digest_of(ledger, row_key(self._secret, ledger.name, row_id), row) != digest:
                raise Broken(self._about(seal, ledger, row_id, "row_changed", "was changed"))
        self._checked.rows[ledger.name] += len(seal.row_ids)
        if ledger.name == "text_records":
            self._texts(session, list(found.values()))

    def _about(
        self, seal: AuditSeal, ledger: Ledger, row_id: int, what: str, happened: str
    ) -> Break:
        return Break(
            what,
            f"row {row_id} of {ledger.name} {happened} after seal {seal.number}"
            f" ({seal.sealed_at:%Y-%m-%d %H:%M:%S} UTC)",
            ledger=ledger.name,
            row_id=row_id,
            seal=seal.number,
        )

    def _texts(self, session: Session, records: Sequence[Any]) -> None:
        """A text that is still there must be the one that was recorded."""
        texts = {
            text.id: text
            for text in session.scalars(
                sa.select(Message).where(Message.id.in_([r.message_id for r in records]))
            )
        }
        for record in records:
            text = texts.get(record.message_id)
            if text is None or text.body == REDACTED:
                self._checked.texts_removed += 1
                continue
            same = all(getattr(text, name) == getattr(record, name) for name in TOLD_BY_TEXTS)
            said = same and hash_words(self._secret, text.id, text.body) == record.words
            if not said and not (same and self._was_masked(session, text.id)):
                raise Broken(
                    Break(
                        "text_changed",
                        f"text {text.id} in messages is not the one that was recorded",
                        ledger="messages",
                        row_id=text.id,
                    )
                )
            self._checked.texts += 1

    def _was_masked(self, session: Session, message_id: int) -> bool:
        """Whether the audit list, which is sealed too, says that a secret was taken out of it."""
        return bool(
            session.scalar(
                sa.select(
                    sa.exists().where(
                        AuditEntry.shop_id == self._chain.shop_id,
                        AuditEntry.action == TEXT_MASKED,
                        AuditEntry.subject == f"message:{message_id}",
                    )
                )
            )
        )

    def _end(self, number: int, head: str) -> None:
        if (number, head) != (self._chain.number, self._chain.head):
            raise Broken(
                Break(
                    "tail_cut",
                    f"the chain has {self._chain.number} seals, the last of which is missing;"
                    f" found are {number}",
                    seal=number + 1,
                )
            )

    def _anchors(self, anchors: Anchors, last: int) -> None:
        first = min(self._hashes, default=last + 1)
        for anchor in anchors.of_shop(self._shop_id):
            if anchor.number < first:
                continue
            when = f"the anchor of {anchor.at:%Y-%m-%d %H:%M} UTC"
            if anchor.number > last:
                raise Broken(
                    Break(
                        "tail_cut",
                        f"{when} names seal {anchor.number}; the chain ends at {last}",
                        seal=anchor.number,
                    )
                )
            if self._hashes[anchor.number] != anchor.hash:
                raise Broken(
                    Break(
                        "chain_rewritten",
                        f"{when} names another hash for seal {anchor.number}",
                        seal=anchor.number,
                    )
                )
            self._checked.anchors += 1

    def _nothing_slipped_in(self) -> None:
        for name in LEDGERS:
            with self._db.shop(self._shop_id) as session:
                row_id = session.sql(
                    SLIPPED_IN.format(ledger=name),
                    self._shop_id,
                    name,
                    self._shop_id,
                    self._chain.sealed_below,
                ).scalar()
            if row_id is not None:
                raise Broken(
                    Break(
                        "row_slipped_in",
                        f"row {row_id} of {name} came in behind a seal",
                        ledger=name,
                        row_id=row_id,
                    )
                )

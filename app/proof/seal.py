"""New rows of the ledgers are hashed into their shop's chain, some seconds after they were written.

Called by `jobs.seal_all` (the ticker) and before a proof packet is made. Whoever writes a ledger
pays nothing for it: a row only remembers the transaction that wrote it. A seal takes the rows of
all transactions that are over, and none of one that may still commit, so no row can come in
behind it, however late its transaction ends. The text ledger is written here too: a text's words
are hashed with a key that the database does not have in the clear.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
import structlog
from sqlalchemy.dialects.postgresql import insert

from app.foundation.crypto import KeyRing
from app.foundation.db import Session
from app.proof.ledgers import LEDGERS, Ledger, Link, digest_of, hash_words, row_key
from app.proof.models import AuditChain, AuditSeal, TextRecord
from app.proof.tree import root_of

log = structlog.get_logger()

ROWS_PER_SEAL = 4096

# Every transaction before this one is over: its rows are there, or never will be.
HORIZON = "SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint"

DUE = f"""
WITH horizon AS MATERIALIZED ({HORIZON} AS xid)
SELECT s.id FROM shops s LEFT JOIN audit_chains c ON c.shop_id = s.id, horizon
WHERE {
    " OR ".join(
        f"EXISTS (SELECT FROM {table} r WHERE r.shop_id = s.id"
        " AND r.xid >= coalesce(c.sealed_below, 0) AND r.xid < horizon.xid)"
        for table in (*LEDGERS, "messages")
    )
}
ORDER BY s.id
"""

NEW_TEXTS = """
SELECT m.xid, m.id, m.direction, m.author, m.written_by, m.purpose, m.order_id, m.body,
  m.created_at, (SELECT count(*) FROM media p WHERE p.message_id = m.id) AS photos
FROM messages m
WHERE m.shop_id = %s AND (m.xid, m.id) > (%s, %s) AND m.xid < %s
ORDER BY m.xid, m.id LIMIT %s
"""


def due_shops(session: Session) -> list[int]:
    """Shops with something that no seal holds yet. Works across shops."""
    return [row.id for row in session.sql(DUE)]


def seal_shop(session: Session, *, now: datetime, shop_id: int, keys: KeyRing) -> int:
    """Seal what is new of one shop; returns how many rows. 0 too if another is at it."""
    chain = take_chain(session, shop_id=shop_id, keys=keys)
    if chain is None:
        return 0
    horizon: int = session.sql(HORIZON).scalar_one()
    if horizon < chain.sealed_below:
        # Restored from a dump: transactions are counted anew, see docs/operations.md.
        log.error("transactions are counted anew, nothing is sealed", shop_id=shop_id)
        return 0
    secret = bytes.fromhex(keys.decrypt(chain.secret))
    _record_texts(session, now=now, chain=chain, horizon=horizon, secret=secret)
    sealed = 0
    for ledger in LEDGERS.values():
        for rows in _new_rows(session, ledger, chain, horizon):
            _add_seal(
                session,
                now=now,
                chain=chain,
                ledger=ledger,
                rows=rows,
                below=horizon,
                secret=secret,
            )
            sealed += len(rows)
    chain.sealed_below = horizon
    return sealed


def take_chain(session: Session, *, shop_id: int, keys: KeyRing) -> AuditChain | None:
    """The shop's chain, locked, begun if there is none. None while another ticker holds it."""
    chosen = (
        sa.select(AuditChain).where(AuditChain.shop_id == shop_id).with_for_update(skip_locked=True)
    )
    chain = session.scalars(chosen).one_or_none()
    if chain is None:
        session.execute(
            insert(AuditChain)
            .values(shop_id=shop_id, secret=keys.encrypt(secrets.token_hex(32)))
            .on_conflict_do_nothing()
        )
        chain = session.scalars(chosen).one_or_none()
    return chain


def _record_texts(
    session: Session, *, now: datetime, chain: AuditChain, horizon: int, secret: bytes
) -> None:
    """These records are sealed next time, as rows of this transaction."""
    last = (chain.sealed_below, 0)
    while True:
        texts = session.sql(NEW_TEXTS, chain.shop_id, *last, horizon, ROWS_PER_SEAL).all()
        if not texts:
            return
        session.execute(
            insert(TextRecord).on_conflict_do_nothing(index_elements=["message_id"]),
            [
                {
                    "shop_id": chain.shop_id,
                    "message_id": text.id,
                    "direction": text.direction,
                    "author": text.author,
                    "written_by": text.written_by,
                    "purpose": text.purpose,
                    "order_id": text.order_id,
                    "words": hash_words(secret, text.id, text.body),
                    "photos": text.photos,
                    "created_at": text.created_at,
                    "recorded_at": now,
                }
                for text in texts
            ],
        )
        last = (texts[-1].xid, texts[-1].id)


def _new_rows(
    session: Session, ledger: Ledger, chain: AuditChain, horizon: int
) -> Iterator[Sequence[Any]]:
    last = (chain.sealed_below, 0)
    while True:
        rows = session.sql(
            f"SELECT {ledger.listed} FROM {ledger.name}"
            " WHERE shop_id = %s AND (xid, id) > (%s, %s) AND xid < %s"
            " ORDER BY xid, id LIMIT %s",
            chain.shop_id,
            *last,
            horizon,
            ROWS_PER_SEAL,
        ).all()
        if not rows:
            return
        yield rows
        last = (rows[-1].xid, rows[-1].id)


def _add_seal(
    session: Session,
    *,
    now: datetime,
    chain: AuditChain,
    ledger: Ledger,
    rows: Sequence[Any],
    below: int,
    secret: bytes,
) -> None:
    digests = [digest_of(ledger, row_key(secret, ledger.name, row.id), row) for row in rows]
    link = Link(
        shop_id=chain.shop_id,
        number=chain.number + 1,
        ledger=ledger.name,
        rows=len(rows),
        root=root_of(digests),
        sealed_at=now,
        previous=chain.head,
    )
    session.add(
        AuditSeal(
            shop_id=link.shop_id,
            number=link.number,
            ledger=link.ledger,
            below=below,
            row_ids=[row.id for row in rows],
            digests=b"".join(digests),
            root=link.root,
            previous=link.previous,
            hash=link.hash,
            sealed_at=now,
        )
    )
    chain.number, chain.head = link.number, link.hash

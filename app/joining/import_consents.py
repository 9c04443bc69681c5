"""Consents collected elsewhere enter the ledger, with their evidence, or are refused one by one.

Called by the operator's command. Bounded memory and short transactions: batch after batch, so a
stop half-way leaves whole batches, and the same file again adds only the rest (a row's proof is a
hash over its facts). An opt-out is never undone: neither one in force, nor one that came after the
consent that a line tells of, even if the buyer came back since, for that opt-out voided it.
"""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from app.consent.record import Evidence, covers_assistant, proof_of
from app.consent.sources import BUYERS_OWN_ACT
from app.foundation import audit
from app.foundation.db import Database, Session
from app.joining.consents_file import ConsentsFile, Line, RefusedLine

BATCH = 1000

OPT_OUTS = """
SELECT phone, max(occurred_at) FILTER (WHERE action = 'revoked') AS out_at,
  max(id) FILTER (WHERE action = 'revoked') AS out_id,
  max(id) FILTER (WHERE action = 'granted' AND source = ANY(%s)) AS back_id
FROM consent_events WHERE shop_id = %s AND phone = ANY(%s)
GROUP BY phone HAVING count(*) FILTER (WHERE action = 'revoked') > 0
"""

KNOWN = "SELECT proof FROM consent_events WHERE shop_id = %s AND proof = ANY(%s)"

ADD = """
INSERT INTO consent_events (shop_id, phone, purpose, action, source, wording, covers_assistant,
                            evidence, proof, occurred_at)
SELECT %(shop)s, r.phone, r.purpose, 'granted', 'import', r.wording, r.covers, r.evidence, r.proof,
       r.at
FROM jsonb_to_recordset(%(rows)s::jsonb) AS r (
  phone text, purpose text, wording text, covers boolean, evidence jsonb, proof text,
  at timestamptz)
ON CONFLICT (shop_id, proof) DO NOTHING
"""

NAME = """
INSERT INTO contacts (shop_id, phone, first_name)
SELECT DISTINCT ON (r.phone) %(shop)s::bigint, r.phone, r.name
FROM jsonb_to_recordset(%(rows)s::jsonb) AS r (phone text, name text)
ORDER BY r.phone
ON CONFLICT (shop_id, phone) DO UPDATE
  SET first_name = coalesce(contacts.first_name, excluded.first_name)
"""


@dataclass
class Summary:
    added: int = 0
    known: int = 0  # recorded before, by this file or another way
    refused: Counter[str] = field(default_factory=Counter)

    @property
    def lines(self) -> int:
        return self.added + self.known + self.refused.total()


def import_consents(
    db: Database,
    *,
    now: datetime,
    shop_id: int,
    actor: str,
    file: ConsentsFile,
    refuse: Callable[[RefusedLine], None],
    progress: Callable[[int], None],
    dry_run: bool,
) -> Summary:
    """`refuse` is told each refused line, `progress` the number of lines that are through."""
    summary = Summary()
    try:
        for batch in _batches(file.read(now=now)):
            good = [line for line in batch if isinstance(line, Line)]
            refused = [line for line in batch if isinstance(line, RefusedLine)]
            with db.shop(shop_id) as session:
                opted_out = _opted_out(session, shop_id, good)
                kept = [line for line in good if line.number not in opted_out]
                added = _add(session, shop_id=shop_id, lines=kept, dry_run=dry_run)
            refused += list(opted_out.values())
            for line in sorted(refused, key=lambda one: one.number):
                summary.refused[line.reason] += 1
                refuse(line)
            summary.added += added
            summary.known += len(kept) - added
            progress(len(batch))
    finally:
        # Also when it was stopped: what was added stands there, and so does who added it.
        if not dry_run:
            with db.shop(shop_id) as session:
                audit.record(
                    session,
                    now=now,
                    shop_id=shop_id,
                    actor=actor,
                    action="consents.imported",
                    subject=f"shop:{shop_id}",
                    added=summary.added,
                    known=summary.known,
                    refused=dict(summary.refused),
                )
    return summary


def _batches(
    lines: Iterator[Line | RefusedLine],
) -> Iterator[Sequence[Line | RefusedLine]]:
    while batch := list(itertools.islice(lines, BATCH)):
        yield batch


def _opted_out(session: Session, shop_id: int, lines: Sequence[Line]) -> dict[int, RefusedLine]:
    """The lines that an opt-out forbids, by number."""
    phones = list({line.phone for line in lines})
    outs = {
        row.phone: row
        for row in session.sql(OPT_OUTS, sorted(BUYERS_OWN_ACT), shop_id, phones).all()
    }
    refused = {}
    for line in lines:
        row = outs.get(line.phone)
        if row is None:
            continue
        in_force = row.back_id is None or row.back_id < row.out_id
        if in_force or row.out_at >= line.consented_at:
            refused[line.number] = RefusedLine(
                line.number,
                line.cells,
                "opted_out",
                "The buyer opted out. Only a text from their own phone brings them back."
                if in_force
                else "The buyer opted out after this consent, which ended it.",
            )
    return refused


def _add(session: Session, *, shop_id: int, lines: Sequence[Line], dry_run: bool) -> int:
    rows = [_row(shop_id, line) for line in lines]
    if dry_run:
        proofs = {row["proof"] for row in rows}
        known = session.sql(KNOWN, shop_id, list(proofs)).all()
        return len(proofs) - len(known)
    added = session.sql(ADD, {"shop": shop_id, "rows": json.dumps(rows)}).rowcount
    names = [
        {"phone": line.phone, "name": line.first_name[:80]} for line in lines if line.first_name
    ]
    if names:
        session.sql(NAME, {"shop": shop_id, "rows": json.dumps(names)})
    return added


def _row(shop_id: int, line: Line) -> dict[str, Any]:
    evidence = Evidence(
        phone=line.phone,
        purpose=line.purpose,
        source="import",
        occurred_at=line.consented_at,
        wording=line.wording,
        covers_assistant=covers_assistant(line.wording),
        detail={
            name: value
            for name, value in (
                ("source_url", line.source_url),
                ("form", line.form),
                ("ip", line.ip),
                ("user_agent", line.user_agent),
                ("consented_at", line.cells["consented_at"]),  # with the zone as it was given
            )
            if value
        },
    )
    return {
        "phone": line.phone,
        "purpose": line.purpose,
        "wording": line.wording,
        "covers": evidence.covers_assistant,
        "evidence": evidence.detail,
        "proof": proof_of(shop_id, "granted", evidence),
        "at": line.consented_at.isoformat(),
    }

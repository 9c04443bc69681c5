"""The proof packet of one phone number: what was allowed, what was sent, and that it stands.

Called by `make_packet`. Everything in it comes from the ledgers; each part names the seal that
holds its row, and the chain's proof lies at its end.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from app.consent.models import ConsentEvent, PermissionRecord
from app.consent.permission import Purpose
from app.consent.state import LedgerRow, fold
from app.foundation.audit import AuditEntry
from app.foundation.db import Session
from app.messaging.models import MessageStatusEvent
from app.messaging.standing import version_of
from app.privacy.redact import REDACTED
from app.proof.chain_proof import Proof
from app.proof.ledgers import hash_words, row_key
from app.proof.plain_words import (
    PURPOSES,
    SOURCES,
    STATUSES,
    author_words,
    consent_words,
    evidence_words,
    named,
    standing_words,
    verdict_words,
)
from app.proof.ports import Anchor
from app.proof.records import Records, read_records
from app.shops.models import Shop

AFTER_AN_OPT_OUT = (Purpose.OPT_OUT_CONFIRMATION, Purpose.HELP_ANSWER)
COLUMNS_SHOWN = {
    "id", "shop_id", "phone", "purpose", "action", "source", "wording", "covers_assistant",
    "order_id", "message_id", "evidence", "proof", "occurred_at", "recorded_at", "xid",
}  # fmt: skip

Json = dict[str, Any]


def build_packet(
    session: Session,
    *,
    now: datetime,
    shop: Shop,
    phone: str,
    asked_by: str,
    secret: bytes,
    anchors: Sequence[Anchor],
) -> Json:
    """All of it, as JSON. `phone` in E.164; `anchors` of this shop, oldest first."""
    records = read_records(session, shop_id=shop.id, phone=phone)
    proof = Proof(session, shop.id, secret)
    seals = {
        "consent_events": proof.add("consent_events", [row.id for row in records.consents]),
        "text_records": proof.add("text_records", [row.id for row in records.text_records]),
        "message_status_events": proof.add(
            "message_status_events", [row.id for row in records.statuses]
        ),
        "permissions": proof.add("permissions", [row.id for row in records.verdicts]),
        "audit_entries": proof.add(
            "audit_entries", [row.id for row in (*records.entries, *records.settings)]
        ),
    }
    consents = [_consent(row, seals["consent_events"]) for row in records.consents]
    verdicts = _verdicts(records, seals["permissions"])
    texts = _texts(records, secret, seals, verdicts)
    return {
        "phone": phone,
        "shop": {"domain": shop.domain, "name": shop.name, "timezone": shop.timezone},
        "made_at": _iso(now),
        "made_for": asked_by,
        "standing": _standing(records),
        "consents": [row for row in consents if row["action"] == "granted"],
        "opt_outs": [row for row in consents if row["action"] == "revoked"],
        "texts": texts,
        "texts_after_an_opt_out": _after_opt_outs(records),
        "check_ins": _check_ins(records, verdicts),
        "access": [
            _entry(row, seals["audit_entries"])
            for row in records.entries
            if row.action == "data.read"
        ],
        "acts": [
            _entry(row, seals["audit_entries"])
            for row in records.entries
            if row.action != "data.read"
        ],
        "settings": [_entry(row, seals["audit_entries"]) for row in records.settings],
        "chain": proof.chain(anchors),
    }


def _standing(records: Records) -> Json:
    state = fold(
        (
            LedgerRow(row.id, row.purpose, row.action, row.source, row.wording, row.occurred_at)
            for row in records.consents
        ),
        confirmed_after=None,
    )
    held = {"care": state.care, "marketing": state.shopify_sms, "number": state.number_at_checkout}
    return {
        "known": bool(records.contact or records.consents),
        "opted_out_since": _iso(state.opted_out.at) if state.opted_out else None,
        "in_force": [
            {"purpose": purpose, "words": named(PURPOSES, purpose), "evidence": grant.evidence}
            for purpose, grant in held.items()
            if grant is not None
        ],
    }


def _consent(row: ConsentEvent, seals: dict[int, int | None]) -> Json:
    return {
        "row": row.id,
        "action": row.action,
        "purpose": row.purpose,
        "words": consent_words(row.action, row.purpose),
        "source": row.source,
        "source_words": named(SOURCES, row.source),
        "wording": row.wording,
        "wording_version": version_of(row.wording) if row.wording else None,
        "covers_assistant": row.covers_assistant,
        "order_id": row.order_id,
        "text": row.message_id,
        "evidence": row.evidence,
        "further": {
            column.name: _plain(getattr(row, column.name))
            for column in row.__table__.columns
            if column.name not in COLUMNS_SHOWN and getattr(row, column.name) is not None
        },
        "proof": row.proof,
        "occurred_at": _iso(row.occurred_at),
        "recorded_at": _iso(row.recorded_at),
        "seal": seals.get(row.id),
    }


def _verdicts(
    records: Records, seals: dict[int, int | None]
) -> list[tuple[PermissionRecord, Json]]:
    return [
        (
            row,
            {
                "row": row.id,
                "at": _iso(row.decided_at),
                "verdict": row.verdict,
                "reason": row.reason,
                "words": verdict_words(row.verdict, row.reason, row.not_before, row.evidence),
                "evidence": evidence_words(row.evidence.get("evidence", [])),
                "standing": standing_words(row.evidence.get("standing", {}), row.decided_at),
                "record": row.evidence,
                "seal": seals.get(row.id),
            },
        )
        for row in records.verdicts
    ]


def _texts(
    records: Records,
    secret: bytes,
    seals: dict[str, dict[int, int | None]],
    verdicts: Sequence[tuple[PermissionRecord, Json]],
) -> list[Json]:
    record_of = {record.message_id: record for record in records.text_records}
    history = defaultdict(list)
    text_of_sid = {text.provider_sid: text.id for text in records.texts}
    for status in records.statuses:
        text_id = status.message_id or text_of_sid[status.provider_sid]
        history[text_id].append(_status(status, seals["message_status_events"]))
    said = []
    for text in records.texts:
        record = record_of.get(text.id)
        removed = text.body == REDACTED
        said.append(
            {
                "text": text.id,
                "at": _iso(text.created_at),
                "direction": text.direction,
                "who": author_words(text.direction, text.author, text.author_name, text.written_by),
                "purpose": text.purpose,
                "purpose_words": named(PURPOSES, text.purpose) if text.purpose else None,
                "words": None if removed else text.body,
                "words_hash": record.words if record else None,
                "words_key": row_key(secret, "words", text.id).hex(),
                "as_recorded": None
                if removed or record is None
                else hash_words(secret, text.id, text.body) == record.words,
                "photos": record.photos if record else None,
                "state": text.state,
                "state_words": named(STATUSES, text.state) if text.direction == "out" else None,
                "sent_at": _iso(text.sent_at),
                "history": sorted(history[text.id], key=lambda step: str(step["at"])),
                "verdicts": [said for row, said in verdicts if row.message_id == text.id],
                "record": record.id if record else None,
                "seal": seals["text_records"].get(record.id) if record else None,
            }
        )
    return said


def _status(row: MessageStatusEvent, seals: dict[int, int | None]) -> Json:
    return {
        "row": row.id,
        "at": _iso(row.at),
        "status": row.status,
        "words": named(STATUSES, row.status),
        "error_code": row.error_code,
        "reason": row.reason,
        "seal": seals.get(row.id),
    }


def _check_ins(records: Records, verdicts: Sequence[tuple[PermissionRecord, Json]]) -> list[Json]:
    names = {order.id: order.name for order in records.orders}
    return [
        {
            "check_in": row.id,
            "order": names.get(row.order_id),
            "arrived_at": _iso(row.arrived_at),
            "state": row.state,
            "reason": row.reason,
            "text": row.message_id,
            "verdicts": [said for verdict, said in verdicts if verdict.check_in_id == row.id],
        }
        for row in records.check_ins
    ]


def _after_opt_outs(records: Records) -> list[int]:
    """Texts of ours that the provider took while an opt-out stood, but what the law allows."""
    moments = sorted(
        (row.occurred_at, row.action)
        for row in records.consents
        if row.action == "revoked" or row.source == "text"
    )

    def opted_out(at: datetime) -> bool:
        return next((act == "revoked" for when, act in reversed(moments) if when <= at), False)

    return [
        text.id
        for text in records.texts
        if text.direction == "out"
        and text.sent_at is not None
        and text.purpose not in AFTER_AN_OPT_OUT
        and opted_out(text.sent_at)
    ]


def _entry(row: AuditEntry, seals: dict[int, int | None]) -> Json:
    return {
        "row": row.id,
        "at": _iso(row.at),
        "who": row.actor,
        "action": row.action,
        "subject": row.subject,
        "detail": row.detail,
        "seal": seals.get(row.id),
    }


def _iso(at: datetime | None) -> str | None:
    return at.astimezone(UTC).isoformat() if at else None


def _plain(value: Any) -> Any:
    return _iso(value) if isinstance(value, datetime) else value

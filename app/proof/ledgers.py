"""What is sealed, and the exact form of it that is hashed. Pure.

Called by `seal`, `verify` and `packet`. Each row has a key of its own, derived from the shop's
secret: whoever is given a row's key can check that row and nothing else, and without the key a
digest tells nothing of a number or a text. Columns that name a person or quote them enter as a
keyed hash, so that one that is ever emptied may leave its hash in its place (`#` and 64 hex
digits) and the row still proves what it proved.

The form: JSON of all columns but those that are null, keys in order, no spaces, times in UTC. So
a column may be added to a ledger later, if it is nullable and has no default; none may go.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from app.consent.models import ConsentEvent, PermissionRecord
from app.foundation.audit import AuditEntry
from app.foundation.db import Base
from app.messaging.models import MessageStatusEvent
from app.proof.models import TextRecord

DIGEST_BYTES = 32
_REMOVED = re.compile(r"#[0-9a-f]{64}")


@dataclass(frozen=True)
class Ledger:
    name: str
    columns: tuple[str, ...]
    personal: frozenset[str]

    @property
    def listed(self) -> str:
        """The columns, for a SELECT."""
        return ", ".join(self.columns)


def _ledger(model: type[Base], *personal: str) -> Ledger:
    columns = tuple(column.name for column in model.__table__.columns)
    return Ledger(model.__tablename__, columns, frozenset(personal))


LEDGERS = {
    ledger.name: ledger
    for ledger in (
        _ledger(AuditEntry),
        _ledger(ConsentEvent, "phone", "wording", "evidence"),
        _ledger(PermissionRecord),
        _ledger(MessageStatusEvent),
        _ledger(TextRecord),
    )
}


def row_key(secret: bytes, ledger: str, row_id: int) -> bytes:
    """The key of one row. Giving it away opens that row alone."""
    return hmac.digest(secret, f"{ledger}:{row_id}".encode(), "sha256")


def hash_words(secret: bytes, message_id: int, body: str) -> str:
    """What stands for a text's words: the same words give it again, and nothing gives them."""
    return hmac.digest(row_key(secret, "words", message_id), body.encode(), "sha256").hex()


def form_of(ledger: Ledger, key: bytes, values: Sequence[Any]) -> str:
    """The text that is hashed for a row; `values` in the order of `ledger.columns`."""
    form: dict[str, Any] = {}
    for name, value in zip(ledger.columns, values, strict=True):
        if value is None:
            continue
        if isinstance(value, datetime):
            value = value.astimezone(UTC).isoformat()
        form[name] = hidden(key, name, value) if name in ledger.personal else value
    return canonical(form)


def digest_of(ledger: Ledger, key: bytes, values: Sequence[Any]) -> bytes:
    return hmac.digest(key, form_of(ledger, key, values).encode(), "sha256")


def hidden(key: bytes, column: str, value: Any) -> str:
    """A personal value as its keyed hash; one that was removed left that hash behind."""
    if isinstance(value, str) and _REMOVED.fullmatch(value):
        return value
    said = f"{column}:{value if isinstance(value, str) else canonical(value)}"
    return "#" + hmac.digest(key, said.encode(), "sha256").hex()


def canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


@dataclass(frozen=True)
class Link:
    """What of a seal is hashed: everything but its rows, for which `root` stands."""

    shop_id: int
    number: int
    ledger: str
    rows: int
    root: str
    sealed_at: datetime
    previous: str

    @property
    def hash(self) -> str:
        said = [
            self.shop_id,
            self.number,
            self.ledger,
            self.rows,
            self.root,
            self.sealed_at.astimezone(UTC).isoformat(),
            self.previous,
        ]
        return hashlib.sha256(canonical(said).encode()).hexdigest()


def split_digests(joined: bytes) -> Sequence[bytes]:
    return [bytes(joined[at : at + DIGEST_BYTES]) for at in range(0, len(joined), DIGEST_BYTES)]

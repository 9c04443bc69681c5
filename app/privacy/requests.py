"""Requests about a buyer's data are opened, confirmed and closed; each is one row with a date.

Called by `privacy.answer` (a buyer's text), the receipt of Shopify's `customers/data_request`, the
merchant's doors and the operator's commands; closed by `redact` and `keep_export`. Shopify gives 30
days from the webhook (shopify.dev, "Privacy law compliance"), the GDPR one month (article 12),
California 45 days (Civil Code 1798.130): ours are 30 for everybody.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from app.foundation import audit
from app.foundation.db import LaterWork, Session
from app.foundation.errors import Refused
from app.messaging.photos import deletion
from app.privacy.ask import Kind
from app.privacy.buyer import Buyer, contacts_of
from app.privacy.models import PrivacyRequest

DUE_AFTER = timedelta(days=30)
CODE_LIVES = timedelta(hours=48)
# Between a buyer's confirmation and the erasure: time in which the shop takes out what it needs
# for a dispute. ADR 0022.
ERASE_AFTER = timedelta(days=7)


@dataclass(frozen=True)
class Opened:
    request_id: int


@dataclass(frozen=True)
class AlreadyOpen:
    """The same was asked before and is not fulfilled yet; nothing was added."""

    request_id: int


def open_request(
    session: Session, *, now: datetime, shop_id: int, buyer: Buyer, kind: Kind, source: str,
    actor: str,
) -> Opened | AlreadyOpen:  # fmt: skip
    """Write down what was asked. An export begins at once; an erasure waits to be confirmed."""
    contact_ids = contacts_of(session, shop_id=shop_id, buyer=buyer)
    session.sql("SELECT FROM contacts WHERE id = ANY(%s) ORDER BY id FOR UPDATE", contact_ids)
    before = session.scalars(
        sa.select(PrivacyRequest)
        .where(PrivacyRequest.shop_id == shop_id, PrivacyRequest.kind == kind)
        .where(PrivacyRequest.state == "open", _about(buyer, contact_ids))
        .order_by(PrivacyRequest.id)
        .limit(1)
        .with_for_update()
    ).one_or_none()
    if before is not None:
        return AlreadyOpen(before.id)
    request = PrivacyRequest(
        shop_id=shop_id,
        kind=kind,
        source=source,
        state="open",
        contact_ids=contact_ids,
        customer_id=buyer.customer_id,
        order_ids=list(buyer.order_ids),
        asked_at=now,
        due_at=now + DUE_AFTER,
    )
    session.add(request)
    session.flush()
    audit.record(
        session,
        now=now,
        shop_id=shop_id,
        actor=actor,
        action="privacy.data_requested" if kind == "export" else "privacy.erasure_requested",
        subject=f"privacy_request:{request.id}",
        source=source,
        contacts=contact_ids,
        customer=buyer.customer_id,
        orders=list(buyer.order_ids),
    )
    if kind == "export":
        make_export(session, request)
    return Opened(request.id)


def make_export(session: Session, request: PrivacyRequest) -> None:
    _have_worked(session, request, topic="privacy.export")


def ask_for_code(request: PrivacyRequest, *, now: datetime) -> str:
    """The code that the buyer has to text back; the one they have, while it counts."""
    if request.code is None or request.code_until is None or request.code_until <= now:
        request.code = f"{secrets.randbelow(10**6):06}"
        request.code_until = now + CODE_LIVES
    return request.code


def confirm_erasure(session: Session, *, now: datetime, request_id: int, actor: str,
                    act_at: datetime) -> None:  # fmt: skip
    """It is certain now that it is wanted: it is carried out at `act_at`. Raises Refused."""
    request = lock_request(session, request_id)
    if request.kind != "erase" or request.state != "open":
        raise Refused("not_open", "this request waits for no confirmation")
    request.state, request.act_at, request.fulfilled_by = "ready", act_at, actor
    request.code = request.code_until = None
    audit.record(
        session,
        now=now,
        shop_id=request.shop_id,
        actor=actor,
        action="privacy.erasure_confirmed",
        subject=f"privacy_request:{request.id}",
        act_at=act_at.isoformat(),
    )
    if act_at <= now:
        erase_now(session, request)


def erase_now(session: Session, request: PrivacyRequest) -> None:
    _have_worked(session, request, topic="privacy.erase")


def _have_worked(session: Session, request: PrivacyRequest, *, topic: str) -> None:
    session.later(
        LaterWork(
            shop_id=request.shop_id,
            topic=topic,
            queue="slow",
            payload={"request_id": request.id},
            ordering_key=f"privacy:{request.id}",
        )
    )


def close_requests(
    session: Session, *, now: datetime, shop_id: int, contact_ids: Sequence[int] | None
) -> None:
    """These buyers (all of the shop, if None) were forgotten: what they asked is answered, and
    exports that were made of them are deleted."""
    which = PrivacyRequest.shop_id == shop_id
    if contact_ids is not None:
        which &= PrivacyRequest.contact_ids.overlap(list(contact_ids))
    for request in session.scalars(
        sa.select(PrivacyRequest).where(which).order_by(PrivacyRequest.id).with_for_update()
    ):
        drop_files(session, request)
        if request.state != "fulfilled":
            request.state, request.fulfilled_at = "fulfilled", now
            request.fulfilled_by = request.fulfilled_by or "system"
        request.code = request.code_until = None


def drop_files(session: Session, request: PrivacyRequest) -> None:
    """What lies in the media room of an export is deleted, by work of its own."""
    for key in (request.page_key, request.data_key):
        if key:
            session.later(deletion(request.shop_id, key))
    request.page_key = request.data_key = request.kept_until = None


def lock_request(session: Session, request_id: int) -> PrivacyRequest:
    """Raises Refused. RLS sees to it that it is the shop's own."""
    request = session.scalars(
        sa.select(PrivacyRequest)
        .where(PrivacyRequest.id == request_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()
    if request is None:
        raise Refused("unknown_request", "there is no such request")
    return request


def requests_of(session: Session, *, shop_id: int, most: int = 200) -> Sequence[PrivacyRequest]:
    """The newest first, but those not fulfilled before all others."""
    return session.scalars(
        sa.select(PrivacyRequest)
        .where(PrivacyRequest.shop_id == shop_id)
        .order_by(PrivacyRequest.state == "fulfilled", PrivacyRequest.id.desc())
        .limit(most)
    ).all()


def described(request: PrivacyRequest, now: datetime) -> dict[str, object]:
    """For the merchant's page and the operator's eyes: ids and dates, nothing of the buyer."""
    return {
        "id": request.id,
        "kind": request.kind,
        "source": request.source,
        "state": request.state,
        "contacts": request.contact_ids,
        "customer_id": request.customer_id,
        "order_ids": request.order_ids,
        "asked_at": request.asked_at.isoformat(),
        "due_at": request.due_at.isoformat(),
        "overdue": request.state != "fulfilled" and request.due_at < now,
        "waits_for_confirmation": request.kind == "erase" and request.state == "open",
        "act_at": request.act_at.isoformat() if request.act_at else None,
        "export_kept_until": request.kept_until.isoformat() if request.kept_until else None,
        "fulfilled_at": request.fulfilled_at.isoformat() if request.fulfilled_at else None,
        "fulfilled_by": request.fulfilled_by,
    }


def _about(buyer: Buyer, contact_ids: list[int]) -> sa.ColumnElement[bool]:
    if contact_ids:
        return sa.and_(PrivacyRequest.contact_ids.overlap(contact_ids))
    if buyer.customer_id is not None:
        return PrivacyRequest.customer_id == buyer.customer_id
    return sa.and_(PrivacyRequest.order_ids.overlap(list(buyer.order_ids)))

"""An export is made once, kept for some weeks behind the media port, and handed to the merchant.

Called by `privacy.jobs`, the merchant's doors and the ticker. The photo door shows photos only, so
nobody reaches these files but through `take_export`, which writes down who did: Shopify's rules for
protected customer data (level 2) want every reading of a buyer's data logged.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

import sqlalchemy as sa

from app.foundation import audit
from app.foundation.db import Database, Session
from app.foundation.errors import Refused
from app.messaging.photos import deletion
from app.privacy.buyer import Buyer
from app.privacy.models import PrivacyRequest
from app.privacy.requests import drop_files, lock_request, make_export

KEPT_FOR = timedelta(days=30)
Form = Literal["page", "data"]

EXPIRED = """
SELECT id, shop_id FROM privacy_requests WHERE kept_until <= %s
ORDER BY kept_until LIMIT 100 FOR UPDATE SKIP LOCKED
"""
# The outbox row is the claim: one erasure of a request at a time.
ERASE_DUE = """
INSERT INTO outbox (shop_id, topic, queue, payload, ordering_key)
SELECT r.shop_id, 'privacy.erase', 'slow', jsonb_build_object('request_id', r.id),
  'privacy:' || r.id
FROM privacy_requests r
WHERE r.state = 'ready' AND r.act_at <= %s
  AND NOT EXISTS (SELECT FROM outbox o WHERE o.ordering_key = 'privacy:' || r.id
                  AND o.failed_at IS NULL)
"""


def buyer_of(request: PrivacyRequest) -> Buyer:
    return Buyer(
        customer_id=request.customer_id,
        order_ids=tuple(request.order_ids),
        contact_ids=tuple(request.contact_ids),
    )


def begin_files(session: Session, *, request_id: int, page_key: str, data_key: str) -> bool:
    """Note where the files will lie, before they do: a worker that is killed in between leaves
    nothing that nobody knows of. False if they are not wanted (any more)."""
    request = lock_request(session, request_id)
    if request.state != "open":
        return False
    drop_files(session, request)
    request.page_key, request.data_key = page_key, data_key
    return True


def finish_files(
    session: Session, *, now: datetime, request_id: int, page_key: str, data_key: str
) -> None:
    """The files lie there. If the buyer was forgotten meanwhile, they are deleted again."""
    request = lock_request(session, request_id)
    if request.state == "open" and request.page_key == page_key:
        request.state, request.kept_until = "ready", now + KEPT_FOR
        return
    for key in (page_key, data_key):
        session.later(deletion(request.shop_id, key))


def take_export(session: Session, *, now: datetime, request_id: int, form: Form, actor: str) -> str:
    """The key of one file, for somebody whose reading is written down. The first who takes it
    has it from then on to bring it to the buyer: the request is fulfilled. Raises Refused."""
    request = lock_request(session, request_id)
    key = request.page_key if form == "page" else request.data_key
    if key is None or request.state == "open":
        if request.kind != "export" or request.state == "open":
            raise Refused("not_ready", "the export is not there yet; ask again in a minute")
        raise Refused("export_expired", "the files were deleted; have the export made anew")
    if request.state == "ready":
        request.state, request.fulfilled_at, request.fulfilled_by = "fulfilled", now, actor
    audit.record(
        session,
        now=now,
        shop_id=request.shop_id,
        actor=actor,
        action="data.read",
        subject=",".join(f"contact:{one}" for one in request.contact_ids) or "contact:none",
        request=request.id,
        form=form,
    )
    return key


def expire_exports(db: Database, *, now: datetime) -> int:
    """For the ticker. One that nobody took in time is made anew: the buyer still waits for it."""
    with db.across_shops("ticker: exports long kept") as session:
        expired = [row.id for row in session.sql(EXPIRED, now)]
        for request in session.scalars(
            sa.select(PrivacyRequest).where(PrivacyRequest.id.in_(expired))
        ):
            drop_files(session, request)
            if request.state == "ready":
                request.state = "open"
                make_export(session, request)
    return len(expired)


def begin_due_erasures(db: Database, *, now: datetime) -> int:
    """For the ticker: what a buyer confirmed, and whose days of waiting are over."""
    with db.across_shops("ticker: erasures that are due") as session:
        if not session.sql("SELECT pg_try_advisory_xact_lock(hashtext('due_erasures'))").scalar():
            return 0
        begun = session.sql(ERASE_DUE, now).rowcount
    if begun:
        db.ring()
    return begun

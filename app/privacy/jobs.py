"""RQ doors of privacy.

Webhooks as they came go first, rows after: a receipt that is still to be worked may write a name
anew. Photos, and the provider's copies, are deleted by work that the redacting transaction puts
off, so nothing is lost when a worker is killed. The helpdesk's disconnected account ends a note
quietly: the request itself is in the merchant's list.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime

from app.foundation.db import LaterWork
from app.foundation.jobs import Tools
from app.foundation.media import key_of
from app.foundation.outbox import Postponed
from app.helpdesk.needs import Needs
from app.helpdesk.ports import Disconnected
from app.privacy import age_out as ageing
from app.privacy import keep_export, receipts, redact
from app.privacy import tell_agents as notes
from app.privacy.buyer import Buyer
from app.privacy.export import gather
from app.privacy.export_page import make_files
from app.privacy.models import PrivacyRequest

CONTACTS_AT_ONCE = 100
BATCHES_AT_ONCE = 20
REST_SECONDS = 1.0


def export(tools: Tools, *, shop_id: int, request_id: int) -> None:
    """Gather, write both files, keep them."""
    now = tools.clock.now()
    with tools.db.shop(shop_id) as session:
        request = session.get_one(PrivacyRequest, request_id)
        if request.state != "open":
            return
        gathered = gather(session, now=now, shop_id=shop_id, buyer=keep_export.buyer_of(request))
    files = make_files(gathered, tools.media)
    keys = {
        "page_key": key_of(shop_id, files.page),
        "data_key": key_of(shop_id, files.data),
    }
    with tools.db.shop(shop_id) as session:
        if not keep_export.begin_files(session, request_id=request_id, **keys):
            return
    for content in (files.page, files.data):
        tools.media.put(shop_id, content)
    with tools.db.shop(shop_id) as session:
        keep_export.finish_files(session, now=now, request_id=request_id, **keys)


def erase(tools: Tools, *, shop_id: int, request_id: int) -> None:
    """Carry out an erasure that was confirmed and whose time has come."""
    now = tools.clock.now()
    with tools.db.shop(shop_id) as session:
        request = session.get_one(PrivacyRequest, request_id)
    if request.state != "ready" or request.act_at is None or request.act_at > now:
        return
    _redact(
        tools,
        shop_id=shop_id,
        buyer=keep_export.buyer_of(request),
        actor=request.fulfilled_by or "buyer",
    )


def tell_agents(tools: Needs, *, shop_id: int, request_id: int) -> None:
    with suppress(Disconnected):
        notes.note_request(tools, shop_id=shop_id, request_id=request_id)


def ask_to_erase(tools: Needs, *, shop_id: int, conversation_id: int, upto: int) -> None:
    with suppress(Disconnected):
        notes.ask_to_erase(tools, shop_id=shop_id, conversation_id=conversation_id, upto=upto)


def age_out(tools: Tools, *, shop_id: int) -> None:
    """Some batches, each in its own transaction; the rest in a moment."""
    now = tools.clock.now()
    texts, done = 0, False
    for _ in range(BATCHES_AT_ONCE):
        with tools.db.shop(shop_id) as session:
            batch = ageing.age_out_batch(session, now=now, shop_id=shop_id)
        texts, done = texts + batch.texts, batch.done
        if done:
            break
    if texts:
        with tools.db.shop(shop_id) as session:
            ageing.record_run(session, now=now, shop_id=shop_id, texts=texts, done=done)
    if not done:
        raise Postponed(REST_SECONDS, "there are more texts that are too old")


def look_after(tools: Tools, now: datetime) -> int:
    """For the ticker: begin what is due."""
    return (
        keep_export.begin_due_erasures(tools.db, now=now)
        + keep_export.expire_exports(tools.db, now=now)
        + ageing.begin_due(tools.db, now=now)
    )


def redact_customer(
    tools: Tools, *, shop_id: int, customer_id: int | None, order_ids: list[int]
) -> None:
    buyer = Buyer(customer_id=customer_id, order_ids=tuple(order_ids))
    _redact(tools, shop_id=shop_id, buyer=buyer, actor="buyer")


def _redact(tools: Tools, *, shop_id: int, buyer: Buyer, actor: str) -> None:
    with tools.db.shop(shop_id) as session:
        owners = receipts.owners_of(session, shop_id=shop_id, buyer=buyer)
    if not receipts.erase_receipts(tools.db, owners):
        raise Postponed(30, "receipts about this buyer are still to be worked")
    with tools.db.shop(shop_id) as session:
        redact.redact_buyer(
            session, now=tools.clock.now(), shop_id=shop_id, buyer=buyer, actor=actor
        )


def redact_shop(tools: Tools, *, shop_id: int, after: int = 0) -> None:
    """48 hours after an uninstall; a merchant who came back meanwhile keeps everything.

    One job for some hundred buyers, which puts off the next one for those `after` them.
    """
    now = tools.clock.now()
    with tools.db.shop(shop_id) as session:
        if not redact.still_uninstalled(session, shop_id=shop_id):
            return
        redact.retire_line(session, shop_id=shop_id)
        contact_ids = redact.next_contacts(
            session, shop_id=shop_id, after=after, most=CONTACTS_AT_ONCE
        )
        redact.redact_contacts(session, now=now, shop_id=shop_id, contact_ids=contact_ids)
        if contact_ids:
            session.later(
                LaterWork(
                    shop_id=shop_id,
                    topic="privacy.redact_shop",
                    queue="slow",
                    payload={"after": contact_ids[-1]},
                )
            )
            return
        owners = receipts.owners_of(session, shop_id=shop_id, buyer=None)
    if not receipts.erase_receipts(tools.db, owners):
        raise Postponed(30, "receipts of this shop are still to be worked")
    with tools.db.shop(shop_id) as session:
        redact.redact_nobodys_orders(session, now=now, shop_id=shop_id)
        redact.finish_shop(session, now=now, shop_id=shop_id)

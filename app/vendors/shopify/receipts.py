"""A stored Shopify webhook becomes facts in the house.

Called by the worker, in any order, late or twice. Payloads carry enough to track an order; only
what they lack (a parcel of an order never heard of) is read from the API, which needs a token:
until the shop has one, such a receipt waits.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import assert_never

import sqlalchemy as sa
import structlog

from app.consent.models import ConsentEvent
from app.consent.record import Evidence, record_grant, record_revocation
from app.contacts.models import Contact
from app.foundation.db import LaterWork, Session
from app.foundation.errors import Refused
from app.foundation.phone import to_e164
from app.orders import facts as f
from app.orders.jobs import Needs as OrderNeeds
from app.orders.jobs import read_order
from app.orders.models import Order
from app.orders.ports import FulfillmentFacts, OrderFacts
from app.orders.track import lock_order, note_return, track_order, track_parcel
from app.privacy.buyer import Buyer
from app.privacy.requests import open_request
from app.shops.models import Shop
from app.shops.ports import TokenDead
from app.shops.preferences import shop_by_domain
from app.shops.uninstall import uninstall_shop
from app.vendors.shopify import webhooks

log = structlog.get_logger()


def work(
    tools: OrderNeeds,
    *,
    topic: str,
    owner: str,
    body: bytes,
    receipt_id: int,
    occurred_at: datetime | None,
) -> bool:
    """Apply one webhook. False if it waits for the shop's first token."""
    try:
        fact = webhooks.TOPICS[topic](json.loads(body))
    except (ValueError, RecursionError) as error:
        raise Refused("unreadable", "the body is not the JSON that its topic promises") from error
    now = tools.clock.now()
    with tools.db.across_shops("shopify receipt: whose domain is this") as session:
        shop = shop_by_domain(session, owner)
    if shop is None:
        # Managed installation: webhooks may come before the merchant first opens the app.
        return isinstance(fact, f.ShopRedactRequested | f.AppUninstalled)
    with tools.db.shop(shop.id) as session:
        missing_order = apply(
            session, now=now, shop=session.merge(shop), fact=fact, occurred_at=occurred_at
        )
    if missing_order is not None:
        try:
            read_order(tools, shop_id=shop.id, shopify_id=missing_order)
        except TokenDead:
            return False
    return True


def apply(
    session: Session, *, now: datetime, shop: Shop, fact: f.Fact, occurred_at: datetime | None
) -> int | None:
    """Apply one fact. Returns Shopify's id of an order that must be read from the API first."""
    match fact:
        case OrderFacts():
            track_order(session, now=now, shop_id=shop.id, facts=fact)
        case f.FulfillmentChanged():
            return track_known_parcel(
                session,
                now=now,
                shop=shop,
                order_id=fact.order_id,
                parcel=fact.fulfillment,
            )
        case f.CarrierScan():
            delivered = fact.status in ("delivered", "picked_up")
            return track_known_parcel(
                session,
                now=now,
                shop=shop,
                order_id=fact.order_id,
                parcel=FulfillmentFacts(
                    shopify_id=fact.fulfillment_id,
                    shipment_status=fact.status,
                    updated_at=fact.happened_at,
                    estimated_delivery_at=fact.estimated_delivery_at,
                    delivered_at=fact.happened_at if delivered else None,
                ),
            )
        case f.RefundMade():
            refund_lines(session, now=now, shop=shop, fact=fact)
        case f.ReturnChanged():
            if fact.status not in ("declined", "cancelled"):
                note_return(session, now=now, shop_id=shop.id, shopify_id=fact.order_id)
        case f.SmsConsentChanged():
            change_sms_consent(session, now=now, shop=shop, fact=fact)
        case f.AppUninstalled():
            uninstall_shop(session, now=now, shop=shop, uninstalled_at=occurred_at)
        case f.ScopesUpdated():
            if fact.scopes is not None:
                shop.scopes = ",".join(fact.scopes)
        case f.CustomerRedactRequested():
            session.later(
                LaterWork(
                    shop_id=shop.id,
                    topic="privacy.redact_customer",
                    queue="slow",
                    payload={
                        "customer_id": fact.customer_id,
                        "order_ids": list(fact.order_ids),
                    },
                )
            )
        case f.ShopRedactRequested():
            session.later(
                LaterWork(shop_id=shop.id, topic="privacy.redact_shop", queue="slow", payload={})
            )
        case f.CustomerDataRequested():
            note_data_request(session, now=now, shop=shop, fact=fact)
        case _:
            assert_never(fact)  # mypy names the fact that has no case
    return None


def track_known_parcel(
    session: Session, *, now: datetime, shop: Shop, order_id: int, parcel: FulfillmentFacts
) -> int | None:
    """Track a parcel, and say which order to read if this is the first that we hear of it."""
    order = lock_order(session, shop_id=shop.id, shopify_id=order_id)
    track_parcel(session, now=now, order=order, facts=parcel)
    return order_id if order.shopify_updated_at is None else None


def refund_lines(session: Session, *, now: datetime, shop: Shop, fact: f.RefundMade) -> None:
    """Units that were refunded are not asked about; `orders/updated` tells of a full refund."""
    order = session.scalars(
        sa.select(Order)
        .where(Order.shop_id == shop.id, Order.shopify_id == fact.order_id)
        .with_for_update()
    ).one_or_none()
    for line in order.lines if order else ():
        refunded = fact.quantities.get(line.shopify_id, 0)
        line.current_quantity = min(line.current_quantity, max(0, line.quantity - refunded))


def change_sms_consent(
    session: Session, *, now: datetime, shop: Shop, fact: f.SmsConsentChanged
) -> None:
    """Shopify's SMS marketing consent: evidence for shops whose policy counts it.

    An unsubscription there ends everything here too: a buyer who says no anywhere means no.
    """
    phone = to_e164(fact.phone, country=shop.country) if fact.phone else None
    if phone is None:
        phone = session.scalar(
            sa.select(Contact.phone)
            .where(Contact.shop_id == shop.id, Contact.shopify_customer_id == fact.customer_id)
            .order_by(Contact.id.desc())
            .limit(1)
        )
    if phone is None:
        log.info("sms consent of a customer without a phone", customer_id=fact.customer_id)
        return
    if fact.at is not None and is_echo(session, shop_id=shop.id, phone=phone, fact=fact):
        log.info("sms consent of our own making", customer_id=fact.customer_id)
        return
    evidence = Evidence(
        phone=phone,
        purpose="marketing",
        source="shopify_sms",
        occurred_at=fact.at or now,
        detail={"state": fact.state, "level": fact.opt_in_level, "from": fact.collected_from},
    )
    if fact.state == "subscribed":
        record_grant(session, shop_id=shop.id, evidence=evidence)
    elif fact.state == "unsubscribed":
        record_revocation(session, now=now, shop_id=shop.id, evidence=evidence)


def is_echo(session: Session, *, shop_id: int, phone: str, fact: f.SmsConsentChanged) -> bool:
    """Whether we told Shopify this ourselves (`joining.tell_shopify`): the same decision, at the
    time that its row in the ledger has."""
    action = {"subscribed": "granted", "unsubscribed": "revoked"}.get(fact.state or "")
    told = session.scalar(
        sa.select(ConsentEvent.id)
        .where(ConsentEvent.shop_id == shop_id, ConsentEvent.phone == phone)
        .where(ConsentEvent.action == action, ConsentEvent.source != "shopify_sms")
        .where(ConsentEvent.purpose.in_(("marketing", "all")))
        .where(sa.func.date_trunc("second", ConsentEvent.occurred_at) == fact.at)
        .limit(1)
    )
    return told is not None


def note_data_request(
    session: Session, *, now: datetime, shop: Shop, fact: f.CustomerDataRequested
) -> None:
    """A buyer asks what is stored; the merchant has 30 days and finds it among the requests."""
    open_request(
        session,
        now=now,
        shop_id=shop.id,
        buyer=Buyer(customer_id=fact.customer_id, order_ids=fact.order_ids),
        kind="export",
        source="shopify",
        actor="buyer",
    )

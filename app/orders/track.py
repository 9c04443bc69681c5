"""Take in what Shopify says of an order, in any order, late or twice.

Called by the Shopify receipts and by the jobs that read orders from the API. Each fact carries
Shopify's own `updated_at`; an older one never overwrites a newer. A parcel may be heard of
before its order: then a bare order row holds its place until the order itself is read.

One delivery reaches us by three routes (`fulfillment_events/create`, `fulfillments/update`,
`orders/updated`); `fulfillments.delivered_at` is set by the first and publishes
ParcelDelivered once; and once more when the order itself becomes known after its parcel: only
now can be told where the buyer is, and whether another parcel is under way.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from app.contacts.upsert import Profile, upsert_contact
from app.foundation.db import Session
from app.foundation.phone import resolve_phone
from app.orders.events import OrderStopped, ParcelDelivered, PhoneGivenAtCheckout
from app.orders.models import Fulfillment, Order, OrderLine
from app.orders.ports import FulfillmentFacts, LineFacts, OrderFacts

# The order attribute whose value is the very wording of the care opt-in that was ticked.
CONSENT_ATTRIBUTE = "doorstep_care_consent"


def track_order(session: Session, *, now: datetime, shop_id: int, facts: OrderFacts) -> Order:
    """Store what `facts` says where it is newer than what we have; publish what follows."""
    order = lock_order(session, shop_id=shop_id, shopify_id=facts.shopify_id)
    known = order.shopify_updated_at
    newer = known is None or facts.updated_at >= known
    if newer or (facts.complete and not order.complete):
        _store_order(order, facts, newer=newer)
        if facts.lines is not None:
            _store_lines(session, order, facts.lines, newer=newer)
        if newer or order.contact_id is None:
            _store_contact(session, now=now, order=order, facts=facts)
    arrived = _arrived_parcels(session, order) if known is None else ()
    for parcel in facts.fulfillments or ():
        track_parcel(session, now=now, order=order, facts=parcel)
    for earlier in arrived:
        _publish_arrival(session, now=now, parcel=earlier)
    if newer:
        _publish_stop(session, now=now, order=order)
    return order


def lock_order(session: Session, *, shop_id: int, shopify_id: int) -> Order:
    """The order's row, made if need be, locked for the rest of the transaction."""
    session.execute(
        insert(Order)
        .values(shop_id=shop_id, shopify_id=shopify_id)
        .on_conflict_do_nothing(index_elements=["shop_id", "shopify_id"])
    )
    return session.scalars(
        sa.select(Order)
        .where(Order.shop_id == shop_id, Order.shopify_id == shopify_id)
        .with_for_update()
    ).one()


def track_parcel(
    session: Session, *, now: datetime, order: Order, facts: FulfillmentFacts
) -> Fulfillment:
    """Store one parcel; publish ParcelDelivered the first time that it counts as arrived."""
    session.execute(
        insert(Fulfillment)
        .values(shop_id=order.shop_id, order_id=order.id, shopify_id=facts.shopify_id)
        .on_conflict_do_nothing(index_elements=["shop_id", "shopify_id"])
    )
    parcel = session.scalars(
        sa.select(Fulfillment)
        .where(Fulfillment.shop_id == order.shop_id, Fulfillment.shopify_id == facts.shopify_id)
        .with_for_update()
    ).one()
    known = parcel.shopify_updated_at
    if known is None or facts.updated_at is None or facts.updated_at >= known:
        parcel.status = facts.status or parcel.status
        parcel.shipment_status = facts.shipment_status or parcel.shipment_status
        parcel.tracking_company = facts.tracking_company or parcel.tracking_company
        parcel.tracking_number = facts.tracking_number or parcel.tracking_number
        parcel.tracking_url = facts.tracking_url or parcel.tracking_url
        parcel.estimated_delivery_at = facts.estimated_delivery_at or parcel.estimated_delivery_at
        parcel.shopify_updated_at = facts.updated_at or known
    parcel.shipped_at = parcel.shipped_at or facts.created_at
    if facts.line_ids:
        parcel.line_ids = list(facts.line_ids)
    delivered = facts.shipment_status in ("delivered", "picked_up") or facts.delivered_at
    if delivered and parcel.delivered_at is None and parcel.status not in ("cancelled", "error"):
        arrived = min(facts.delivered_at or facts.updated_at or now, now)
        mark_arrived(session, now=now, parcel=parcel, arrived_at=arrived, basis="carrier")
    return parcel


def mark_arrived(
    session: Session, *, now: datetime, parcel: Fulfillment, arrived_at: datetime, basis: str
) -> None:
    """Set the arrival once and publish it. The parcel's row is locked by the caller."""
    parcel.delivered_at = arrived_at
    parcel.delivered_by = basis
    session.flush()
    _publish_arrival(session, now=now, parcel=parcel)


def note_return(session: Session, *, now: datetime, shop_id: int, shopify_id: int) -> None:
    """A return was opened for the order: the buyer is looked after already."""
    order = lock_order(session, shop_id=shop_id, shopify_id=shopify_id)
    order.returned = True
    _publish_stop(session, now=now, order=order)


def _arrived_parcels(session: Session, order: Order) -> Sequence[Fulfillment]:
    return session.scalars(
        sa.select(Fulfillment)
        .where(Fulfillment.order_id == order.id, Fulfillment.delivered_at.is_not(None))
        .order_by(Fulfillment.delivered_at)
    ).all()


def _publish_arrival(session: Session, *, now: datetime, parcel: Fulfillment) -> None:
    assert parcel.delivered_at is not None and parcel.delivered_by is not None
    session.publish(
        ParcelDelivered(
            shop_id=parcel.shop_id,
            order_id=parcel.order_id,
            parcel_id=parcel.id,
            arrived_at=parcel.delivered_at,
            basis=parcel.delivered_by,
        ),
        now=now,
    )


def _store_order(order: Order, facts: OrderFacts, *, newer: bool) -> None:
    """Newer facts win; older ones, read in full, fill the gaps that webhooks left."""

    def put(field: str, value: object) -> None:
        if value is not None and (newer or getattr(order, field) is None):
            setattr(order, field, value)

    order.shopify_updated_at = max(facts.updated_at, order.shopify_updated_at or facts.updated_at)
    put("name", facts.name)
    put("placed_at", facts.created_at)
    put("cancelled_at", facts.cancelled_at)
    put("financial_status", facts.financial_status)
    put("currency", facts.currency)
    put("total_price", facts.total_price)
    put("locale", facts.locale)
    put("status_page_url", facts.status_page_url)
    if facts.shipping:
        put("ship_country", facts.shipping.country)
        put("ship_region", facts.shipping.region)
        put("ship_zip", facts.shipping.zip)
    if facts.billing:
        put("bill_zip", facts.billing.zip)
    order.returned = order.returned or bool(facts.has_return)
    order.complete = order.complete or facts.complete


def _store_lines(
    session: Session, order: Order, lines: Iterable[LineFacts], *, newer: bool
) -> None:
    known = {line.shopify_id: line for line in order.lines}
    for facts in lines:
        line = known.get(facts.shopify_id)
        if line is None:
            line = OrderLine(shop_id=order.shop_id, shopify_id=facts.shopify_id, options={})
            order.lines.append(line)
        if newer or line.title is None:
            line.title = facts.title
            line.quantity = facts.quantity
            line.current_quantity = (
                facts.quantity if facts.current_quantity is None else facts.current_quantity
            )
        line.variant_title = facts.variant_title or line.variant_title
        line.options = facts.options or line.options
        line.sku = facts.sku or line.sku
        line.product_id = facts.product_id or line.product_id
        line.variant_id = facts.variant_id or line.variant_id
        line.image_url = facts.image_url or line.image_url
        line.requires_shipping = facts.requires_shipping
    session.flush()


def _store_contact(session: Session, *, now: datetime, order: Order, facts: OrderFacts) -> None:
    if facts.phones is None:
        return
    phone = resolve_phone(
        facts.phones,
        country=order.ship_country,
        locale=order.locale,
        zip_country=order.ship_country,
    )
    if phone is None:
        if order.contact_id is None:
            order.phone_problem = "invalid_phone" if any(facts.phones) else "no_phone"
        return
    customer = facts.customer
    contact = upsert_contact(
        session,
        shop_id=order.shop_id,
        phone=phone,
        profile=Profile(
            customer_id=customer.shopify_id if customer else None,
            first_name=customer.first_name if customer else None,
            last_name=customer.last_name if customer else None,
            email=customer.email if customer else None,
            locale=order.locale,
            country=order.ship_country,
            zip=order.ship_zip,
            billing_zip=order.bill_zip,
        ),
    )
    order.contact_id = contact.id
    order.phone_problem = None
    session.flush()
    session.publish(
        PhoneGivenAtCheckout(
            shop_id=order.shop_id,
            order_id=order.id,
            contact_id=contact.id,
            phone=phone,
            given_at=order.placed_at or facts.updated_at,
            wording=(facts.attributes or {}).get(CONSENT_ATTRIBUTE, "").strip(),
        ),
        now=now,
    )


def _publish_stop(session: Session, *, now: datetime, order: Order) -> None:
    reason = (
        "order_cancelled"
        if order.cancelled_at
        else "order_refunded"
        if order.financial_status in ("refunded", "voided")
        else "order_returned"
        if order.returned
        else None
    )
    if reason:
        session.publish(
            OrderStopped(shop_id=order.shop_id, order_id=order.id, reason=reason), now=now
        )

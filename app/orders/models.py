"""Orders, their lines and parcels, as far as care needs them."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.foundation.columns import CreatedAt, Id, ShopId
from app.foundation.db import Base


class Order(Base):
    __tablename__ = "orders"

    id: Mapped[Id]
    shop_id: Mapped[ShopId]
    shopify_id: Mapped[int]
    shopify_updated_at: Mapped[datetime | None]  # None: known only by a parcel so far
    contact_id: Mapped[int | None] = mapped_column(
        sa.ForeignKey("contacts.id", ondelete="SET NULL")
    )
    phone_problem: Mapped[str | None]  # no_phone | invalid_phone, when there is no contact
    name: Mapped[str | None]  # "#1042"
    placed_at: Mapped[datetime | None]
    cancelled_at: Mapped[datetime | None]
    financial_status: Mapped[str | None]
    returned: Mapped[bool] = mapped_column(server_default="false")
    currency: Mapped[str | None]
    total_price: Mapped[str | None]
    locale: Mapped[str | None]
    ship_country: Mapped[str | None]
    ship_region: Mapped[str | None]
    ship_zip: Mapped[str | None]
    bill_zip: Mapped[str | None]
    status_page_url: Mapped[str | None]
    complete: Mapped[bool] = mapped_column(server_default="false")  # read in full from the API
    created_at: Mapped[CreatedAt]

    lines: Mapped[list[OrderLine]] = relationship(order_by="OrderLine.id")
    fulfillments: Mapped[list[Fulfillment]] = relationship(order_by="Fulfillment.id")

    __table_args__ = (
        sa.Index("orders_shopify", "shop_id", "shopify_id", unique=True),
        sa.Index("orders_contact", "contact_id"),
    )


class OrderLine(Base):
    __tablename__ = "order_lines"

    id: Mapped[Id]
    shop_id: Mapped[ShopId]
    order_id: Mapped[int] = mapped_column(sa.ForeignKey("orders.id", ondelete="CASCADE"))
    shopify_id: Mapped[int]
    title: Mapped[str]
    variant_title: Mapped[str | None]
    options: Mapped[dict[str, str]] = mapped_column(server_default=sa.text("'{}'"))
    sku: Mapped[str | None]
    quantity: Mapped[int]
    current_quantity: Mapped[int]
    product_id: Mapped[int | None]
    variant_id: Mapped[int | None]
    image_url: Mapped[str | None]
    requires_shipping: Mapped[bool] = mapped_column(server_default="true")

    __table_args__ = (sa.Index("order_lines_shopify", "order_id", "shopify_id", unique=True),)


class Fulfillment(Base):
    """One parcel. `delivered_at` is set once, whichever of the routes reports it first."""

    __tablename__ = "fulfillments"

    id: Mapped[Id]
    shop_id: Mapped[ShopId]
    order_id: Mapped[int] = mapped_column(sa.ForeignKey("orders.id", ondelete="CASCADE"))
    shopify_id: Mapped[int]
    shopify_updated_at: Mapped[datetime | None]
    status: Mapped[str | None]
    shipment_status: Mapped[str | None]
    tracking_company: Mapped[str | None]
    tracking_number: Mapped[str | None]
    tracking_url: Mapped[str | None]
    line_ids: Mapped[list[int]] = mapped_column(
        ARRAY(sa.BigInteger), server_default=sa.text("'{}'")
    )
    shipped_at: Mapped[datetime | None]
    estimated_delivery_at: Mapped[datetime | None]
    delivered_at: Mapped[datetime | None]
    # carrier: said so; estimate, days_after_shipping: assumed, so the wording is softer
    delivered_by: Mapped[str | None]
    created_at: Mapped[CreatedAt]

    __table_args__ = (
        sa.Index("fulfillments_shopify", "shop_id", "shopify_id", unique=True),
        sa.Index("fulfillments_order", "order_id"),
        sa.Index(
            "fulfillments_undelivered",
            "shipped_at",
            postgresql_where="delivered_at IS NULL AND status = 'success'",
        ),
    )

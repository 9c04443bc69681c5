"""A shop, how it is reached, and what its merchant prefers."""

from __future__ import annotations

from datetime import datetime, time
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.foundation.columns import CreatedAt, Id
from app.foundation.db import Base


class Shop(Base):
    """The tenant. Its rows are under row-level security by their own id."""

    __tablename__ = "shops"

    id: Mapped[Id]
    domain: Mapped[str] = mapped_column(unique=True)  # acme-outfitters.myshopify.com
    state: Mapped[str] = mapped_column(server_default="installed")  # installed | uninstalled
    name: Mapped[str]
    timezone: Mapped[str] = mapped_column(server_default="UTC")  # IANA
    country: Mapped[str | None]
    currency: Mapped[str | None]
    scopes: Mapped[str] = mapped_column(server_default="")
    installed_at: Mapped[datetime]
    uninstalled_at: Mapped[datetime | None]
    reconciled_at: Mapped[datetime | None]  # Shopify's changes were read up to then
    aged_out_until: Mapped[datetime | None]  # texts before then were emptied for their age
    created_at: Mapped[CreatedAt]


class ShopToken(Base):
    """Expiring offline token, both halves under the key ring, always written as a pair."""

    __tablename__ = "shop_tokens"

    shop_id: Mapped[int] = mapped_column(
        sa.ForeignKey("shops.id", ondelete="CASCADE"), primary_key=True
    )
    access_token: Mapped[str]  # encrypted
    refresh_token: Mapped[str]  # encrypted
    expires_at: Mapped[datetime]
    refresh_expires_at: Mapped[datetime]
    refreshing_until: Mapped[datetime | None]  # lease of the one refresher, database time
    updated_at: Mapped[CreatedAt]


class ShopPreferences(Base):
    """What the merchant chose. Defaults are the product's advice."""

    __tablename__ = "shop_preferences"

    shop_id: Mapped[int] = mapped_column(
        sa.ForeignKey("shops.id", ondelete="CASCADE"), primary_key=True
    )
    paused: Mapped[bool] = mapped_column(server_default="false")
    consent_policy: Mapped[str] = mapped_column(server_default="care_opt_in")
    check_in_delay_minutes: Mapped[int] = mapped_column(server_default="120")
    check_in_per_parcel: Mapped[bool] = mapped_column(server_default="false")
    # Where carriers never say delivered
    estimate_margin_hours: Mapped[int] = mapped_column(server_default="24")
    days_after_shipping: Mapped[int | None] = mapped_column(server_default="7")
    opener_copy: Mapped[str | None]  # None: the product's own
    soft_opener_copy: Mapped[str | None]
    window_start: Mapped[time] = mapped_column(server_default="10:00")
    window_end: Mapped[time] = mapped_column(server_default="20:00")
    sunday_start: Mapped[time] = mapped_column(server_default="12:00")
    sunday_end: Mapped[time] = mapped_column(server_default="18:00")
    support_contact: Mapped[str | None]  # e-mail or page named in the HELP answer
    ticket_opens: Mapped[str] = mapped_column(server_default="first_text")  # | handoff | arrival
    # When people answer, as `WeekHours`, in the shop's zone; None: nothing is promised
    agent_hours: Mapped[dict[str, str] | None]
    agent_closed_days: Mapped[list[str]] = mapped_column(JSONB, server_default="[]")  # 2026-12-25
    answer_minutes: Mapped[int] = mapped_column(server_default="10")  # within which they do then
    routing_rules: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, server_default="[]")
    retention_days: Mapped[int | None]  # how long texts and photos are kept; None: for good
    # How buyers may join: see app/joining
    join_keyword: Mapped[str | None]  # None: no text joins
    join_page: Mapped[bool] = mapped_column(server_default="false")
    join_double_opt_in: Mapped[bool] = mapped_column(server_default="false")
    join_marketing: Mapped[bool] = mapped_column(server_default="false")  # a second, separate box
    terms_url: Mapped[str | None]
    privacy_url: Mapped[str | None]


class Staff(Base):
    """Somebody of the merchant's who has opened the app: Shopify's user id and a role, no name."""

    __tablename__ = "staff"

    shop_id: Mapped[int] = mapped_column(
        sa.ForeignKey("shops.id", ondelete="CASCADE"), primary_key=True
    )
    # Shopify's, the `sub` of the ID token
    user_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    role: Mapped[str]  # owner | admin | agent | analyst
    added_at: Mapped[datetime]
    added_by: Mapped[str]  # staff:<user id> | operator

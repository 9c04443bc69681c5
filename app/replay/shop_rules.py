"""The shop for which a file is read: its name, its merchant's choices, and who opted out.

Called by `dry_run`. A dry run needs no running Doorstep: where no shop is installed, or the
database is away, it goes by the product's own choices, and says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import time

import sqlalchemy as sa

from app.contacts.models import Contact
from app.foundation.db import Database, is_away
from app.foundation.errors import Refused
from app.shops.models import Shop, ShopPreferences
from app.shops.preferences import preferences_of, shop_by_domain

NAME_OF_NO_SHOP = "Your shop"


@dataclass(frozen=True)
class ShopRules:
    shop_id: int
    name: str
    preferences: ShopPreferences
    opted_out: frozenset[str] = field(default=frozenset(), repr=False)
    note: str = ""  # what the reader must know of where these come from


def product_rules(note: str) -> ShopRules:
    """The choices that every shop begins with."""
    preferences = ShopPreferences(
        paused=False,
        consent_policy="care_opt_in",
        check_in_delay_minutes=120,
        check_in_per_parcel=False,
        days_after_shipping=7,
        window_start=time(10),
        window_end=time(20),
        sunday_start=time(12),
        sunday_end=time(18),
    )
    return ShopRules(0, NAME_OF_NO_SHOP, preferences, note=note)


def find_shop(db: Database, domain: str | None) -> Shop:
    """The shop named, or the only one installed. Raises Refused."""
    with db.across_shops("operator: replay, which shop") as session:
        if domain is not None:
            shop = shop_by_domain(session, domain.lower())
            if shop is None or shop.state != "installed":
                raise Refused("unknown_shop", f"{domain} has not installed the app")
            return shop
        shops: Sequence[Shop] = session.scalars(
            sa.select(Shop).where(Shop.state == "installed").order_by(Shop.domain)
        ).all()
    if not shops:
        raise Refused("no_shop", "no shop has installed the app yet; `make run` installs one")
    if len(shops) > 1:
        names = ", ".join(shop.domain for shop in shops[:5])
        raise Refused("which_shop", f"several shops are installed ({names} …): choose with --shop")
    return shops[0]


def read_rules(db: Database, domain: str | None) -> ShopRules:
    """What is known of the shop. Raises Refused if a shop was named that is not installed."""
    try:
        shop = find_shop(db, domain)
    except Refused as refused:
        if refused.reason != "no_shop":
            raise
        return product_rules("No shop is installed: the product's own settings apply.")
    except Exception as error:
        if domain is not None or not is_away(error):
            raise
        return product_rules("The database is away: the product's own settings apply.")
    with db.shop(shop.id) as session:
        preferences = preferences_of(session, shop.id)
        opted_out = session.scalars(
            sa.select(Contact.phone).where(Contact.opted_out_at.is_not(None))
        )
        return ShopRules(shop.id, shop.name, preferences, frozenset(opted_out))

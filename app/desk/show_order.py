"""An order as an agent's page shows it: items, sizes, parcels. Pure; called by `show_thread`.

Addresses of pictures and pages come from outside and become links in the agent's browser, so only
those of the web pass: none that runs a script.
"""

from __future__ import annotations

from app.desk.show_texts import iso
from app.helpdesk.compose import moment
from app.orders.models import Fulfillment, Order, OrderLine

PROBLEMS = frozenset({"failure", "not_delivered", "attempted_delivery", "delayed"})
GONE = frozenset({"cancelled", "error", "failure"})  # fulfillments that are no parcel any more


def show_order(order: Order, *, shop_domain: str, zone: str) -> dict[str, object]:
    """`zone`: the shop's, for the parcels' words, as in the ticket's note."""
    store = shop_domain.removesuffix(".myshopify.com")
    return {
        **show_other(order),
        "status": "cancelled" if order.cancelled_at else words(order.financial_status),
        "admin_url": f"https://admin.shopify.com/store/{store}/orders/{order.shopify_id}",
        "status_page_url": web_only(order.status_page_url),
        "lines": [show_line(line) for line in order.lines if line.current_quantity > 0],
        "parcels": [show_parcel(one, zone) for one in order.fulfillments if one.status not in GONE],
    }


def show_other(order: Order) -> dict[str, object]:
    total = f"{order.total_price} {order.currency or ''}".strip() if order.total_price else None
    return {
        "name": order.name or f"{order.shopify_id}",
        "placed_at": iso(order.placed_at),
        "total": total,
    }


def show_line(line: OrderLine) -> dict[str, object]:
    return {
        "title": line.title,
        "variant": line.variant_title,
        "options": line.options,
        "sku": line.sku,
        "quantity": line.current_quantity,
        "image_url": web_only(line.image_url),
    }


def show_parcel(parcel: Fulfillment, zone: str) -> dict[str, object]:
    """A parcel that arrived is no problem any more, whatever was said before."""
    status = parcel.shipment_status or ""
    if parcel.delivered_at is not None:
        by = "" if parcel.delivered_by == "carrier" else " (assumed, the carrier did not say)"
        state, said = "arrived", f"Arrived {moment(parcel.delivered_at, zone)}{by}"
    elif status in PROBLEMS:
        state, said = "problem", f"The carrier says: {words(status)}"
    elif parcel.shipped_at is not None:
        state, said = "on_the_way", f"On its way since {moment(parcel.shipped_at, zone)}"
    else:
        state, said = "on_the_way", "Not handed to the carrier yet"
    return {
        "carrier": parcel.tracking_company,
        "number": parcel.tracking_number,
        "url": web_only(parcel.tracking_url),
        "state": state,
        "words": said,
        "at": iso(parcel.delivered_at or parcel.shipped_at),
    }


def words(code: str | None) -> str | None:
    return code.replace("_", " ") if code else None


def web_only(url: str | None) -> str | None:
    return url if url and url.startswith(("https://", "http://")) else None

"""What may follow a sale: refund, cancellation, return. Each sends the webhooks Shopify would."""

from __future__ import annotations

from decimal import Decimal

from sandbox.shopify import payloads
from sandbox.shopify.store import Record
from sandbox.shopify.world import ActionRefused, ShopifyWorld

CANCEL_REASONS = ("customer", "declined", "fraud", "inventory", "other", "staff")


def refund(
    world: ShopifyWorld,
    shop: Record,
    order: Record,
    *,
    amount: str | None = None,
    lines: list[Record] | None = None,
    note: str | None = None,
    announce: bool = True,
) -> Record:
    """Give money back: all that is left, or `amount`, or for `lines` ({line_id, quantity})."""
    refunded = sum((Decimal(one["amount"]) for one in order["refunds"]), Decimal(0))
    left = Decimal(order["total"]) - refunded
    by_id = {one["id"]: one for one in order["lines"]}
    parts = lines or []
    if lines is None and amount is None:
        parts = [
            {"line_id": one["id"], "quantity": one["current_quantity"]}
            for one in order["lines"]
            if one["current_quantity"]
        ]
    for part in parts:
        line = by_id.get(part["line_id"])
        if line is None or not 0 < part["quantity"] <= line["current_quantity"]:
            raise ActionRefused("that line has not so many pieces left to refund")
    worth = sum((Decimal(by_id[p["line_id"]]["price"]) * p["quantity"] for p in parts), Decimal(0))
    money = Decimal(amount) if amount else (left if lines is None else worth)
    if not 0 < money <= left:
        raise ActionRefused(f"between 0 and {left} can be refunded")
    with world.store.changing():
        made: Record = {
            "id": world.store.next_id(),
            "transaction_id": world.store.next_id(),
            "created_at": world.stamp(),
            "amount": f"{money:.2f}",
            "note": note,
            "lines": [{"id": world.store.next_id(), **part} for part in parts],
        }
        for part in parts:
            by_id[part["line_id"]]["current_quantity"] -= part["quantity"]
        order["refunds"].append(made)
        order["financial_status"] = "refunded" if money == left else "partially_refunded"
        world.keep_order(order)
        if announce:
            world.announce(shop, "refunds/create", payloads.refund(shop, order, made))
            world.announce_order(shop, order, "orders/updated")
        world.tell_order(order, order["financial_status"])
    return made


def cancel(
    world: ShopifyWorld,
    shop: Record,
    order: Record,
    *,
    reason: str = "customer",
    announce: bool = True,
) -> None:
    """The order is called off; parcels on their way must be cancelled first."""
    if reason not in CANCEL_REASONS:
        raise ActionRefused(f"reason must be one of {', '.join(CANCEL_REASONS)}")
    if order["cancelled_at"]:
        raise ActionRefused("the order is cancelled already")
    if any(parcel["status"] == "success" for parcel in order["fulfillments"]):
        raise ActionRefused("cancel its fulfillments first")
    with world.store.changing():
        order["cancelled_at"] = world.stamp()
        order["cancel_reason"] = reason
        order["financial_status"] = "refunded"
        world.keep_order(order)
        if announce:
            world.announce_order(shop, order, "orders/cancelled")
            world.announce_order(shop, order, "orders/updated")
        world.tell_order(order, "cancelled")


def request_return(
    world: ShopifyWorld,
    shop: Record,
    order: Record,
    *,
    reason: str = "SIZE_TOO_SMALL",
    approved: bool = False,
    announce: bool = True,
) -> Record:
    """The buyer asks to send back what arrived; with `approved` the merchant opens it at once."""
    lines = [
        {"id": world.store.next_id(), "part_id": part["id"], "quantity": part["quantity"]}
        for parcel in order["fulfillments"]
        if parcel["status"] == "success"
        for part in parcel["lines"]
    ]
    if not lines:
        raise ActionRefused("nothing was shipped that could be returned")
    if any(one["status"] in ("REQUESTED", "OPEN") for one in order["returns"]):
        raise ActionRefused("a return is under way already")
    with world.store.changing():
        made: Record = {
            "id": world.store.next_id(),
            "name": f"{order['name']}-R{len(order['returns']) + 1}",
            "status": "OPEN" if approved else "REQUESTED",
            "reason": reason,
            "created_at": world.stamp(),
            "lines": lines,
        }
        order["returns"].append(made)
        world.store.note_part(made["id"], order["id"])
        topic = "returns/approve" if approved else "returns/request"
        _after_return(world, shop, order, made, topic, announce)
    return made


def approve_return(
    world: ShopifyWorld, shop: Record, order: Record, made: Record, *, announce: bool = True
) -> None:
    """The merchant accepts a requested return."""
    if made["status"] != "REQUESTED":
        raise ActionRefused("the return is not waiting for approval")
    with world.store.changing():
        made["status"] = "OPEN"
        _after_return(world, shop, order, made, "returns/approve", announce)


def _after_return(
    world: ShopifyWorld, shop: Record, order: Record, made: Record, topic: str, announce: bool
) -> None:
    world.keep_order(order)
    if announce:
        world.announce(shop, topic, payloads.returned(order, made))
        world.announce_order(shop, order, "orders/updated")
    world.tell_order(order, topic.replace("/", " "))

"""What buyers, merchants and carriers do, each one HTTP call: `POST /shopify/_actions/<name>`.

Arguments come as a JSON object and are checked against the signature; `GET /shopify/_actions`
lists every action with its arguments and docstring. Ids may come as numbers, as text (JavaScript
cannot hold them as numbers) or as gids, and are answered as text; an `order_id` may be "#1001".
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import fields
from typing import Any

from sandbox.shopify import aftersales, orders, parcels, payloads, shop_actions
from sandbox.shopify.registry import ACTIONS, Action, BadArguments, NoSuchAction, action
from sandbox.shopify.store import Record
from sandbox.shopify.world import ActionRefused, ShopifyWorld

__all__ = ["BadArguments", "NoSuchAction", "documentation", "perform", "shop_actions"]

BASKET_FIELDS = {field.name for field in fields(orders.Basket)}
MOST_STEPS = 20_000
STEPS_A_CHANGE = 100
MOST_PENDING = 2_000


def perform(world: ShopifyWorld, name: str, arguments: Record) -> Any:
    """Carry one action out, all or nothing. Raises NoSuchAction, BadArguments, ActionRefused."""
    wanted = ACTIONS.get(name)
    if wanted is None:
        raise NoSuchAction(f"no action {name}; there are: {', '.join(sorted(ACTIONS))}")
    if wanted.whole:
        with world.store.changing():
            return _call(world, wanted.run, arguments)
    return _call(world, wanted.run, arguments)


def _call(world: ShopifyWorld, run: Callable[..., Any], arguments: Record) -> Any:
    try:
        inspect.signature(run).bind(world, **arguments)
    except TypeError as error:
        raise BadArguments(f"{error}; it takes {_arguments(run)}") from None
    try:
        return run(world, **arguments)
    except (TypeError, ValueError, ArithmeticError) as error:
        raise BadArguments(f"an argument does not fit: {error}") from None


def documentation() -> list[Record]:
    """Name, arguments and meaning of every action."""
    return [
        {"name": name, "arguments": _arguments(one.run), "about": inspect.getdoc(one.run)}
        for name, one in sorted(ACTIONS.items())
    ]


def _arguments(run: Callable[..., Any]) -> str:
    parameters = list(inspect.signature(run).parameters.values())[1:]
    return ", ".join(str(one).split(":")[0].split("=")[0] for one in parameters) or "nothing"


@action
def place_order(
    world: ShopifyWorld, *, shop: str | None = None, announce: bool = True, **basket: Any
) -> Record:
    """A buyer checks out. All optional: shop, buyer, phone, email, phone_on (list of shipping,
    order, customer, billing), address1, city, state, zip_code, country, locale, items (list of
    {sku, quantity} or {title, variant_title, price, sku, quantity}), care_consent (true, false or
    the wording), sms_marketing, attributes ([{name, value}]), name ("#1042"), created_at, total,
    announce (false: no webhook). Sends orders/create."""
    unknown = set(basket) - BASKET_FIELDS
    if unknown:
        raise BadArguments(
            f"no such argument: {', '.join(sorted(unknown))}; a basket takes"
            f" {', '.join(sorted(BASKET_FIELDS))}"
        )
    for name in ("items", "attributes", "phone_on"):
        if name in basket:
            basket[name] = tuple(basket[name])
    order = orders.place(world, world.shop(shop), orders.Basket(**basket), announce=announce)
    return summary(world, order)


@action
def ship(
    world: ShopifyWorld,
    *,
    order_id: str,
    shop: str | None = None,
    parcels: int | list[list[int]] = 1,
    carrier: str = "UPS",
    estimated_delivery_at: str | None = None,
    announce: bool = True,
) -> Record:
    """Ship what has not left yet: in so many parcels, or in these (lists of line positions).
    Sends fulfillments/create for each parcel, then orders/updated."""
    order = find_order(world, shop, order_id)
    _parcels_ship(world, order, parcels, carrier, estimated_delivery_at, announce)
    return summary(world, order)


def _parcels_ship(
    world: ShopifyWorld,
    order: Record,
    number: int | list[list[int]],
    carrier: str,
    estimated: str | None,
    announce: bool,
) -> None:
    parcels.ship(
        world,
        world.shop(order["shop"]),
        order,
        parcels=number,
        carrier=carrier,
        estimated_delivery_at=estimated,
        announce=announce,
    )


@action
def scan(
    world: ShopifyWorld,
    *,
    status: str = "delivered",
    order_id: str | None = None,
    fulfillment_id: str | None = None,
    shop: str | None = None,
    message: str | None = None,
    happened_at: str | None = None,
    estimated_delivery_at: str | None = None,
    announce: bool = True,
) -> Record:
    """The carrier reports on one parcel (fulfillment_id) or on all of an order (order_id); an
    order that has not left is shipped first. Status: in_transit, out_for_delivery,
    attempted_delivery, delivered, delayed, failure, ready_for_pickup, label_printed, ….
    Sends fulfillment_events/create, fulfillments/update and orders/updated."""
    if fulfillment_id is not None:
        order, chosen = find_parcel(world, fulfillment_id)
        moved = [chosen]
    elif order_id is not None:
        order = find_order(world, shop, order_id)
        if not order["fulfillments"]:
            _parcels_ship(world, order, 1, "UPS", None, announce)
        moved = [one for one in order["fulfillments"] if one["status"] == "success"]
    else:
        raise BadArguments("say which order_id or fulfillment_id")
    for parcel in moved:
        parcels.scan(
            world,
            world.shop(order["shop"]),
            order,
            parcel,
            status,
            message=message,
            happened_at=happened_at,
            estimated_delivery_at=estimated_delivery_at,
            announce=announce,
        )
    return summary(world, order)


@action
def cancel_fulfillment(
    world: ShopifyWorld, *, fulfillment_id: str, announce: bool = True
) -> Record:
    """The merchant cancels one parcel. Sends fulfillments/update and orders/updated."""
    order, parcel = find_parcel(world, fulfillment_id)
    parcels.cancel_parcel(world, world.shop(order["shop"]), order, parcel, announce=announce)
    return summary(world, order)


@action
def refund(
    world: ShopifyWorld,
    *,
    order_id: str,
    shop: str | None = None,
    amount: str | None = None,
    lines: list[Record] | None = None,
    note: str | None = None,
    announce: bool = True,
) -> Record:
    """Give money back: everything, an amount ("12.50"), or for lines ([{line_id, quantity}]).
    Sends refunds/create and orders/updated."""
    order = find_order(world, shop, order_id)
    if lines is not None:
        lines = [
            {"line_id": number(one["line_id"]), "quantity": int(one["quantity"])} for one in lines
        ]
    aftersales.refund(
        world,
        world.shop(order["shop"]),
        order,
        amount=None if amount is None else str(amount),
        lines=lines,
        note=note,
        announce=announce,
    )
    return summary(world, order)


@action
def cancel_order(
    world: ShopifyWorld,
    *,
    order_id: str,
    shop: str | None = None,
    reason: str = "customer",
    announce: bool = True,
) -> Record:
    """The order is called off (customer, declined, fraud, inventory, other, staff); parcels must
    be cancelled before. Sends orders/cancelled and orders/updated."""
    order = find_order(world, shop, order_id)
    aftersales.cancel(world, world.shop(order["shop"]), order, reason=reason, announce=announce)
    return summary(world, order)


@action
def request_return(
    world: ShopifyWorld,
    *,
    order_id: str,
    shop: str | None = None,
    approved: bool = False,
    announce: bool = True,
) -> Record:
    """The buyer asks to send back what was shipped; `approved` opens it at once. Sends
    returns/request (or returns/approve) and orders/updated."""
    order = find_order(world, shop, order_id)
    aftersales.request_return(
        world, world.shop(order["shop"]), order, approved=approved, announce=announce
    )
    return summary(world, order)


@action
def approve_return(
    world: ShopifyWorld, *, order_id: str, shop: str | None = None, announce: bool = True
) -> Record:
    """The merchant accepts the requested return. Sends returns/approve and orders/updated."""
    order = find_order(world, shop, order_id)
    if not order["returns"]:
        raise ActionRefused("no return was requested")
    made = order["returns"][-1]
    aftersales.approve_return(world, world.shop(order["shop"]), order, made, announce=announce)
    return summary(world, order)


def batch(world: ShopifyWorld, *, steps: list[Record], pause: bool = True) -> list[Any]:
    """Many actions in one call, in order: [{"do": "place_order", …}, …], at most 20,000. In an
    argument, "$3" stands for the order made by step 3 (counted from 0). With `pause` it waits
    whenever 2,000 webhooks are still unsent. Answers one result each; a refused step is
    {"error": …} and does not stop the rest."""
    if len(steps) > MOST_STEPS:
        raise BadArguments(f"at most {MOST_STEPS} steps")
    results: list[Any] = []
    for start in range(0, len(steps), STEPS_A_CHANGE):
        while pause and world.courier.pending > MOST_PENDING:
            world.courier.wait_until_quiet(0.2)
        with world.store.changing():
            for step in steps[start : start + STEPS_A_CHANGE]:
                results.append(_step(world, dict(step), results))
    return results


def _step(world: ShopifyWorld, step: Record, results: list[Any]) -> Any:
    name = str(step.pop("do", ""))
    for key, value in step.items():
        if isinstance(value, str) and value.startswith("$") and value[1:].isdigit():
            step[key] = results[int(value[1:])].get("order_id")
    try:
        if name == "batch":
            raise BadArguments("a batch holds no batch")
        return perform(world, name, step)
    except (NoSuchAction, BadArguments, ActionRefused) as error:
        return {"error": str(error)}


ACTIONS["batch"] = Action(batch, whole=False)


@action
def state(world: ShopifyWorld, *, shop: str | None = None, limit: int = 20) -> Record:
    """The shop, its latest orders and its latest webhooks, for the page."""
    here = world.shop(shop)
    latest = world.store.orders("shop = ?", [here["domain"]], "id DESC", int(limit))
    return {
        "shop": {key: here[key] for key in ("domain", "name", "timezone", "installed", "scopes")},
        "orders": [summary(world, order) for order in latest],
        "order_count": world.store.count_orders(here["domain"]),
        "webhooks_pending": world.courier.pending,
        "webhooks": list(world.courier.recent)[-int(limit) :][::-1],
    }


def summary(world: ShopifyWorld, order: Record) -> Record:
    """An order in short, ids as text."""
    customer = world.store.customer(order["customer_id"])
    return {
        "order_id": str(order["id"]),
        "name": order["name"],
        "shop": order["shop"],
        "buyer": order["shipping_address"]["name"],
        "phone": order["phone"]
        or order["shipping_address"]["phone"]
        or (customer or {}).get("phone")
        or order["billing_address"]["phone"],
        "customer_id": str(order["customer_id"]),
        "sms_marketing": customer["sms"]["state"] if customer else None,
        "care_consent": any(
            one["name"] == orders.CARE_CONSENT_KEY for one in order["note_attributes"]
        ),
        "created_at": order["created_at"],
        "updated_at": order["updated_at"],
        "cancelled_at": order["cancelled_at"],
        "total": order["total"],
        "currency": order["currency"],
        "financial_status": order["financial_status"],
        "fulfillment_status": payloads.fulfillment_status(order),
        "lines": [
            {
                "line_id": str(line["id"]),
                "title": line["title"],
                "variant_title": line["variant_title"],
                "quantity": line["quantity"],
                "current_quantity": line["current_quantity"],
                "image": world.image_url(line["image"]),
            }
            for line in order["lines"]
        ],
        "fulfillments": [
            {
                "fulfillment_id": str(parcel["id"]),
                "name": parcel["name"],
                "status": parcel["status"],
                "shipment_status": parcel["shipment_status"],
                "carrier": parcel["carrier"],
                "tracking_number": parcel["tracking_number"],
            }
            for parcel in order["fulfillments"]
        ],
        "returns": [{"name": one["name"], "status": one["status"]} for one in order["returns"]],
    }


def number(value: str | int) -> int:
    """An id from a number, text or gid. Raises BadArguments."""
    tail = str(value).rpartition("/")[2]
    if not tail.isdigit():
        raise BadArguments(f"not an id: {value}")
    return int(tail)


def find_order(world: ShopifyWorld, shop: str | None, order_id: str | int) -> Record:
    """The order with this id or name. Raises ActionRefused."""
    text = str(order_id)
    if text.startswith("#"):
        found = world.store.order_named(world.shop(shop)["domain"], text)
    else:
        found = world.store.order(number(text))
    if found is None or (shop is not None and found["shop"] != shop):
        raise ActionRefused(f"no order {order_id}")
    return found


def find_parcel(world: ShopifyWorld, fulfillment_id: str | int) -> tuple[Record, Record]:
    """The parcel and its order. Raises ActionRefused."""
    wanted = number(fulfillment_id)
    order = world.store.order_of(wanted)
    for parcel in order["fulfillments"] if order else ():
        if parcel["id"] == wanted and order is not None:
            return order, parcel
    raise ActionRefused(f"no fulfillment {fulfillment_id}")

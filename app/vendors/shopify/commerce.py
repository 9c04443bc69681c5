"""Orders and shops read from Shopify's GraphQL API, in the words of `orders.ports`; one consent
written to it.

Called by the jobs that complete an order, reconcile by polling, open a shop or sync consent.
Translates and decides nothing: Shopify's enums become the lower-case words of its webhooks, so
that both sources of `OrderFacts` agree, and a word that we do not know is passed on as it is.

Shopify shows orders of the last 60 days only, unless the app holds `read_all_orders`; older ones
are as unknown as those that never were. Fields that it withholds (protected customer data without
approval, a scope not granted) are None.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from app.foundation.errors import Permanent
from app.orders.ports import (
    CustomerFacts,
    FulfillmentFacts,
    LineFacts,
    OrderFacts,
    Place,
    ShopFacts,
    SmsMarketing,
)
from app.shops.ports import ShopAccess
from app.vendors.shopify.client import VENDOR, Answer, ShopifyClient, load_operations
from app.vendors.shopify.values import (
    gid,
    moment,
    money,
    named_values,
    number_of,
    phones,
    record,
    records,
    text,
    whole,
    word,
)

Node = Mapping[str, Any]

_SHOP = load_operations("shop.graphql")
_ORDERS = load_operations("orders.graphql")
_CONSENT = load_operations("consent.graphql")
_FEW_PARCELS = 5  # as many as an order is first read with
_STATUS_PAGE = "statusPageUrl"

# FulfillmentDisplayStatus -> shipment_status. These say how far the merchant got, not the carrier.
_NO_SHIPMENT = {"fulfilled", "marked_as_fulfilled", "submitted", "canceled", "label_voided"}
_FULFILLMENT_WORDS = {"partially_fulfilled": "partial"}
_RETURNED = {"in_progress", "inspection_complete", "returned", "return_requested"}


class ShopifyCommerce:
    """Fulfils `orders.ports.Commerce`."""

    def __init__(self, client: ShopifyClient) -> None:
        self._client = client

    def read_shop(self, access: ShopAccess) -> ShopFacts:
        data = self._client.run(access, _SHOP["ReadShop"]).data
        shop = record(data.get("shop"))
        zone, currency = text(shop.get("ianaTimezone")), text(shop.get("currencyCode"))
        if not zone or not currency:
            raise Permanent(VENDOR, "the shop tells neither its zone nor its currency")
        granted = records(record(data.get("currentAppInstallation")).get("accessScopes"))
        return ShopFacts(
            name=text(shop.get("name")) or access.domain,
            email=text(shop.get("email")),
            timezone=zone,
            currency=currency,
            country=text(record(shop.get("shopAddress")).get("countryCodeV2")),
            scopes=",".join(scope for one in granted if (scope := text(one.get("handle")))),
        )

    def read_order(self, access: ShopAccess, order_id: int) -> OrderFacts | None:
        answer = self._ask(access, "ReadOrder", {"id": gid("Order", order_id)})
        order = answer.data.get("order")
        if order is None and answer.withheld:
            raise Permanent(VENDOR, "the order is withheld", code="ACCESS_DENIED")
        return None if order is None else self._facts(access, record(order), answer)

    def orders_updated_since(
        self, access: ShopAccess, since: datetime
    ) -> Iterator[Sequence[OrderFacts]]:
        moved = since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        after: str | None = None
        while True:
            answer = self._ask(
                access, "OrdersUpdatedSince", {"query": f"updated_at:>='{moved}'", "after": after}
            )
            orders = answer.data.get("orders")
            if orders is None and answer.withheld:
                raise Permanent(VENDOR, "orders are withheld", code="ACCESS_DENIED")
            nodes, following = _page(orders)
            facts = [self._facts(access, node, answer) for node in nodes]
            if facts:
                yield facts
            if following is None:
                return
            after = following

    def write_sms_marketing(self, access: ShopAccess, change: SmsMarketing) -> None:
        consent = {
            "marketingState": "SUBSCRIBED" if change.subscribed else "UNSUBSCRIBED",
            "marketingOptInLevel": "CONFIRMED_OPT_IN" if change.confirmed else "SINGLE_OPT_IN",
            "consentUpdatedAt": change.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
        customer = gid("Customer", change.customer_id)
        self._client.run(
            access,
            _CONSENT["WriteSmsMarketing"],
            {"input": {"customerId": customer, "smsMarketingConsent": consent}},
        )

    def _ask(self, access: ShopAccess, name: str, variables: Mapping[str, Any]) -> Answer:
        """Orders, without their status page if that is withheld from us."""
        operation = _ORDERS[name]
        answer = self._client.run(access, operation, {**variables, "statusPage": True})
        if any(path.endswith(_STATUS_PAGE) for path in answer.withheld):
            answer = self._client.run(access, operation, {**variables, "statusPage": False})
        return answer

    def _facts(self, access: ShopAccess, order: Node, answer: Answer) -> OrderFacts:
        order_id, updated_at = number_of(order.get("id")), moment(order.get("updatedAt"))
        if order_id is None or updated_at is None:
            raise Permanent(VENDOR, "an order has neither id nor time of change")
        found = phones(_phone_fields(order))
        withheld = any(path.endswith(("phone", "phoneNumber")) for path in answer.withheld)
        return OrderFacts(
            shopify_id=order_id,
            updated_at=updated_at,
            name=text(order.get("name")),
            created_at=moment(order.get("createdAt")),
            cancelled_at=moment(order.get("cancelledAt")),
            financial_status=word(order.get("displayFinancialStatus")),
            fulfillment_status=_plainly(order.get("displayFulfillmentStatus")),
            currency=text(order.get("currencyCode")),
            total_price=money(
                record(record(order.get("totalPriceSet")).get("shopMoney")).get("amount")
            ),
            locale=text(order.get("customerLocale")),
            customer=_customer(order),
            phones=None if withheld and not found else found,
            shipping=_place(order.get("shippingAddress")),
            billing=_place(order.get("billingAddress")),
            status_page_url=text(order.get(_STATUS_PAGE)),
            attributes=named_values(order.get("customAttributes"), "key"),
            lines=tuple(
                _line(node)
                for node in self._nodes(access, order, "lineItems", kind="order", more="MoreLines")
            ),
            fulfillments=tuple(
                _fulfillment(parcel, self._parcel_lines(access, parcel))
                for parcel in self._parcels(access, order)
            ),
            has_return=word(order.get("returnStatus")) in _RETURNED,
            complete=True,
        )

    def _parcels(self, access: ShopAccess, order: Node) -> Sequence[Node]:
        parcels = records(order.get("fulfillments"))
        if len(parcels) < _FEW_PARCELS:
            return parcels
        answer = self._client.run(access, _ORDERS["AllParcels"], {"id": order["id"]})
        return records(record(answer.data.get("order")).get("fulfillments"))

    def _parcel_lines(self, access: ShopAccess, parcel: Node) -> Iterator[Node]:
        field = "fulfillmentLineItems"
        return self._nodes(access, parcel, field, kind="fulfillment", more="MoreParcelLines")

    def _nodes(
        self, access: ShopAccess, holder: Node, field: str, *, kind: str, more: str
    ) -> Iterator[Node]:
        """All nodes of a connection of `holder`, its further pages read by the operation `more`."""
        nodes, after = _page(holder.get(field))
        yield from nodes
        while after is not None:
            variables = {"id": holder["id"], "after": after}
            answer = self._client.run(access, _ORDERS[more], variables)
            nodes, after = _page(record(answer.data.get(kind)).get(field))
            yield from nodes


def _page(connection: object) -> tuple[list[Node], str | None]:
    """A connection's nodes, and the cursor to go on from if there are more."""
    known = record(connection)
    info = record(known.get("pageInfo"))
    return records(known.get("nodes")), text(info.get("endCursor")) if info.get(
        "hasNextPage"
    ) else None


def _phone_fields(order: Node) -> Iterator[object]:
    """In the documented order: order, shipping address, customer, billing address."""
    yield order.get("phone")
    yield record(order.get("shippingAddress")).get("phone")
    customer = record(order.get("customer"))
    yield record(customer.get("defaultPhoneNumber")).get("phoneNumber")
    yield record(order.get("billingAddress")).get("phone")


def _customer(order: Node) -> CustomerFacts | None:
    customer = record(order.get("customer"))
    facts = CustomerFacts(
        shopify_id=number_of(customer.get("id")),
        first_name=text(customer.get("firstName")),
        last_name=text(customer.get("lastName")),
        email=text(order.get("email")),
    )
    return None if facts == CustomerFacts() else facts


def _place(address: object) -> Place | None:
    if not isinstance(address, Mapping):
        return None
    return Place(
        country=text(address.get("countryCodeV2")),
        region=text(address.get("provinceCode")),
        zip=text(address.get("zip")),
    )


def _line(line: Node) -> LineFacts:
    line_id, quantity = number_of(line.get("id")), whole(line.get("quantity"))
    if line_id is None:
        raise Permanent(VENDOR, "an order line has no id")
    variant, product = record(line.get("variant")), record(line.get("product"))
    preview = record(record(product.get("featuredMedia")).get("preview"))
    return LineFacts(
        shopify_id=line_id,
        title=text(line.get("title")) or "",
        quantity=quantity if quantity is not None else 1,
        current_quantity=whole(line.get("currentQuantity")),
        variant_title=text(line.get("variantTitle")),
        sku=text(line.get("sku")),
        product_id=number_of(product.get("id")),
        variant_id=number_of(variant.get("id")),
        options=named_values(variant.get("selectedOptions"), "name"),
        image_url=text(record(line.get("image")).get("url"))
        or text(record(preview.get("image")).get("url")),
        requires_shipping=line.get("requiresShipping") is not False,
    )


def _fulfillment(parcel: Node, lines: Iterator[Node]) -> FulfillmentFacts:
    parcel_id = number_of(parcel.get("id"))
    if parcel_id is None:
        raise Permanent(VENDOR, "a parcel has no id")
    tracking = next(iter(records(parcel.get("trackingInfo"))), {})
    line_ids = (number_of(record(line.get("lineItem")).get("id")) for line in lines)
    return FulfillmentFacts(
        shopify_id=parcel_id,
        status=word(parcel.get("status")),
        shipment_status=shipment_status(parcel.get("displayStatus")),
        tracking_company=text(tracking.get("company")),
        tracking_number=text(tracking.get("number")),
        tracking_url=text(tracking.get("url")),
        created_at=moment(parcel.get("createdAt")),
        updated_at=moment(parcel.get("updatedAt")),
        estimated_delivery_at=moment(parcel.get("estimatedDeliveryAt")),
        delivered_at=moment(parcel.get("deliveredAt")) or _arrival_scan(parcel),
        line_ids=tuple(line_id for line_id in line_ids if line_id is not None),
    )


def _arrival_scan(parcel: Node) -> datetime | None:
    """When the last scan was the arrival, its time."""
    for scan in records(record(parcel.get("events")).get("nodes")):
        if word(scan.get("status")) in ("delivered", "picked_up"):
            return moment(scan.get("happenedAt"))
    return None


def shipment_status(display_status: object) -> str | None:
    """How far the carrier is, in the webhooks' words; None where only the merchant has spoken."""
    status = word(display_status)
    return None if status in _NO_SHIPMENT else status


def _plainly(display_status: object) -> str | None:
    status = word(display_status)
    return _FULFILLMENT_WORDS.get(status, status) if status else None

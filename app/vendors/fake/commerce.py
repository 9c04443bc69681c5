"""A shop's orders in memory, for tests at unit speed. Fulfils `orders.ports.Commerce`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from app.foundation.errors import Refused, VendorFailure
from app.orders.ports import OrderFacts, ShopFacts, SmsMarketing
from app.shops.ports import ShopAccess, TokenDead

PAGE = 10


class FakeCommerce:
    """Holds what a test put in; answers only to the token that it was told."""

    def __init__(self) -> None:
        self._shops: dict[str, ShopFacts] = {}
        self._tokens: dict[str, str] = {}
        self._orders: dict[tuple[str, int], OrderFacts] = {}
        self._failures: list[VendorFailure] = []
        self._without_phone: set[int] = set()
        self.sms_marketing: list[SmsMarketing] = []  # what was written, in order

    def add_shop(self, domain: str, facts: ShopFacts, *, access_token: str) -> None:
        self._shops[domain] = facts
        self._tokens[domain] = access_token

    def put_order(self, domain: str, facts: OrderFacts) -> None:
        """Store the order as the shop knows it now; replaces what was known."""
        self._orders[domain, facts.shopify_id] = facts

    def forget_phone(self, customer_id: int) -> None:
        """As of now this customer has no phone, so there is no consent to set."""
        self._without_phone.add(customer_id)

    def fail_next(self, *failures: VendorFailure) -> None:
        """The next calls raise these, one each."""
        self._failures.extend(failures)

    def read_shop(self, access: ShopAccess) -> ShopFacts:
        self._admit(access)
        return self._shops[access.domain]

    def read_order(self, access: ShopAccess, order_id: int) -> OrderFacts | None:
        self._admit(access)
        return self._orders.get((access.domain, order_id))

    def orders_updated_since(
        self, access: ShopAccess, since: datetime
    ) -> Iterator[Sequence[OrderFacts]]:
        self._admit(access)
        changed = sorted(
            (
                facts
                for (domain, _), facts in self._orders.items()
                if domain == access.domain and facts.updated_at >= since
            ),
            key=lambda facts: facts.updated_at,
        )
        for start in range(0, len(changed), PAGE):
            yield changed[start : start + PAGE]

    def write_sms_marketing(self, access: ShopAccess, change: SmsMarketing) -> None:
        self._admit(access)
        if change.customer_id in self._without_phone:
            raise Refused("user_errors", "a phone number is required")
        self.sms_marketing.append(change)

    def _admit(self, access: ShopAccess) -> None:
        if self._failures:
            raise self._failures.pop(0)
        if self._tokens.get(access.domain) != access.access_token:
            raise TokenDead("shopify", "the token is not honoured", code="401", status=401)

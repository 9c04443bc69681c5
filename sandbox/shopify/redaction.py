"""What an app without approval for protected customer data does not get to see in webhooks.

https://shopify.dev/docs/apps/launch/protected-customer-data says "redacted" and no more; that the
fields are left out is our reading. GraphQL's half is in `graph`.
"""

from __future__ import annotations

from typing import Any

PROTECTED = {
    "first_name",
    "last_name",
    "address1",
    "address2",
    "zip",
    "phone",
    "email",
    "contact_email",
    "latitude",
    "longitude",
    "order_status_url",
}
NAMED = {"shipping_address", "billing_address", "destination", "customer", "default_address"}


def without_protected(value: Any, *, named: bool = False) -> Any:
    """The same body as an app without approval sees it."""
    if isinstance(value, list):
        return [without_protected(one, named=named) for one in value]
    if not isinstance(value, dict):
        return value
    return {
        key: without_protected(inner, named=key in NAMED)
        for key, inner in value.items()
        if key not in PROTECTED and not (named and key == "name")
    }

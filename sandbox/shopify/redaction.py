"""What an app without approval for protected customer data does not get to see in webhooks.

https://shopify.dev/docs/apps/launch/protected-customer-data says "redacted" and no more; our
reading: left out of addresses and of the customer, null elsewhere. GraphQL's half is in `graph`.
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
NAMED = {"shipping_address", "billing_address", "destination", "customer"}


def without_protected(value: Any, *, about_a_person: bool = False) -> Any:
    """The same body as an app without approval sees it."""
    if isinstance(value, list):
        return [without_protected(one) for one in value]
    if not isinstance(value, dict):
        return value
    if not about_a_person:
        return {
            key: None if key in PROTECTED else without_protected(inner, about_a_person=key in NAMED)
            for key, inner in value.items()
        }
    hidden = PROTECTED | {"name", "default_address"}
    return {key: inner for key, inner in value.items() if key not in hidden}

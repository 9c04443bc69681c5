"""Who buys in the sandbox: invented people with numbers reserved for fiction (555-01xx).

Shown by the page and by `/sandbox/about`; number, address and zone of each fit together, so that
quiet hours can be watched across the country.
"""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.shopify.catalogue import RANGE


@dataclass(frozen=True)
class Buyer:
    name: str
    phone: str | None
    email: str
    address1: str
    city: str
    state: str
    zip_code: str
    zone: str


CAST = (
    Buyer(
        "Maya Okafor",
        "+14155550142",
        "maya.okafor@example.com",
        "418 Alder Street",
        "Portland",
        "OR",
        "97205",
        "America/Los_Angeles",
    ),
    Buyer(
        "Theo Lindqvist",
        "+12125550117",
        "theo.lindqvist@example.com",
        "77 Carroll Street",
        "Brooklyn",
        "NY",
        "11231",
        "America/New_York",
    ),
    Buyer(
        "Rosa Delgado",
        "+15125550163",
        "rosa.delgado@example.com",
        "1204 Mary Street",
        "Austin",
        "TX",
        "78704",
        "America/Chicago",
    ),
    Buyer(
        "Sam Whitaker",
        "+13035550128",
        "sam.whitaker@example.com",
        "2950 Larimer Street",
        "Denver",
        "CO",
        "80205",
        "America/Denver",
    ),
    Buyer(
        "Ines Moreau",
        None,  # leaves no number: Doorstep must say why it did not text
        "ines.moreau@example.com",
        "15 Myrtle Street",
        "Boston",
        "MA",
        "02114",
        "America/New_York",
    ),
)


def goods() -> list[dict[str, object]]:
    """What the demo shop sells, for the order form."""
    return [
        {"title": title, "colours": colours, "sizes": sizes, "sold_out": sold_out}
        for title, _, _, colours, sizes, sold_out in RANGE
    ]

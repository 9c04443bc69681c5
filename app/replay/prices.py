"""What texts cost, on stated assumptions: the provider's price and the carriers' fee, a segment.

Called by the reports. The defaults are a list price for the United States; a contract's own are
given on the command line.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

DEFAULT_PRICE = Decimal("0.0079")
DEFAULT_CARRIER_FEE = Decimal("0.003")


@dataclass(frozen=True)
class Prices:
    """US dollars for one outbound segment."""

    per_segment: Decimal = DEFAULT_PRICE
    carrier_fee: Decimal = DEFAULT_CARRIER_FEE

    def cost(self, segments: int) -> Decimal:
        return (segments * (self.per_segment + self.carrier_fee)).quantize(Decimal("0.01"))

    @property
    def assumption(self) -> str:
        return f"${self.per_segment} a segment and ${self.carrier_fee} carrier fee"

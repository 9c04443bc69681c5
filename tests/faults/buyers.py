"""Buyers with a phone and an order of their own, as many as a test asks for.

Phones are 555-01xx numbers, which belong to nobody, in area codes of the mainland.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from tests.factories import payloads

AREAS = (
    "201 202 203 205 206 207 208 209 210 212 213 214 215 216 217 218 219 224 225 228 229 231 234"
    " 239 240 248 251 252 253 254 256 260 262 267 269 270 301 302 303 304 305 307 308 309 310 312"
    " 313 314 315 316 317 318 319 320 321 323 325 330 334 336 337 339 347 351 352 360 361 386 401"
    " 402 404 405 406 407 408 409 410 412 413 414 417 419 423 424 425 432 434 435 440 443 469 478"
)
DELAY = timedelta(hours=2)  # of the shop, between arrival and check-in
SPREAD = 21 * 60  # seconds after which every check-in is due whose parcel arrived before `DELAY`


@dataclass(frozen=True)
class Buyer:
    number: int
    phone: str

    @property
    def order_id(self) -> int:
        return 7_000_000_000 + self.number

    @property
    def parcel_id(self) -> int:
        return 8_000_000_000 + self.number

    def words(self, what: str) -> str:
        """A text that nobody else writes and that is part of no other text."""
        return f"<{what} of buyer {self.number}>"

    def order(self, now: datetime) -> dict[str, Any]:
        order = payloads.order_payload(
            self.order_id, updated_at=now - timedelta(days=3), phone=self.phone
        )
        if order.get("customer"):
            order["customer"]["id"] = 9_000_000_000 + self.number
        for ordinal, line in enumerate(order["line_items"]):
            line["id"] = (7_000_000_000 + self.number) * 10 + ordinal
        return order

    def delivery(self, now: datetime, *, due_in: float) -> dict[str, Any]:
        """A carrier's scan whose check-in is due in so many seconds. One that is told later than
        that (always if negative) is due within `SPREAD`."""
        at = now - DELAY + timedelta(seconds=due_in)
        return payloads.scan_payload(self.order_id, self.parcel_id, at=at)


class Buyers:
    def __init__(self) -> None:
        self._numbers: Iterator[tuple[int, str]] = enumerate(
            (
                f"+1{area}55501{last:02}"
                for last, area in itertools.product(range(100), AREAS.split())
            ),
            start=1,
        )

    def take(self, count: int) -> list[Buyer]:
        return [Buyer(*next(self._numbers)) for _ in range(count)]

"""When each thing of the exported orders happens once more, moved so that it begins now.

Called by `play` and `dry_run`. The export tells when an order was placed, shipped and cancelled,
not when its parcel arrived: that is taken as some days after shipping, at a time of the day
between nine and seven that depends on nothing but the order. It does not tell when an order was
refunded either: that is taken as shortly after the arrival, before anybody asks about it.

Times move by whole days, so that a parcel that arrived at two in the afternoon still does. Only
(moment, kind, order number in the file) is kept of an order, and where it stands in the file.
"""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from enum import IntEnum
from functools import cache
from zoneinfo import ZoneInfo

from app.consent.zones import locate
from app.orders.ports import Place
from app.replay.read_orders import Broken, ExportedOrder, OrdersFile

FIRST_DELIVERY = time(9, 0)
DELIVERY_SPAN = timedelta(hours=10)
REFUND_AFTER = timedelta(minutes=45)
MOST_BROKEN = 200  # named one by one; beyond that they are only counted


class Kind(IntEnum):
    PLACED = 0
    SHIPPED = 1
    CANCELLED = 2
    ARRIVED = 3
    REFUNDED = 4


@dataclass(frozen=True, slots=True)
class Moment:
    at: datetime  # as the file says, in UTC
    kind: Kind


def moments_of(order: ExportedOrder, transit: timedelta) -> list[Moment]:
    """What happened to one order, in time order."""
    found = [Moment(order.placed_at.astimezone(UTC), Kind.PLACED)]
    arrived = None
    if order.fulfilled_at and ships(order):
        shipped = max(order.fulfilled_at, order.placed_at)
        found.append(Moment(shipped.astimezone(UTC), Kind.SHIPPED))
        arrived = arrival_of(order, shipped, transit)
        found.append(Moment(arrived, Kind.ARRIVED))
    if order.cancelled_at:
        at = max(order.cancelled_at, order.placed_at)
        found.append(Moment(at.astimezone(UTC), Kind.CANCELLED))
    elif order.financial_status in ("refunded", "partially_refunded", "voided"):
        known = arrived or order.placed_at.astimezone(UTC)
        found.append(Moment(known + REFUND_AFTER, Kind.REFUNDED))
    return sorted(found, key=lambda moment: (moment.at, moment.kind))


def ships(order: ExportedOrder) -> bool:
    """Whether anything of what was fulfilled travels in a parcel."""
    return any(order.lines[place].requires_shipping for place in shipped_lines(order))


def shipped_lines(order: ExportedOrder) -> list[int]:
    """Places of the lines that were in the parcel. An export that marks none means all."""
    marked = [place for place, line in enumerate(order.lines) if line.fulfilled]
    return marked or list(range(len(order.lines)))


def arrival_of(order: ExportedOrder, shipped: datetime, transit: timedelta) -> datetime:
    """Some days after shipping, in daytime where the parcel goes; the same for the same order."""
    zone = _zone_of(order)
    local = shipped.astimezone(zone) if zone else shipped
    share = int.from_bytes(hashlib.sha256(order.name.encode()).digest()[:4]) / 2**32
    morning = datetime.combine((local + transit).date(), FIRST_DELIVERY, local.tzinfo)
    at = (morning + DELIVERY_SPAN * share).replace(microsecond=0).astimezone(UTC)
    return max(at, shipped.astimezone(UTC) + timedelta(minutes=30))


def _zone_of(order: ExportedOrder) -> ZoneInfo | None:
    to = order.shipping
    if to is None:
        return None
    zones = locate("", Place(country=to.country, region=to.province, zip=to.zip)).zones
    return _zone(min(zones)) if zones else None


@cache
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


@dataclass(frozen=True, slots=True)
class Due:
    """One thing that is to happen, at its new time."""

    at: datetime
    kind: Kind
    number: int  # of the order, from 0, among those that can be played


class Timetable:
    """A first pass over the file. Some 60 bytes an order stay in memory."""

    def __init__(self, file: OrdersFile, *, transit: timedelta, limit: int | None) -> None:
        self.broken: list[Broken] = []
        self.broken_count = 0
        self.without_parcel = dict.fromkeys(("cancelled", "unfulfilled", "nothing_ships"), 0)
        self.deliveries = 0
        self.transit = transit
        self._file = file
        self._places = array("q")  # offset and line of each order
        self._moments = array("q")  # seconds, kind and number, packed; sorted by `settle_on`
        self._first_arrival: int | None = None
        for found in file.orders():
            if isinstance(found, Broken):
                self.broken_count += 1
                if len(self.broken) < MOST_BROKEN:
                    self.broken.append(found)
                continue
            self._add(found)
            if limit is not None and self.orders >= limit:
                break
        self._shift = 0

    @property
    def orders(self) -> int:
        return len(self._places) // 2

    @property
    def shift(self) -> timedelta:
        """By how much the file's times move; whole days unless real time is played."""
        return timedelta(seconds=self._shift)

    def order(self, number: int) -> ExportedOrder:
        return self._file.order_at(self._places[2 * number], self._places[2 * number + 1])

    def begin(self, now: datetime, *, whole_days: bool) -> datetime:
        """Move everything so that the first parcel arrives now, or within a day, and return when.

        Whole days keep the carriers' times of the day.
        """
        first = self._first_arrival if self._first_arrival is not None else int(now.timestamp())
        self._shift = int(now.timestamp()) - first
        if whole_days:
            self._shift = -(-self._shift // 86_400) * 86_400
        self._moments = array("q", sorted(self._moments))
        return datetime.fromtimestamp(first + self._shift, UTC)

    def __iter__(self) -> Iterator[Due]:
        """In time order, after `begin`."""
        for packed in self._moments:
            rest, number = divmod(packed, 2**24)
            seconds, kind = divmod(rest, 8)
            at = datetime.fromtimestamp(seconds + self._shift, UTC)
            yield Due(at, Kind(kind), number)

    def _add(self, order: ExportedOrder) -> None:
        number = self.orders
        self._places.extend((order.offset, order.line))
        moments = moments_of(order, self.transit)
        for moment in moments:
            seconds = int(moment.at.timestamp())
            self._moments.append((seconds * 8 + moment.kind) * 2**24 + number)
            if moment.kind is Kind.ARRIVED:
                self.deliveries += 1
                self._first_arrival = min(self._first_arrival or seconds, seconds)
        if all(moment.kind is not Kind.ARRIVED for moment in moments):
            self.without_parcel[_why_no_parcel(order)] += 1


def _why_no_parcel(order: ExportedOrder) -> str:
    if order.cancelled_at:
        return "cancelled"
    return "nothing_ships" if order.fulfilled_at else "unfulfilled"

"""What a file of orders would lead to: which text, when, to whom, or why none. Sends nothing.

Called by `replay --dry-run`. The same pure rules decide as in real life: the door's parsers, the
phone's resolution, `due_at`, `decide`, `render` and `count_segments`. What real life adds is left
out, and the report says so: nobody answers, and no number's own speed holds a text up.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from app.checkins.reasons import sentence
from app.checkins.schedule import PATIENCE_DAYS
from app.checkins.schedule_rules import NotDue, due_at
from app.checkins.send import SPREAD_SECONDS, copy_of
from app.checkins.wording import CopyKind, render
from app.consent.permission import (
    PROACTIVE_PER_DAY,
    ConsentPolicy,
    ConsentState,
    Grant,
    OptOut,
    ProactiveSend,
    Purpose,
    Request,
    SendHistory,
    decide,
)
from app.consent.state_rules import load_rules
from app.consent.verdicts import Denied, NotBefore
from app.consent.zones import Places, locate
from app.foundation.phone import mask, resolve_phone
from app.messaging.permit import window_of
from app.messaging.segments import count_segments
from app.orders.ports import OrderFacts, Place
from app.orders.track import CONSENT_ATTRIBUTE
from app.replay.payloads import PARCEL, Retold, order_body, order_id
from app.replay.shop_rules import ShopRules
from app.replay.timetable import Due, Kind, Timetable, moments_of, shipped_lines
from app.vendors.shopify.order_payload import parse_order

RUN = 1  # ids of a dry run are seen by nobody
ENDED = ("refunded", "voided")


@dataclass(frozen=True)
class WouldSend:
    order: str
    at: datetime  # UTC
    local: str  # as the buyer's clock shows it
    phone: str  # masked
    body: str
    segments: int


@dataclass(frozen=True)
class WouldSkip:
    order: str
    at: datetime
    reason: str

    @property
    def why(self) -> str:
        return sentence(self.reason)


@dataclass(slots=True)
class _Person:
    """What the orders so far say of one phone."""

    customer: int | None
    first_name: str | None
    care: str = ""  # the order on which the care opt-in was ticked
    shared: bool = False
    profile: Place | None = None
    sends: list[ProactiveSend] = field(default_factory=list)
    texted: bool = False


class DryRun:
    def __init__(self, timetable: Timetable, rules: ShopRules) -> None:
        self._timetable = timetable
        self._rules = rules
        self._window = window_of(rules.preferences)
        self._delay = timedelta(minutes=rules.preferences.check_in_delay_minutes)
        self._people: dict[str, _Person] = {}
        self._diary: list[tuple[datetime, int]] = []  # check-ins to come: when, which order

    def run(self) -> Iterator[WouldSend | WouldSkip]:
        """Every delivered order's outcome, in time order."""
        for due in self._timetable:
            yield from self._asked_until(due.at)
            if due.kind is Kind.PLACED:
                self._meet(self._told(due.number), due.at)
            elif due.kind is Kind.ARRIVED:
                skipped = self._arrived(due)
                if skipped is not None:
                    yield skipped
        yield from self._asked_until(None)

    def _told(self, number: int) -> Retold:
        order = self._timetable.order(number)
        return Retold(order, order_id(RUN, number), self._timetable.shift)

    def _meet(self, told: Retold, at: datetime) -> None:
        """The order was placed: its buyer and their consent are known from now on."""
        facts = parse_order(order_body(told, Kind.PLACED, at))
        phone = phone_of(facts)
        if phone is None:
            return
        customer = facts.customer.shopify_id if facts.customer else None
        first_name = facts.customer.first_name if facts.customer else None
        person = self._people.get(phone)
        if person is None:
            person = self._people[phone] = _Person(customer, first_name)
        elif None not in (customer, person.customer) and customer != person.customer:
            person.shared = True
        else:
            person.customer = customer or person.customer
            person.first_name = first_name or person.first_name
        if facts.shipping and not person.shared:
            person.profile = Place(country=facts.shipping.country, zip=facts.shipping.zip)
        if (facts.attributes or {}).get(CONSENT_ATTRIBUTE, "").strip():
            person.care = facts.name or "an order"

    def _arrived(self, due: Due) -> WouldSkip | None:
        """Put one check-in into the diary."""
        told = self._told(due.number)
        facts = parse_order(order_body(told, Kind.ARRIVED, due.at))
        phone = phone_of(facts)
        places = locate(phone, *_addresses(facts)) if phone else None
        at = due.at + self._delay
        if not self._whole(told):
            days = self._rules.preferences.days_after_shipping or PATIENCE_DAYS
            at = due.at + timedelta(days=days)
        elif places is not None and places.zones:
            planned = due_at(
                due.at,
                now=due.at,
                delay=self._delay,
                jitter_seed=f"{self._rules.shop_id}:{told.order_id}:{told.order_id + PARCEL}",
                places=places,
                rules=load_rules(),
                shop_window=self._window,
            )
            if isinstance(planned, NotDue):
                return WouldSkip(told.order.name, due.at, planned.reason)
            at = planned.at
        heapq.heappush(self._diary, (at, due.number))
        return None

    def _whole(self, told: Retold) -> bool:
        if self._rules.preferences.check_in_per_parcel:
            return True
        shipped = set(shipped_lines(told.order))
        return not any(
            line.requires_shipping and line.quantity > 0
            for place, line in enumerate(told.order.lines)
            if place not in shipped
        )

    def _asked_until(self, end: datetime | None) -> Iterator[WouldSend | WouldSkip]:
        while self._diary and (end is None or self._diary[0][0] <= end):
            at, number = heapq.heappop(self._diary)
            outcome = self._ask(self._told(number), number, at)
            if isinstance(outcome, datetime):
                heapq.heappush(self._diary, (outcome, number))
            else:
                yield outcome

    def _ask(self, told: Retold, number: int, at: datetime) -> WouldSend | WouldSkip | datetime:
        """A check-in is due: the text, why none, or when to ask again."""
        facts = parse_order(order_body(told, Kind.ARRIVED, at))
        phone = phone_of(facts)
        person = self._people.get(phone or "")
        reason = self._out_of_place(told, facts, at)
        if phone is None or person is None:
            reason = reason or ("invalid_phone" if facts.phones else "no_phone")
        if reason or phone is None or person is None:
            return WouldSkip(told.order.name, at, reason or "no_phone")
        places = locate(phone, *_addresses(facts), person.profile)
        verdict = decide(self._request(at, number, phone, person, places))
        if isinstance(verdict, NotBefore):
            return verdict.at + timedelta(seconds=number % SPREAD_SECONDS)
        if isinstance(verdict, Denied):
            return WouldSkip(told.order.name, at, verdict.reason.value)
        body = self._write(told, facts, person)
        recent = at - timedelta(days=1)
        person.sends = [send for send in person.sends if send.at > recent][-PROACTIVE_PER_DAY:]
        person.sends.append(ProactiveSend(at, number + 1, Purpose.CHECK_IN))
        person.texted = True
        zone = ZoneInfo(min(places.zones)) if places.zones else UTC
        return WouldSend(
            order=told.order.name,
            at=at,
            local=at.astimezone(zone).strftime("%a %d %b %H:%M %Z"),
            phone=mask(phone),
            body=body,
            segments=count_segments(body).segments,
        )

    def _out_of_place(self, told: Retold, facts: OrderFacts, at: datetime) -> str | None:
        if facts.cancelled_at:
            return "order_cancelled"
        if told.order.financial_status in ENDED and any(
            moment.kind is Kind.REFUNDED and moment.at + told.shift <= at
            for moment in moments_of(told.order, self._timetable.transit)
        ):
            return "order_refunded"
        if not any(line.requires_shipping and line.quantity > 0 for line in told.order.lines):
            return "nothing_left"
        return None

    def _request(
        self, at: datetime, number: int, phone: str, person: _Person, places: Places
    ) -> Request:
        preferences = self._rules.preferences
        out = OptOut("contact", at) if phone in self._rules.opted_out else None
        care = Grant(f"order {person.care}") if person.care else None
        return Request(
            purpose=Purpose.CHECK_IN,
            now=at,
            phone=phone,
            consent=ConsentState(care=care, number_at_checkout=Grant("checkout"), opted_out=out),
            places=places,
            policy=ConsentPolicy(preferences.consent_policy),
            history=SendHistory(proactive=tuple(person.sends)),
            order_id=number + 1,
            shop_window=self._window,
            shop_paused=preferences.paused,
        )

    def _write(self, told: Retold, facts: OrderFacts, person: _Person) -> str:
        inside = list(range(len(told.order.lines)))
        if self._rules.preferences.check_in_per_parcel:
            inside = shipped_lines(told.order)
        asked = [
            line
            for place, line in enumerate(facts.lines or ())
            if place in inside and line.requires_shipping and (line.current_quantity or 0) > 0
        ]
        return render(
            copy_of(self._rules.preferences, CopyKind.OPENER),
            {
                "first_name": None if person.shared else person.first_name,
                "shop_name": self._rules.name,
                "item": asked[0].title if len(asked) == 1 else None,
                "size": None,  # the export has no options
                "order_name": told.order.name,
            },
            kind=CopyKind.OPENER,
            first_contact=not person.texted,
        )


def phone_of(facts: OrderFacts) -> str | None:
    """As `orders.track` resolves it."""
    country = facts.shipping.country if facts.shipping else None
    return resolve_phone(
        facts.phones or (), country=country, locale=facts.locale, zip_country=country
    )


def _addresses(facts: OrderFacts) -> list[Place | None]:
    shipping, billing = facts.shipping, facts.billing
    country = shipping.country if shipping else None
    billed = Place(country=country, zip=billing.zip) if billing and billing.zip else None
    return [shipping if country else None, billed]

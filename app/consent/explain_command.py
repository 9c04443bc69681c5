"""`doorstep permission explain`: the engine's verdict for any place and moment, as JSON.

Called by `app.cli` before settings are read: it needs no database, no Redis and no shop. The facts
that a shop's rows would give are arguments here, each with the value of a plain case.
"""

from __future__ import annotations

import argparse
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from app.consent.explain import explain
from app.consent.facts import (
    Capability,
    ConsentState,
    Grant,
    OptOut,
    ProactiveSend,
    Request,
    SendHistory,
)
from app.consent.permission import decide
from app.consent.policy import ConsentPolicy
from app.consent.purposes import TRAITS, Purpose
from app.consent.quiet_hours import next_window
from app.consent.state_rules import PRODUCT_HOURS, HoursRule, load_rules
from app.consent.verdicts import Allowed, NotBefore
from app.consent.week_hours import WeekHours
from app.consent.zones import Places, country_of_code, locate
from app.foundation.errors import Refused
from app.foundation.phone import to_e164
from app.orders.ports import Place

# The loosest policy under which each kind of consent counts.
_CONSENT = {
    "care": ConsentPolicy.CARE_OPT_IN,
    "marketing": ConsentPolicy.SHOPIFY_SMS,
    "number": ConsentPolicy.NUMBER_AT_CHECKOUT,
    "pending": ConsentPolicy.CARE_OPT_IN,
    "none": ConsentPolicy.CARE_OPT_IN,
}
ORDER, OTHER_ORDER = 1, 2


def add_to(commands: Any) -> None:
    """`permission explain` and its arguments."""
    group = commands.add_parser("permission", help="may this person be texted, and why")
    explained = group.add_subparsers(dest="action", required=True).add_parser(
        "explain", help="the verdict for any place and moment, as JSON"
    )
    add = explained.add_argument
    add("--to", required=True, help="the buyer's number, +12125550142")
    add("--at", required=True, help="2026-03-08T09:30-05:00, or without offset and with --zone")
    add("--zone", help="whose clock --at is on, e.g. America/Chicago")
    add("--purpose", default=Purpose.CHECK_IN.value, choices=[p.value for p in Purpose])
    add("--zip", help="ZIP or postal code of the shipping address")
    add("--billing-zip", help="the same of the billing address")
    add("--country", help="of both addresses, US or CA; else told from the code")
    add("--region", help="state or province of the shipping address, e.g. TX")
    add("--consent", default="care", choices=list(_CONSENT), help="what the buyer agreed to")
    add("--policy", choices=[p.value for p in ConsentPolicy], help="what the shop accepts")
    add("--assistant-covered", action="store_true", help="the consent spoke of AI-written texts")
    add("--opted-out", metavar="WHEN", nargs="?", const="", help="the buyer opted out, then or now")
    add("--last-inbound", metavar="WHEN", help="when the buyer last wrote")
    add("--sent", metavar="WHEN", action="append", default=[], help="an order status went out")
    add("--other-check-in", metavar="WHEN", help="a check-in for another order went out")
    add("--unanswered", action="store_true", help="a check-in of this order was left unanswered")
    add("--being-helped", action="store_true", help="the thread is in somebody's hands")
    add("--paused", action="store_true", help="the shop has paused its texts")
    add(
        "--number-is",
        default="unknown",
        choices=[c.value for c in Capability],
        help="what is known of the number",
    )
    add(
        "--shop-hours",
        action="append",
        default=[],
        metavar="DAYS=HH:MM-HH:MM",
        help="the shop's own hours, e.g. mon_sat=11:00-17:00",
    )


def run(args: argparse.Namespace) -> str:
    """The answer in JSON. Raises Refused, which says what to write instead."""
    request = _request(args)
    book = load_rules()
    verdict = decide(request, book)
    words = explain(
        verdict,
        purpose=request.purpose,
        now=request.now,
        places=request.places,
        shop_window=request.shop_window,
        rules=book,
    )
    proactive = TRAITS[request.purpose].proactive
    window = next_window(
        request.now, request.places, book, request.shop_window if proactive else None
    )
    answer = {
        "verdict": verdict.as_record()["verdict"],
        "reason": None if isinstance(verdict, Allowed) else verdict.reason.value,
        "not_before": verdict.at.isoformat() if isinstance(verdict, NotBefore) else None,
        "words": words,
        "purpose": request.purpose.value,
        "at": request.now.isoformat(),
        "window": window and {"start": window.start.isoformat(), "end": window.end.isoformat()},
        "countries": sorted(request.places.countries),
        "regions": sorted(request.places.regions),
        "zones": sorted(request.places.zones),
        "local_times": _local_times(request.now, request.places),
        "rules": [_rule(rule, request) for rule in book.applying(request.places.regions)],
        "law_version": book.version,
        "product_hours": PRODUCT_HOURS.as_text(),
        "covers_assistant": isinstance(verdict, Allowed) and verdict.covers_assistant,
        "evidence": list(verdict.evidence),
    }
    return json.dumps(answer, indent=2, ensure_ascii=False)


def _local_times(now: datetime, places: Places) -> dict[str, str]:
    clocks = {zone: now.astimezone(ZoneInfo(zone)) for zone in sorted(places.zones)}
    return {zone: f"{wall:%A %Y-%m-%d %H:%M %Z}" for zone, wall in clocks.items()}


def _rule(rule: HoursRule, request: Request) -> dict[str, Any]:
    days = {request.now.astimezone(ZoneInfo(zone)).date() for zone in request.places.zones}
    return {
        "region": rule.region,
        "name": rule.name,
        "hours": rule.hours.as_text(),
        "closed_today": next((n for day in sorted(days) if (n := rule.closures.on(day))), None),
        "cap_24h": rule.cap_24h,
        "source": rule.source,
        "as_of": rule.as_of.isoformat(),
        "confidence": rule.confidence.value,
    }


def _request(args: argparse.Namespace) -> Request:
    phone = to_e164(args.to, country=args.country or "US")
    if phone is None:
        raise Refused("to", "--to is no phone number: write it as +12125550142")
    now = _moment("--at", args.at, args.zone)
    earlier = {
        name: _moment(f"--{name}", text, args.zone)
        for name, text in (("last-inbound", args.last_inbound), ("opted-out", args.opted_out))
        if text
    }
    sends = [
        ProactiveSend(_moment("--sent", text, args.zone), ORDER, Purpose.ORDER_STATUS)
        for text in args.sent
    ]
    if args.other_check_in:
        at = _moment("--other-check-in", args.other_check_in, args.zone)
        sends.append(ProactiveSend(at, OTHER_ORDER, Purpose.CHECK_IN))
    opted_out = None
    if args.opted_out is not None:
        opted_out = OptOut("argument:--opted-out", earlier.get("opted-out", now))
    return Request(
        purpose=Purpose(args.purpose),
        now=now,
        phone=phone,
        consent=_consent(args, now, opted_out),
        places=_places(args, phone),
        policy=ConsentPolicy(args.policy) if args.policy else _CONSENT[args.consent],
        history=SendHistory(
            proactive=tuple(sends),
            last_inbound_at=earlier.get("last-inbound"),
            unanswered_check_in=args.unanswered,
            being_helped=args.being_helped,
        ),
        order_id=ORDER,
        capability=Capability(args.number_is),
        shop_window=_shop_hours(args.shop_hours),
        shop_paused=args.paused,
    )


def _consent(args: argparse.Namespace, now: datetime, opted_out: OptOut | None) -> ConsentState:
    # Given a month ago: nobody waits for the confirmation of it.
    grant = Grant(
        f"argument:--consent {args.consent}",
        covers_assistant=args.assistant_covered,
        at=now - timedelta(days=30),
    )
    return ConsentState(
        care=grant if args.consent == "care" else None,
        shopify_sms=grant if args.consent == "marketing" else None,
        number_at_checkout=grant if args.consent == "number" else None,
        pending=grant if args.consent == "pending" else None,
        opted_out=opted_out,
    )


def _places(args: argparse.Namespace, phone: str) -> Places:
    for name, text in (("--zip", args.zip), ("--billing-zip", args.billing_zip)):
        if text and country_of_code(text) is None and args.country in (None, "US", "CA"):
            raise Refused(
                name, f"{name} {text} is neither a ZIP (10001) nor a postal code (M5V 2T6)"
            )
    shipping = Place(country=args.country, region=args.region, zip=args.zip)
    return locate(phone, shipping, Place(country=args.country, zip=args.billing_zip))


def _moment(name: str, text: str, zone: str | None) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise Refused(
            name, f"{name} {text} is no moment: write it as 2026-03-08T09:30-05:00"
        ) from error
    if moment.tzinfo is None:
        if zone is None:
            raise Refused(
                name,
                f"{name} {text} says no offset: add one (-05:00), or name --zone America/Chicago",
            )
        moment = moment.replace(tzinfo=_zone(zone))
    return moment.astimezone(UTC)


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, ZoneInfoNotFoundError) as error:
        raise Refused("zone", f"--zone {name} is unknown: write America/Chicago") from error


def _shop_hours(given: list[str]) -> WeekHours | None:
    if not given:
        return None
    try:
        return WeekHours.parse({t.partition("=")[0]: t.partition("=")[2] for t in given})
    except ValueError as error:
        raise Refused(
            "shop_hours", f"--shop-hours: {error}; write mon_sat=11:00-17:00, sun=12:00-16:00"
        ) from error

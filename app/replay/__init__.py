"""`doorstep replay ORDERS.csv`: an export of real orders, played through the real doors.

`add_to` gives the command its arguments; called by `app.cli`. Reading is `read_orders` and
`timetable`, playing is `play` with `verify` after it, and `dry_run` says what would happen.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TypeVar

from app.bootstrap import Ports
from app.foundation.errors import Refused
from app.replay.doors import Doors
from app.replay.dry_run import DryRun
from app.replay.play import Play
from app.replay.prices import DEFAULT_CARRIER_FEE, DEFAULT_PRICE, Prices
from app.replay.progress import Progress
from app.replay.read_orders import OrdersFile
from app.replay.report import Reporter
from app.replay.shop_rules import ShopRules, find_shop, read_rules
from app.replay.standing import Observer, line_of, new_run
from app.replay.timetable import Timetable
from app.replay.verify import verify
from app.replay.virtual_time import VirtualTime
from app.shops.models import Shop

DEFAULT_TIMEOUT = 3600.0
_Number = TypeVar("_Number", int, float, Decimal)


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `replay` to the operator's commands."""
    replay = commands.add_parser(
        "replay",
        help="play the deliveries of an orders export through the real doors",
        description="Plays the deliveries of an orders export (Shopify's admin: Orders, Export)"
        " through the real doors, and says what came of it.",
    )
    replay.add_argument("orders", type=Path, metavar="ORDERS.csv")
    replay.add_argument("--shop", metavar="DOMAIN", help="if more than one is installed")
    replay.add_argument(
        "--speed",
        type=_number(float, 0.001, 1e9),
        metavar="N",
        help="virtual seconds per real second; as fast as possible if not given",
    )
    replay.add_argument(
        "--transit-days",
        type=_number(int, 0, 60),
        default=3,
        metavar="N",
        help="from “Fulfilled at” to the parcel's arrival, which the export does not tell",
    )
    replay.add_argument(
        "--replies",
        type=_number(float, 0, 1),
        default=0.4,
        metavar="SHARE",
        help="of the buyers who were texted, how many answer (0 to 1)",
    )
    replay.add_argument("--limit", type=_number(int, 1, 10**6), metavar="N", help="orders at most")
    replay.add_argument(
        "--timeout",
        type=_number(float, 1, 1e7),
        default=DEFAULT_TIMEOUT,
        metavar="SECONDS",
        help="of real time, after which it ends with what is there",
    )
    replay.add_argument(
        "--price", type=_number(Decimal, 0, 10), default=DEFAULT_PRICE, help="US$ a segment"
    )
    replay.add_argument(
        "--carrier-fee",
        type=_number(Decimal, 0, 10),
        default=DEFAULT_CARRIER_FEE,
        help="US$ a segment",
    )
    replay.add_argument("--json", action="store_true", help="the summary, machine-readable")
    replay.add_argument(
        "--dry-run",
        action="store_true",
        help="say what would be sent, when and to whom, and send nothing",
    )
    replay.set_defaults(run=run)


def run(ports: Ports, args: argparse.Namespace) -> None:
    """Raises Refused, and SystemExit(1) if something was lost or doubled."""
    if ports.settings.doorstep_env == "production" and not args.dry_run:
        raise Refused(
            "production",
            "a replay texts buyers again about old orders: with DOORSTEP_ENV=production only"
            " --dry-run is allowed",
        )
    report = Reporter(as_json=args.json, prices=Prices(args.price, args.carrier_fee))
    file = OrdersFile(args.orders)
    try:
        # Whom it is about comes first: a long file is not read for nothing.
        rules = read_rules(ports.db, args.shop) if args.dry_run else None
        shop = None if args.dry_run else find_shop(ports.db, args.shop)
        transit = timedelta(days=args.transit_days)
        timetable = Timetable(file, transit=transit, limit=args.limit)
        report.read(timetable)
        if timetable.orders == 0:
            raise Refused("no_orders", f"{args.orders} has no order that can be played")
        if rules is not None:
            _dry_run(ports, report, timetable, rules)
        elif shop is not None:
            _play(ports, args, report, timetable, shop)
    finally:
        file.close()


def _dry_run(ports: Ports, report: Reporter, timetable: Timetable, rules: ShopRules) -> None:
    _check_transit(timetable, rules.preferences.days_after_shipping)
    timetable.begin(ports.clock.now(), whole_days=True)
    report.dry_run(timetable, DryRun(timetable, rules).run(), rules.note)


def _play(
    ports: Ports, args: argparse.Namespace, report: Reporter, timetable: Timetable, shop: Shop
) -> None:
    settings = ports.settings
    _check_transit(timetable, read_rules(ports.db, shop.domain).preferences.days_after_shipping)
    clock = VirtualTime(settings.sandbox_clock_path)
    if not clock.movable:
        if args.speed is not None:
            raise Refused("no_clock", "--speed needs SANDBOX_CLOCK_PATH, as `make run` sets it")
        report.notes.print(
            "SANDBOX_CLOCK_PATH is not set: time cannot be moved, so weeks take weeks."
        )
    line = line_of(ports.db, ports.keys, shop, ports.public_url)
    doors = Doors(ports.public_url, domain=shop.domain, secret=settings.shopify_secrets[0])
    try:
        doors.check()
        number = new_run(ports.db, shop)
        observer = Observer(ports.db, shop)
        with Progress(
            report.notes, orders=timetable.orders, deliveries=timetable.deliveries
        ) as progress:
            played = Play(
                timetable,
                run=number,
                doors=doors,
                line=line,
                observer=observer,
                clock=clock,
                progress=progress,
                reply_share=args.replies,
                speed=args.speed if clock.movable else 1.0,
                timeout=args.timeout,
            ).run()
        outcome = verify(
            ports.db,
            shop,
            run=number,
            timetable=timetable,
            played=played,
            posted=doors.posted,
            marks=observer.marks,
            line=line,
            provider_url=settings.twilio_base_url,
        )
    finally:
        doors.close()
    report.played(timetable, outcome)
    if not outcome.proven:
        raise SystemExit(1)


def _check_transit(timetable: Timetable, assumed_after: int | None) -> None:
    """A parcel that travels longer would count as arrived before it is."""
    if assumed_after is not None and timetable.transit >= timedelta(days=assumed_after):
        raise Refused(
            "transit_days",
            f"the shop takes a parcel for arrived {assumed_after} days after shipping:"
            " choose fewer --transit-days",
        )


def _number(kind: type[_Number], least: float, most: float) -> Callable[[str], _Number]:
    """An argument that is a number within bounds."""

    def read(text: str) -> _Number:
        try:
            value = kind(text)
        except (ValueError, InvalidOperation):
            raise argparse.ArgumentTypeError(f"{text!r} is no number") from None
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"must be from {least:g} to {most:g}")
        return value

    return read

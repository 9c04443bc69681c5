"""`doorstep audit verify`: is every ledger still what it was? Exit code 1 names the first break.

`add_to` gives the command its arguments; called by `app.cli`. Bars go to standard error.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from app.foundation.errors import Refused
from app.proof.ports import Needs
from app.proof.verify import Checked, count_seals, verify_shop
from app.shops.preferences import shop_by_domain


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `audit` to the operator's commands."""
    audit = commands.add_parser("audit", help="the ledgers and their seals")
    verbs = audit.add_subparsers(dest="verb", required=True)
    verify = verbs.add_parser(
        "verify",
        help="check every sealed row, seal and anchor",
        description="Checks that no sealed row, seal or anchored head was changed or removed."
        " Exit code 1 means that something was; the first break of each shop is named.",
    )
    verify.add_argument("--shop", metavar="DOMAIN", help="one shop; all of them if not given")
    verify.add_argument(
        "--since",
        type=moment,
        metavar="TIME",
        help="only seals from then on, e.g. 2026-11-01 or 2026-11-01T10:00; UTC",
    )
    verify.add_argument("--json", action="store_true", help="for programs, on standard output")
    verify.set_defaults(run=run)


def moment(text: str) -> datetime:
    """A day or a time; without a zone it is UTC."""
    try:
        said = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no time such as 2026-11-01T10:00") from None
    return said if said.tzinfo else said.replace(tzinfo=UTC)


def run(ports: Needs, args: argparse.Namespace) -> None:
    """Raises Refused, and SystemExit(1) on a break."""
    began = time.monotonic()
    with ports.db.across_shops("operator: seals to verify") as session:
        seals = count_seals(session, since=args.since)
        if args.shop is not None:
            shop = shop_by_domain(session, args.shop.lower())
            if shop is None:
                raise Refused("unknown_shop", f"{args.shop} has not opened the app yet")
            seals = {shop.id: seals.get(shop.id, 0)}
    results = [_verify(ports, shop_id, count, args.since) for shop_id, count in seals.items()]
    if args.json:
        sys.stdout.write(json.dumps([as_json(result) for result in results], indent=2) + "\n")
    else:
        report(results, anchors_at=ports.anchors.where, seconds=time.monotonic() - began)
    if any(result.broken for result in results):
        raise SystemExit(1)


def _verify(ports: Needs, shop_id: int, seals: int, since: datetime | None) -> Checked:
    console = Console(stderr=True)
    with Progress(
        TextColumn(f"shop {shop_id}"),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        TextColumn("seals"),
        TimeRemainingColumn(),
        console=console,
        disable=not console.is_terminal,
    ) as bars:
        task = bars.add_task("", total=seals)
        return verify_shop(
            ports.db,
            shop_id=shop_id,
            decrypt=ports.keys.decrypt,
            anchors=ports.anchors,
            since=since,
            progress=lambda done: bars.advance(task, done),
        )


def as_json(result: Checked) -> dict[str, object]:
    return vars(result) | {
        "whole": result.broken is None,
        "broken": asdict(result.broken) if result.broken else None,
    }


def report(results: Sequence[Checked], *, anchors_at: str, seconds: float) -> None:
    out = Console(highlight=False, soft_wrap=True)
    for result in results:
        rows = ", ".join(f"{count} {name}" for name, count in sorted(result.rows.items()))
        out.print(f"shop {result.shop_id}: {result.seals} seals over {rows or 'nothing yet'}")
        removed = f", {result.texts_removed} removed since" if result.texts_removed else ""
        out.print(f"  texts compared with their records: {result.texts}{removed}")
        if result.anchors:
            out.print(f"  heads found in {anchors_at}: {result.anchors}")
        elif result.broken is None:
            out.print(f"  no head of it in {anchors_at}: a cut tail would not be noticed")
        if result.broken is None:
            out.print("  ✓ whole")
        else:
            out.print(f"  ✗ {result.broken.text}")
    if not results:
        out.print("Nothing is sealed yet: does a ticker run?")
    rows_checked = sum(result.rows.total() for result in results)
    out.print(f"{rows_checked} rows in {seconds:.1f} s")

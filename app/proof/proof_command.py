"""`doorstep proof`: the proof packet of one number as files, JSON and a page to read.

`add_to` gives the command its arguments; called by `app.cli`.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

from app.foundation.errors import Refused
from app.proof.make_packet import make_packet
from app.proof.ports import Needs
from app.proof.render_packet import render_packet
from app.shops.preferences import shop_by_domain

ENDINGS = (".json", ".html")


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `proof` to the operator's commands."""
    proof = commands.add_parser(
        "proof",
        help="everything that proves what one number was sent, and why",
        description="Writes the proof packet of one phone number: consents, opt-outs, texts,"
        " verdicts, who looked, and the chain that proves them.",
    )
    proof.add_argument("--shop", required=True, metavar="DOMAIN")
    proof.add_argument("--phone", required=True, metavar="NUMBER", help="as +14155550142")
    proof.add_argument(
        "--out",
        required=True,
        type=Path,
        metavar="DIR|FILE",
        help="a folder for both files, or one file ending in .json or .html",
    )
    proof.set_defaults(run=run)


def run(ports: Needs, args: argparse.Namespace) -> None:
    """Raises Refused."""
    with ports.db.across_shops("operator: find the shop") as session:
        shop = shop_by_domain(session, args.shop.lower())
    if shop is None:
        raise Refused("unknown_shop", f"{args.shop} has not opened the app yet")
    packet = make_packet(ports, shop=shop, phone=args.phone, asked_by="operator")
    one_file = args.out.suffix in ENDINGS
    # Named by shop and time: a number in a file's name would travel with every listing.
    stem = f"proof-{shop.domain.partition('.')[0]}-{packet['made_at'][:19].replace(':', '')}"
    for ending in [args.out.suffix] if one_file else ENDINGS:
        path = args.out if one_file else args.out / f"{stem}{ending}"
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(path, as_text(packet, ending))
        sys.stdout.write(f"{path}\n")


def as_text(packet: dict[str, object], ending: str) -> str:
    return render_packet(packet) if ending == ".html" else json.dumps(packet, indent=1) + "\n"


def _write(path: Path, content: str) -> None:
    """For the eyes of whoever asked."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(content)

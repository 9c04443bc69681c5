"""`doorstep privacy export | erase | requests`: the operator's commands about one buyer's data.

`add_to` gives them their arguments; called by `app.cli`. Whoever runs them is written down as
`operator`, like everybody who reads or deletes a buyer's data.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from app.foundation import audit
from app.foundation.errors import Refused
from app.foundation.jobs import Tools
from app.privacy.buyer import Buyer, contact_by_phone
from app.privacy.export import gather
from app.privacy.export_page import make_files
from app.privacy.requests import confirm_erasure, described, open_request, requests_of
from app.shops.models import Shop
from app.shops.preferences import shop_by_domain

ACTOR = "operator"


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `privacy` to the operator's commands."""
    privacy = commands.add_parser("privacy", help="a buyer's data: export, erase, requests")
    acts = privacy.add_subparsers(dest="act", required=True)

    taken = acts.add_parser("export", help="all that is held about one phone, as JSON and a page")
    taken.add_argument("--shop", required=True, help="acme-outfitters.myshopify.com")
    taken.add_argument("--phone", required=True)
    taken.add_argument("--out", required=True, type=Path, metavar="FOLDER")
    taken.set_defaults(run=export)

    gone = acts.add_parser("erase", help="delete all that is held about one phone")
    gone.add_argument("--shop", required=True)
    gone.add_argument("--phone", required=True)
    gone.add_argument("--yes", action="store_true", help="it cannot be undone")
    gone.set_defaults(run=erase)

    listed = acts.add_parser("requests", help="what buyers asked, and by when it is due")
    listed.add_argument("--shop", required=True)
    listed.set_defaults(run=requests)


def export(tools: Tools, args: argparse.Namespace) -> None:
    shop, now = _shop(tools, args.shop), tools.clock.now()
    with tools.db.shop(shop.id) as session:
        contact_id = contact_by_phone(session, shop=shop, phone=args.phone)
        gathered = gather(session, now=now, shop_id=shop.id, buyer=Buyer(contact_ids=(contact_id,)))
        audit.record(
            session,
            now=now,
            shop_id=shop.id,
            actor=ACTOR,
            action="data.read",
            subject=f"contact:{contact_id}",
            form="export",
        )
    files = make_files(gathered, tools.media)
    args.out.mkdir(parents=True, exist_ok=True)
    for ending, content in (("json", files.data), ("html", files.page)):
        path = args.out / f"buyer-{contact_id}.{ending}"
        path.write_bytes(content)
        path.chmod(0o600)
        print(path)


def erase(tools: Tools, args: argparse.Namespace) -> None:
    if not args.yes:
        raise Refused("not_confirmed", "this cannot be undone: say --yes if you are sure")
    shop, now = _shop(tools, args.shop), tools.clock.now()
    with tools.db.shop(shop.id) as session:
        contact_id = contact_by_phone(session, shop=shop, phone=args.phone)
        opened = open_request(
            session,
            now=now,
            shop_id=shop.id,
            buyer=Buyer(contact_ids=(contact_id,)),
            kind="erase",
            source=ACTOR,
            actor=ACTOR,
        )
        confirm_erasure(session, now=now, request_id=opened.request_id, actor=ACTOR, act_at=now)
    print(f"request {opened.request_id}: the worker deletes it now")


def requests(tools: Tools, args: argparse.Namespace) -> None:
    shop = _shop(tools, args.shop)
    with tools.db.shop(shop.id) as session:
        found = requests_of(session, shop_id=shop.id)
    print(json.dumps([described(one, tools.clock.now()) for one in found], indent=2))


def _shop(tools: Tools, domain: str) -> Shop:
    with tools.db.across_shops("operator: find the shop") as session:
        shop = shop_by_domain(session, domain)
    if shop is None:
        raise Refused("unknown_shop", f"{domain} has not opened the app yet")
    return shop

"""The operator's commands: `python -m app.cli COMMAND`, or `doorstep COMMAND`.

Until the merchant's pages exist, a shop's line, helpdesk link and preferences are set here.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from datetime import time
from typing import Any

from cryptography.fernet import Fernet

from app import replay
from app import settings as settings_module
from app.bootstrap import Ports, build
from app.checkins.save_copy import save_copy
from app.checkins.wording import CopyKind
from app.consent import explain_command
from app.conversations.save_hours import FIELDS, save_hours
from app.foundation import log as logging_setup
from app.foundation.errors import DoorstepError, Refused
from app.helpdesk.connect import connect_link
from app.helpdesk.kinds import KINDS
from app.helpdesk.routing.save_rules import save_rules
from app.joining import commands as joining_commands
from app.joining.keyword import save_keyword
from app.messaging.connect import Line, connect_line
from app.privacy import commands as privacy_commands
from app.proof import audit_command, proof_command
from app.reactions import react
from app.rotate import rotate_keys
from app.shops.appoint import appoint_staff, staff_of
from app.shops.configure import save_preferences
from app.shops.models import Shop
from app.shops.preferences import shop_by_domain
from app.shops.roles import Role
from app.understanding import command as understand_command
from app.vendors.twilio.webhooks import door_urls


def find_shop(ports: Ports, domain: str) -> Shop:
    with ports.db.across_shops("operator: find the shop") as session:
        shop = shop_by_domain(session, domain)
    if shop is None:
        raise Refused("unknown_shop", f"{domain} has not opened the app yet")
    return shop


def connect_number(ports: Ports, args: argparse.Namespace) -> None:
    token = os.environ.get(args.auth_token_env)
    if not token:
        raise Refused("no_token", f"put the account's auth token into ${args.auth_token_env}")
    shop = find_shop(ports, args.shop)
    with ports.db.shop(shop.id) as session:
        sender = connect_line(
            session,
            now=ports.clock.now(),
            shop_id=shop.id,
            keys=ports.keys,
            line=Line(
                account_sid=args.account_sid,
                auth_token=token,
                messaging_service_sid=args.messaging_service_sid,
                phone=args.phone,
                kind=args.kind,
                segments_per_second=args.mps,
                provider_confirms=not args.we_confirm,
            ),
        )
        door_key = sender.door_key
    print(json.dumps(door_urls(ports.public_url, door_key), indent=2))


def helpdesk_link(ports: Ports, args: argparse.Namespace) -> None:
    shop = find_shop(ports, args.shop)
    print(connect_link(ports, shop_id=shop.id, kind=args.kind, subdomain=args.subdomain))


def set_preferences(ports: Ports, args: argparse.Namespace) -> None:
    shop = find_shop(ports, args.shop)
    changes = dict(parse_change(text) for text in args.change)
    with ports.db.shop(shop.id) as session:
        for kind, name in (
            (CopyKind.OPENER, "opener_copy"),
            (CopyKind.SOFT_OPENER, "soft_opener_copy"),
        ):
            if name in changes:
                warnings = save_copy(
                    session,
                    now=ports.clock.now(),
                    shop_id=shop.id,
                    shop_name=shop.name,
                    actor="operator",
                    kind=kind,
                    template=changes.pop(name),
                )
                for warning in warnings:
                    print(f"note: {warning.text}", file=sys.stderr)
        if hours := {name: changes.pop(name) for name in FIELDS & changes.keys()}:
            save_hours(
                session, now=ports.clock.now(), shop_id=shop.id, actor="operator", changes=hours
            )
        if "routing_rules" in changes:
            save_rules(
                session,
                now=ports.clock.now(),
                shop_id=shop.id,
                actor="operator",
                rules=changes.pop("routing_rules"),
            )
        if "join_keyword" in changes:
            save_keyword(
                session,
                now=ports.clock.now(),
                shop_id=shop.id,
                actor="operator",
                keyword=changes.pop("join_keyword"),
            )
        save_preferences(
            session, now=ports.clock.now(), shop_id=shop.id, actor="operator", changes=changes
        )


def parse_change(text: str) -> tuple[str, Any]:
    """`name=value`; numbers, true/false, null, HH:MM and JSON are read as such."""
    name, sep, value = text.partition("=")
    if not sep:
        raise Refused("change", f"write it as name=value: {text}")
    if name.startswith(("window_", "sunday_")):
        return name, time.fromisoformat(value)
    if value in ("true", "false"):
        return name, value == "true"
    if value.startswith(("{", "[")):
        try:
            return name, json.loads(value)
        except ValueError:
            raise Refused("change", f"{name} is no JSON: quote it for your shell") from None
    if value == "null":
        return name, None
    return name, int(value) if value.isdecimal() else value


def show_or_appoint_staff(ports: Ports, args: argparse.Namespace) -> None:
    if (args.user is None) != (args.role is None):
        raise Refused("staff", "--user and --role go together")
    shop = find_shop(ports, args.shop)
    with ports.db.shop(shop.id) as session:
        if args.user is not None:
            appoint_staff(
                session,
                now=ports.clock.now(),
                shop_id=shop.id,
                user_id=args.user,
                role=Role(args.role),
                by=None,
            )
        for one in staff_of(session, shop_id=shop.id):
            print(f"{one.user_id}\t{one.role}\tsince {one.added_at:%Y-%m-%d}")


def rotate(ports: Ports, args: argparse.Namespace) -> None:
    rotated = rotate_keys(ports.db, ports.keys)
    print(f"{rotated.written} secrets are under the first key now")
    if rotated.busy:
        raise Refused("busy", f"{rotated.busy} are being refreshed: run this again in a minute")


def make_key() -> None:
    print(Fernet.generate_key().decode())


def parser() -> argparse.ArgumentParser:
    root = argparse.ArgumentParser(prog="doorstep", description=__doc__)
    commands = root.add_subparsers(dest="command", required=True)

    number = commands.add_parser("connect-number", help="register a shop's line at Twilio")
    number.add_argument("--shop", required=True, help="acme-outfitters.myshopify.com")
    number.add_argument("--account-sid", required=True)
    number.add_argument(
        "--auth-token-env", required=True, help="name of the variable that holds the token"
    )
    number.add_argument("--messaging-service-sid", required=True)
    number.add_argument("--phone", required=True)
    number.add_argument("--kind", required=True, help="toll_free, ten_dlc or short_code")
    number.add_argument("--mps", type=float, help="segments a second, if more than the usual")
    number.add_argument(
        "--we-confirm", action="store_true", help="the provider's own STOP answers are off"
    )
    number.set_defaults(run=connect_number)

    link = commands.add_parser("helpdesk-link", help="a short-lived address to connect a helpdesk")
    link.add_argument("--shop", required=True)
    link.add_argument("--kind", required=True, choices=list(KINDS))
    link.add_argument("--subdomain", required=True)
    link.set_defaults(run=helpdesk_link)

    preferences = commands.add_parser("set", help="change a shop's preferences")
    preferences.add_argument("--shop", required=True)
    preferences.add_argument("change", nargs="+", help="name=value, e.g. check_in_delay_minutes=60")
    preferences.set_defaults(run=set_preferences)

    staff = commands.add_parser("staff", help="who has opened the app, and to give a role")
    staff.add_argument("--shop", required=True)
    staff.add_argument("--user", type=int, help="Shopify's id of a member of staff")
    staff.add_argument("--role", choices=list(Role))
    staff.set_defaults(run=show_or_appoint_staff)

    commands.add_parser("make-key", help="a new key for ENCRYPTION_KEYS")
    commands.add_parser(
        "rotate-keys", help="write all secrets under the first key of ENCRYPTION_KEYS"
    ).set_defaults(run=rotate)
    joining_commands.add_to(commands)
    audit_command.add_to(commands)
    proof_command.add_to(commands)
    privacy_commands.add_to(commands)
    replay.add_to(commands)
    explain_command.add_to(commands)
    understand_command.add_to(commands)
    return root


def main(argv: Sequence[str] | None = None) -> int:
    args = parser().parse_args(argv)
    if args.command == "make-key":
        make_key()
        return 0
    if args.command == "understand":
        return understand_command.run(args)
    try:
        if args.command == "permission":
            print(explain_command.run(args))
            return 0
        run: Callable[[Ports, argparse.Namespace], None] = args.run
        settings = settings_module.load()
        logging_setup.configure(settings, process="operator")  # to standard error
        ports = build(settings, react)
        try:
            run(ports, args)
        finally:
            ports.close()
    except DoorstepError as error:
        print(f"doorstep: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

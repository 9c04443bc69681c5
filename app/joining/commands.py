"""The operator's commands of joining: `join-kit`, `consents import`, `opt-out`.

`add_to` gives them their arguments; called by `app.cli`. What a command says goes to standard
output, progress and faults to standard error.
"""

from __future__ import annotations

import argparse
import csv
import getpass
from pathlib import Path
from typing import Protocol

import sqlalchemy as sa
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from app.foundation.errors import Refused
from app.foundation.jobs import Tools
from app.foundation.phone import to_e164
from app.joining.by_hand import opt_out_by_hand
from app.joining.consents_file import ADDED, KNOWN, ConsentsFile, RefusedLine
from app.joining.import_consents import Summary, import_consents
from app.joining.kit import ShopOfKit, make_kit, write_kit
from app.joining.links import ensure_links
from app.joining.pages import shown_line
from app.joining.queries import joined_by_source
from app.messaging.models import Sender
from app.shops.models import Shop
from app.shops.preferences import preferences_of


class Needs(Tools, Protocol):
    @property
    def public_url(self) -> str: ...


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    kit = commands.add_parser(
        "join-kit", help="QR codes, short links and texts to paste, for joining by text"
    )
    kit.add_argument("--shop", required=True, help="acme-outfitters.myshopify.com")
    kit.add_argument("--out", required=True, type=Path, metavar="DIR")
    kit.set_defaults(run=join_kit)

    consents = commands.add_parser("consents", help="consents collected elsewhere")
    of_consents = consents.add_subparsers(dest="what", required=True)
    bring = of_consents.add_parser(
        "import",
        help="from a CSV file",
        description="Columns: " + ", ".join(KNOWN) + " (source_url or form; the last three may be"
        " left out).",
    )
    bring.add_argument("file", type=Path, metavar="FILE.csv")
    bring.add_argument("--shop", required=True)
    bring.add_argument("--dry-run", action="store_true", help="check the lines, store nothing")
    bring.set_defaults(run=bring_consents)

    out = commands.add_parser("opt-out", help="write down that a buyer wants no more texts")
    out.add_argument("--shop", required=True)
    out.add_argument("--phone", required=True, help="+14155550142")
    out.add_argument("--reason", required=True, help="how they said so: by phone, by e-mail, …")
    out.set_defaults(run=opt_out)


def join_kit(tools: Needs, args: argparse.Namespace) -> None:
    shop = _shop(tools, args.shop)
    with tools.db.shop(shop.id) as session:
        preferences = preferences_of(session, shop.id)
        line = session.scalar(
            sa.select(Sender.phone).where(Sender.shop_id == shop.id, Sender.state != "retired")
        )
        if line is None:
            raise Refused("no_line", f"{shop.domain} has no number yet: doorstep connect-number")
        codes = ensure_links(session, shop_id=shop.id)
        joined = joined_by_source(session, shop_id=shop.id)
    kit = make_kit(
        ShopOfKit(
            name=shop.name,
            domain=shop.domain,
            line=shown_line(line),
            keyword=preferences.join_keyword,
            marketing=preferences.join_marketing,
            terms_url=preferences.terms_url,
            privacy_url=preferences.privacy_url,
            support=preferences.support_contact,
        ),
        public_url=tools.public_url,
        codes=codes,
    )
    files = write_kit(kit, args.out)
    say = _console().print
    say(f"{len(files)} files are in {args.out}; begin with to-paste.html")
    if not preferences.join_page:
        say("Your page is closed: doorstep set --shop … join_page=true")
    if preferences.join_keyword is None:
        say('No text joins yet: doorstep set --shop … "join_keyword=TEXT ME"')
    for finding in kit.findings:
        say(f"A reviewer would object: {finding.where} {finding.problem}. {finding.remedy}")
    for way, source, buyers in joined:
        say(f"{buyers} joined by {way.replace('_', ' ')}, from {source}")


def bring_consents(tools: Needs, args: argparse.Namespace) -> None:
    shop = _shop(tools, args.shop)
    file = ConsentsFile(args.file, country=shop.country)
    refused_path = args.file.with_name(f"{args.file.stem}.refused.csv")
    notes = Console(stderr=True)
    bars = Progress(
        TextColumn("lines"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=notes,
        disable=not notes.is_terminal,
    )
    with bars, _RefusedFile(refused_path, file.columns) as refused:
        task = bars.add_task("lines", total=max(0, file.lines - 1))
        summary = import_consents(
            tools.db,
            now=tools.clock.now(),
            shop_id=shop.id,
            actor=_operator(),
            file=file,
            refuse=refused.add,
            progress=lambda lines: bars.advance(task, lines),
            dry_run=args.dry_run,
        )
    _report(summary, refused_path, ignored=file.ignored, dry_run=args.dry_run)


def opt_out(tools: Needs, args: argparse.Namespace) -> None:
    shop = _shop(tools, args.shop)
    phone = to_e164(args.phone, country=shop.country)
    if phone is None:
        raise Refused("phone", "that is no phone number; write it as +14155550142")
    with tools.db.shop(shop.id) as session:
        recorded = opt_out_by_hand(
            session,
            now=tools.clock.now(),
            shop_id=shop.id,
            phone=phone,
            actor=_operator(),
            reason=args.reason,
        )
    _console().print(f"Nothing is sent to this number any more (consent {recorded.consent_id}).")


class _RefusedFile:
    """The refused lines beside their file, with number, reason and remedy; none if all are good."""

    def __init__(self, path: Path, columns: list[str]) -> None:
        self._path = path
        self._columns = [name for name in columns if name not in ADDED]

    def __enter__(self) -> _RefusedFile:
        # With the mark that makes spreadsheets read it as UTF-8.
        self._file = self._path.open("w", encoding="utf-8-sig", newline="")
        self._writer = csv.DictWriter(
            self._file, [*self._columns, *ADDED], extrasaction="ignore", restval=""
        )
        self._writer.writeheader()
        self._lines = 0
        return self

    def add(self, line: RefusedLine) -> None:
        self._lines += 1
        said = {"line": line.number, "reason": line.reason, "remedy": line.remedy}
        self._writer.writerow({**line.cells, **said})

    def __exit__(self, *_: object) -> None:
        self._file.close()
        if not self._lines:
            self._path.unlink()


def _report(summary: Summary, refused_path: Path, *, ignored: list[str], dry_run: bool) -> None:
    say = _console().print
    added = "would be added" if dry_run else "added"
    say(f"{summary.lines} lines: {summary.added} {added}, {summary.known} known before")
    for reason, count in summary.refused.most_common():
        say(f"{count} refused: {reason.replace('_', ' ')}")
    if summary.refused:
        say(f"Each refused line, with what to do: {refused_path}")
    if ignored:
        say(f"Columns that were not used: {', '.join(ignored)}")


def _shop(tools: Tools, domain: str) -> Shop:
    with tools.db.across_shops("operator: find the shop") as session:
        shop = session.scalars(sa.select(Shop).where(Shop.domain == domain)).one_or_none()
    if shop is None:
        raise Refused("unknown_shop", f"{domain} has not opened the app yet")
    return shop


def _operator() -> str:
    """Who sits at this machine, for the record."""
    return f"operator:{getpass.getuser()}"


def _console() -> Console:
    return Console(soft_wrap=True, highlight=False, markup=False, emoji=False)

"""Drawn cases: no text that we begin is allowed outside a window, and none is held inside one.

`python -m tests.evals.permission_draw --cases 1000000 --seed 1` (some minutes on two cores) prints
what it saw and ends with 1 if the engine and the oracle ever differ. `make test` draws 20,000.

A case is a number and up to two addresses anywhere in the United States (territories too) or
Canada, sometimes unknown; a moment of three years, often near a clock change, a holiday or the edge
of a window; a purpose; a history of sends; a shop's hours. Where a number and a ZIP are and what
the law allows there, the oracle reads from the tables itself.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

from app.consent.permission import (
    ROOM,
    ConsentState,
    Grant,
    ProactiveSend,
    Purpose,
    Request,
    SendHistory,
    decide,
)
from app.consent.verdicts import Allowed, NotBefore, Reason, Verdict
from app.consent.week_hours import WeekHours
from app.consent.zones import locate
from app.orders.ports import Place
from tests.evals import permission_oracle as oracle

BEGUN = (Purpose.CHECK_IN, Purpose.FOLLOW_UP, Purpose.ORDER_STATUS)
FIRST, LAST = datetime(2026, 1, 1, tzinfo=UTC), datetime(2029, 1, 1, tzinfo=UTC)
TURNS = [datetime(*day, tzinfo=UTC) for day in (
    (2026, 3, 8), (2026, 11, 1), (2027, 3, 14), (2027, 11, 7), (2028, 3, 12), (2028, 11, 5),
    (2028, 2, 29), (2026, 12, 31), (2027, 12, 31),
)]  # fmt: skip
FEASTS = sorted(
    {
        day
        for region in oracle.LAW
        for year in (2026, 2027, 2028)
        for day in oracle.closed(region, year)
    }
)
# One code for each province and each part of one that spans a border, and where that is.
CANADA = {
    "403": ("AB", "America/Edmonton"), "604": ("BC", "America/Vancouver"),
    "204": ("MB", "America/Winnipeg"), "506": ("NB", "America/Moncton"),
    "709": ("NL", "America/St_Johns America/Goose_Bay"),
    "902": ("NS PE", "America/Halifax"), "416": ("ON", "America/Toronto"),
    "807": ("ON", "America/Toronto America/Winnipeg"), "514": ("QC", "America/Toronto"),
    "418": ("QC", "America/Toronto America/Halifax"), "306": ("SK", "America/Regina"),
    "867": ("NT NU YT", "America/Edmonton America/Iqaluit America/Rankin_Inlet America/Whitehorse"),
}  # fmt: skip
US_CODES, ZIP5, ZIP3 = sorted(oracle.AREA_CODES), sorted(oracle.ZIP5), sorted(oracle.ZIP3)


@dataclass
class Tally:
    verdicts: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        self.verdicts.update(other.verdicts)
        self.faults += other.faults


@dataclass(frozen=True)
class Case:
    request: Request
    regions: frozenset[str]
    zones: frozenset[str]
    shop: tuple[oracle.Minutes | None, ...]

    def lawful(self, at: datetime) -> bool:
        return oracle.lawful(at, self.regions, self.zones, self.shop)


def draw(random: Random) -> Case:
    phone, regions, zones = _number(random)
    addresses = []
    for _ in range(random.choice((0, 0, 1, 2))):
        code, (more_regions, more_zones) = _zip(random)
        addresses.append(Place(country="US", zip=code))
        regions |= more_regions | {"US"}
        zones |= more_zones
    now = _moment(random, sorted(zones))
    shop = _shop(random)
    ago = [timedelta(minutes=random.randrange(1, 2000)) for _ in range(random.choice((0, 0, 2, 4)))]
    return Case(
        Request(
            purpose=random.choice(BEGUN),
            now=now,
            phone=phone,
            consent=ConsentState(care=Grant("consent:1")),
            places=locate(phone, *addresses),
            history=SendHistory(
                proactive=tuple(ProactiveSend(now - a, 2, Purpose.ORDER_STATUS) for a in ago)
            ),
            order_id=1,
            shop_window=WeekHours(shop) if shop else None,
        ),
        regions,
        zones,
        shop,
    )


def _number(random: Random) -> tuple[str, frozenset[str], frozenset[str]]:
    dice = random.random()
    if dice < 0.06:
        return "+18885550142", *oracle.EVERYWHERE
    if dice < 0.2:
        code = random.choice(list(CANADA))
        provinces, zones = CANADA[code]
        regions = frozenset({"CA", *(f"CA-{p}" for p in provinces.split())})
        return f"+1{code}5550142", regions, frozenset(zones.split())
    code = random.choice(US_CODES)
    regions, zones_ = oracle.AREA_CODES[code]
    return f"+1{code}5550142", regions | {"US"}, zones_


def _zip(random: Random) -> tuple[str, tuple[frozenset[str], frozenset[str]]]:
    if random.random() < 0.5:
        code = random.choice(ZIP5)
        return code, oracle.ZIP5[code]
    code = f"{random.choice(ZIP3)}{random.randrange(100):02}"
    return code, oracle.ZIP5.get(code) or oracle.ZIP3[code[:3]]


def _moment(random: Random, zones: list[str]) -> datetime:
    dice = random.random()
    if dice < 0.2:
        day = random.choice(TURNS) + timedelta(days=random.randrange(-1, 2))
    elif dice < 0.45:
        feast = random.choice(FEASTS)
        day = datetime(feast.year, feast.month, feast.day, tzinfo=UTC)
        day += timedelta(days=random.randrange(-1, 2))
    else:
        day = FIRST + timedelta(days=random.randrange((LAST - FIRST).days))
    if random.random() < 0.4:  # at an edge, on the clock of one of the zones
        wall = day.replace(tzinfo=ZoneInfo(random.choice(zones)))
        hour = random.choice((0, 8, 9, 10, 11, 12, 17, 18, 19, 20, 21))
        return wall.replace(hour=hour).astimezone(UTC) + timedelta(minutes=random.randrange(-7, 8))
    return day + timedelta(seconds=random.randrange(86_400))


def _shop(random: Random) -> tuple[oracle.Minutes | None, ...]:
    if random.random() < 0.7:
        return ()
    start = random.randrange(8 * 60, 15 * 60, 30)
    span = (start, start + random.randrange(120, 600, 30))
    return tuple(None if random.random() < 0.1 else span for _ in range(7))


def judge(case: Case, verdict: Verdict) -> str | None:
    """What is wrong with the verdict; None if nothing is."""
    now, history = case.request.now, case.request.history
    if case.request.places.zones != case.zones:
        return "the engine looks at other zones"
    full = len([s for s in history.proactive if now - s.at < timedelta(days=1)]) >= 3
    if isinstance(verdict, Allowed):
        last = verdict.window_end - timedelta(minutes=1)
        inside = [now, now + (last - now) * 0.6, last]
        if not all(case.lawful(at) for at in inside):
            return "allowed outside a window"
        return "allowed above the cap" if full else None
    if isinstance(verdict, NotBefore):
        if not case.lawful(verdict.at) or verdict.at <= now:
            return "held until a moment outside a window"
        if verdict.at - now > timedelta(days=9):
            return "held for more than a week"
        # Nothing lawful was passed over: neither now nor in the hour before it opens.
        if verdict.reason is Reason.QUIET_HOURS:
            before = verdict.at - timedelta(minutes=1)
            if full or case.lawful(before) and case.lawful(before + ROOM):
                return "held though a window was open"
            if case.lawful(now) and case.lawful(now + ROOM):
                return "held though it is lawful now"
        return None
    if verdict.reason is Reason.QUIET_HOURS_TOO_LONG:
        halves = [case.lawful(now + timedelta(minutes=30 * step)) for step in range(6 * 48)]
        passed_over = any(a and b for a, b in zip(halves, halves[1:], strict=False))
        return "refused though there is an hour" if passed_over and not full else None
    return f"refused: {verdict.reason}"


def run(cases: int, seed: int) -> Tally:
    random = Random(seed)
    tally = Tally()
    for number in range(cases):
        case = draw(random)
        verdict = decide(case.request)
        tally.verdicts[type(verdict).__name__] += 1
        if fault := judge(case, verdict):
            places = f"{sorted(case.regions)} {sorted(case.zones)}"
            tally.faults.append(
                f"seed {seed}, case {number}: {fault}; {case.request.now} {places} {case.shop}"
                f" {verdict.as_record()['verdict']}"
            )
    return tally


def run_on_all_cores(cases: int, seed: int) -> Tally:
    share = 10_000
    parts = [min(share, cases - done) for done in range(0, cases, share)]
    tally = Tally()
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for part in pool.map(run, parts, range(seed, seed + len(parts))):
            tally.add(part)
    return tally


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    tally = run_on_all_cores(args.cases, args.seed)
    seen = f"{args.cases} cases from seed {args.seed}: {dict(tally.verdicts)}"
    sys.stdout.write("\n  ".join([seen, f"{len(tally.faults)} faults", *tally.faults[:20]]) + "\n")
    return int(bool(tally.faults))


if __name__ == "__main__":
    sys.exit(main())

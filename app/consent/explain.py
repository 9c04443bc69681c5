"""A verdict in plain words, with place and clock.

"Held until Mon 10:00: it is Sunday 19:12 in Texas, and one of the buyer's zones closes at 18:00."

Called by the pages and notes that show why a text went or did not (`explain_record`, from the
stored verdict) and by the operator's command (`explain`). Decides nothing: it finds the words for
what `permission` has decided, with the same rules.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum
from typing import Any
from zoneinfo import ZoneInfo

from app.consent.permission import cap_of
from app.consent.place_names import place_of, region_name
from app.consent.purposes import TRAITS, Purpose
from app.consent.quiet_hours import open_hours
from app.consent.state_rules import RuleBook, load_rules
from app.consent.verdicts import (
    Allowed,
    Denied,
    NotBefore,
    Reason,
    Verdict,
    read_verdict,
    reason_text,
)
from app.consent.week_hours import WeekHours
from app.consent.zones import Places


class _Hour(IntEnum):
    """How a zone stands at a moment; the lowest says most about a wait."""

    CLOSED_DAY = 0
    OVER = 1
    TOO_EARLY = 2
    OPEN = 3


@dataclass(frozen=True)
class _Clock:
    zone: str
    wall: datetime
    hour: _Hour
    edge: str = ""  # "18:00": where today opens or closes
    closed_by: str = ""


def explain(
    verdict: Verdict,
    *,
    purpose: Purpose,
    now: datetime,
    places: Places,
    shop_window: WeekHours | None = None,
    rules: RuleBook | None = None,
) -> str:
    """One sentence (or two) for a merchant, an agent or a lawyer."""
    book = rules or load_rules()
    window = shop_window if TRAITS[purpose].proactive else None
    clocks = _clocks(now, places, book, window)
    if isinstance(verdict, Denied):
        return _denied(verdict, now, places, clocks)
    if isinstance(verdict, Allowed):
        return _allowed(verdict, purpose, places, clocks)
    return _held(verdict, now, places, clocks, book)


def explain_record(
    record: Mapping[str, Any],
    *,
    purpose: str,
    decided_at: datetime,
    shop_window: WeekHours | None = None,
) -> str:
    """The same from a row of `permissions`: the places are those that the evidence names."""
    verdict = read_verdict(record)
    named = [item.partition(":") for item in verdict.evidence]
    regions = frozenset(value.partition("@")[0] for kind, _, value in named if kind == "rule")
    zones = frozenset(value for kind, _, value in named if kind == "zone")
    places = Places(frozenset(region[:2] for region in regions), regions, zones)
    return explain(
        verdict, purpose=Purpose(purpose), now=decided_at, places=places, shop_window=shop_window
    )


def _clocks(
    now: datetime, places: Places, book: RuleBook, shop_window: WeekHours | None
) -> list[_Clock]:
    """Every zone's, the one that says most first."""
    found = (_clock(now, zone, places, book, shop_window) for zone in sorted(places.zones))
    return sorted(found, key=lambda clock: clock.hour)


def _clock(
    now: datetime, zone: str, places: Places, book: RuleBook, shop_window: WeekHours | None
) -> _Clock:
    wall = now.astimezone(ZoneInfo(zone))
    span = open_hours(places, book, shop_window).on(wall.date())
    if span is None:
        reason = _closed_by(wall, places, book, shop_window)
        return _Clock(zone, wall, _Hour.CLOSED_DAY, closed_by=reason)
    minute = wall.hour * 60 + wall.minute
    if minute < span[0]:
        return _Clock(zone, wall, _Hour.TOO_EARLY, _time(span[0]))
    hour = _Hour.OPEN if minute < span[1] else _Hour.OVER
    return _Clock(zone, wall, hour, _time(span[1]))


def _closed_by(
    wall: datetime, places: Places, book: RuleBook, shop_window: WeekHours | None
) -> str:
    for rule in book.applying(places.regions):
        if holiday := rule.closures.on(wall.date()):
            return f"{region_name(rule.region)} allows no texts on {holiday}"
        if rule.hours.days[wall.weekday()] is None:
            return f"{region_name(rule.region)} allows no texts on {wall:%A}s"
    if shop_window is not None and shop_window.days[wall.weekday()] is None:
        return f"your settings allow no texts on {wall:%A}s"
    return f"the rules of these places leave no hour on {wall:%A}s"


def _held(
    verdict: NotBefore, now: datetime, places: Places, clocks: list[_Clock], book: RuleBook
) -> str:
    clock = clocks[0]
    until = f"Held until {_moment(verdict.at, now, clock.zone)}"
    here = _here(clock, places)
    if verdict.reason is Reason.CAP_REACHED:
        cap = cap_of(book.applying(places.regions))
        return f"{until}: the buyer has had {cap} texts from you within 24 hours; {here}."
    return f"{until}: {here}, {_because(clock, len(clocks) > 1)}."


def _because(clock: _Clock, several: bool) -> str:
    if clock.hour is _Hour.CLOSED_DAY:
        return f"and {clock.closed_by}"
    if clock.hour is _Hour.OPEN:
        return f"and texts must arrive before {clock.edge}, which is too soon"
    verb = "closes" if clock.hour is _Hour.OVER else "opens"
    if several:
        return f"and one of the buyer's zones {verb} at {clock.edge}"
    return f"where texting {verb} at {clock.edge}"


def _allowed(verdict: Allowed, purpose: Purpose, places: Places, clocks: list[_Clock]) -> str:
    if any(item.startswith("zone:") for item in verdict.evidence):
        clock = clocks[0]
        end = _moment(verdict.window_end, clock.wall, clock.zone)
        return f"May go now, and until {end}: {_here(clock, places)}, within the buyer's hours."
    if purpose is Purpose.OPT_OUT_CONFIRMATION:
        why = "one confirmation may follow an opt-out within five minutes"
    elif any(item.startswith("inbound:") for item in verdict.evidence):
        why = "the buyer wrote and is being answered"
    else:
        why = "the buyer has just asked for texts"
    return f"May go now, at any hour: {why}."


def _denied(verdict: Denied, now: datetime, places: Places, clocks: list[_Clock]) -> str:
    text = f"Not sent: {_lower(reason_text(verdict.reason))}"
    if verdict.reason is Reason.COUNTRY_NOT_SUPPORTED:
        abroad = sorted(item[8:] for item in verdict.evidence if item.startswith("country:"))
        named = [country for country in abroad if country != "ZZ"]
        return f"{text[:-1]} ({', '.join(named)})." if named else text
    sent = [item[5:] for item in verdict.evidence if item.startswith("sent:")]
    if sent and clocks:
        at = datetime.fromisoformat(sent[0]).astimezone(ZoneInfo(clocks[0].zone))
        return f"{text} The last went {at:%a %d %b %H:%M} ({place_of(clocks[0].zone, places)})."
    if verdict.reason is Reason.QUIET_HOURS_TOO_LONG and clocks:
        return f"{text[:-1]}: {_here(clocks[0], places)}, {_because(clocks[0], len(clocks) > 1)}."
    return text


def _here(clock: _Clock, places: Places) -> str:
    return f"it is {clock.wall:%A %H:%M} in {place_of(clock.zone, places)}"


def _moment(at: datetime, now: datetime, zone: str) -> str:
    wall = at.astimezone(ZoneInfo(zone))
    return f"{wall:%a %H:%M}" if at - now < timedelta(days=6) else f"{wall:%a %d %b %H:%M}"


def _time(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def _lower(sentence: str) -> str:
    return sentence[0].lower() + sentence[1:]

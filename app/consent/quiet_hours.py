"""When a text may go: the instants that are inside everybody's hours in every zone at once.

Called by `permission` (may it go now, else when) and by `checkins.schedule_rules` (the due time).
The hours are the product's, narrowed by the law of each region (data in `state_rules`, holidays
among it) and by the shop; the zones come from `zones.locate`. Quiet hours count at the called
party's location (47 CFR 64.1200(c)(1)), so all is wall time laid on real days, daylight saving
included, and intersected as intervals.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache, lru_cache
from zoneinfo import ZoneInfo

from app.consent.holidays import Closures
from app.consent.state_rules import PRODUCT_HOURS, HoursRule, RuleBook
from app.consent.week_hours import Span, WeekHours
from app.consent.zones import Places

HORIZON_DAYS = 7


@dataclass(frozen=True)
class Window:
    """A lawful stretch of time, UTC; `end` is the first instant outside."""

    start: datetime
    end: datetime


@dataclass(frozen=True, eq=False)  # told apart by identity: it keys a cache
class OpenHours:
    """What applies in every zone of some places: the week's hours, less the closed days."""

    week: WeekHours
    closures: tuple[Closures, ...] = ()

    def on(self, day: date) -> Span | None:
        """Minutes of this local day in which texts may go; None: it is closed."""
        span = self.week.days[day.weekday()]
        if span is None or any(closures.on(day) for closures in self.closures):
            return None
        return span


def open_hours(places: Places, rules: RuleBook, shop_window: WeekHours | None = None) -> OpenHours:
    """`shop_window` can only narrow: what it adds to the product's or the law's hours is
    ignored."""
    return _narrowed(rules.applying(places.regions), shop_window)


def allowed_hours(
    places: Places, rules: RuleBook, shop_window: WeekHours | None = None
) -> WeekHours:
    """The hours of a week without closed days."""
    return open_hours(places, rules, shop_window).week


@lru_cache(maxsize=4096)
def _narrowed(rules: tuple[HoursRule, ...], shop_window: WeekHours | None) -> OpenHours:
    hours = PRODUCT_HOURS if shop_window is None else PRODUCT_HOURS.narrowed_by(shop_window)
    for rule in rules:
        hours = hours.narrowed_by(rule.hours)
    return OpenHours(hours, tuple(r.closures for r in rules if not r.closures.none))


def next_window(
    now: datetime,
    places: Places,
    rules: RuleBook,
    shop_window: WeekHours | None = None,
    *,
    room: timedelta = timedelta(0),
) -> Window | None:
    """The earliest lawful window that is open at `now` or opens within seven days.

    `start` is never before `now`. A window with less than `room` left is passed over. None if
    there is none, and always if `places` has no zone.
    """
    hours = open_hours(places, rules, shop_window)
    if hours.week.never or not places.zones:
        return None
    latest_start = now + timedelta(days=HORIZON_DAYS)
    # Nearly always today or tomorrow; the week is laid out only where that fails.
    for days in (2, HORIZON_DAYS + 2):
        for window in _common_windows(hours, places.zones, now, days):
            start = max(window.start, now)
            if start <= latest_start and window.end - start > max(room, timedelta(0)):
                return Window(start, window.end)
    return None


def next_lawful(
    now: datetime,
    places: Places,
    rules: RuleBook,
    shop_window: WeekHours | None = None,
    *,
    room: timedelta = timedelta(0),
) -> datetime | None:
    """The earliest instant not before `now` (UTC) at which a text may go; None: not in 7 days."""
    window = next_window(now, places, rules, shop_window, room=room)
    return window.start if window else None


def latest_lawful_end(
    at: datetime, places: Places, rules: RuleBook, shop_window: WeekHours | None = None
) -> datetime | None:
    """When the window that is open at `at` closes: the text must not arrive after it.

    None if no window is open at `at`.
    """
    window = next_window(at, places, rules, shop_window)
    return window.end if window and window.start == at else None


@cache  # the library's own cache holds eight; an unknown place has thirty
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def _common_windows(
    hours: OpenHours, zones: Iterable[str], since: datetime, days: int
) -> list[Window]:
    """The stretches inside `hours` in every zone, from the day of `since` on, in order."""
    common: list[Window] | None = None
    for zone in zones:
        today = since.astimezone(_zone(zone)).date()
        opened = _open_windows(hours, zone, today, days)
        common = list(opened) if common is None else _intersect(common, opened)
    return common or []


@lru_cache(maxsize=4096)  # a busy morning asks the same few thousand times
def _open_windows(hours: OpenHours, zone: str, today: date, days: int) -> tuple[Window, ...]:
    windows = (_window_on(hours, zone, today + timedelta(days=n)) for n in range(days))
    return tuple(window for window in windows if window is not None)


@lru_cache(maxsize=16384)
def _window_on(hours: OpenHours, zone: str, day: date) -> Window | None:
    span = hours.on(day)
    if span is None:
        return None
    window = _on_day(span, day, _zone(zone))
    return window if window.start < window.end else None


def _on_day(span: Span, day: date, tz: ZoneInfo) -> Window:
    # Where the clock is turned, a wall time may be missing or come twice: `fold` names both
    # readings, and the window takes the narrower.
    return Window(
        max(_instant(day, span[0], tz, 0), _instant(day, span[0], tz, 1)),
        min(_instant(day, span[1], tz, 0), _instant(day, span[1], tz, 1)),
    )


def _instant(day: date, minutes: int, tz: ZoneInfo, fold: int) -> datetime:
    days, minutes = divmod(minutes, 24 * 60)
    wall = time(minutes // 60, minutes % 60, tzinfo=tz, fold=fold)
    return datetime.combine(day + timedelta(days=days), wall).astimezone(UTC)


def _intersect(one: list[Window], other: tuple[Window, ...]) -> list[Window]:
    """Both lists are in order and free of overlaps; so is the result."""
    found: list[Window] = []
    i = j = 0
    while i < len(one) and j < len(other):
        start = max(one[i].start, other[j].start)
        end = min(one[i].end, other[j].end)
        if start < end:
            found.append(Window(start, end))
        if one[i].end <= other[j].end:
            i += 1
        else:
            j += 1
    return found

"""What a replay says at its end, for people on the terminal or as JSON for programs.

Called by the command. With `--json` nothing but the document goes to standard output; progress
and notes go to standard error. Reasons are the merchant's sentences.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from typing import Any

from rich.console import Console

from app.checkins.reasons import sentence
from app.replay.dry_run import WouldSend, WouldSkip
from app.replay.prices import Prices
from app.replay.timetable import Timetable
from app.replay.verify import Outcome

NO_PARCEL = {
    "cancelled": "The order was cancelled before anything was shipped.",
    "unfulfilled": "Nothing has been shipped yet.",
    "nothing_ships": "Nothing of the order travels in a parcel.",
}
SHOWN_BROKEN = 20


class Reporter:
    """Writes one report. `out` is for the answer, `notes` for everything else."""

    def __init__(self, *, as_json: bool, prices: Prices) -> None:
        self.as_json = as_json
        self.prices = prices
        self.out = Console(highlight=False, markup=False, emoji=False, soft_wrap=True)
        self.notes = Console(
            stderr=True, highlight=False, markup=False, emoji=False, soft_wrap=True
        )

    # --- What was read

    def read(self, timetable: Timetable) -> None:
        """Name what cannot be played; a note, whichever the form of the report."""
        for broken in timetable.broken[:SHOWN_BROKEN]:
            self.notes.print(f"skipped {broken}")
        if timetable.broken_count > SHOWN_BROKEN:
            self.notes.print(f"… and {timetable.broken_count - SHOWN_BROKEN} more")

    # --- Dry run

    def dry_run(
        self, timetable: Timetable, outcomes: Iterable[WouldSend | WouldSkip], note: str
    ) -> None:
        """Each outcome as it is found, then the totals."""
        if note:
            self.notes.print(note)
        if self.as_json:
            self._stream_json(timetable, outcomes)
            return
        tally = Tally()
        for outcome in tally.counting(outcomes):
            if isinstance(outcome, WouldSend):
                self.out.print(
                    f"{outcome.order}  {outcome.local}  to {outcome.phone}  "
                    f"({_many(outcome.segments, 'segment')})\n    {outcome.body}"
                )
            else:
                self.out.print(f"{outcome.order}  no text: {outcome.why}")
        self.out.print()
        self._orders(timetable)
        self._line("would be texted", tally.texts)
        self._costs(tally.segments)
        for reason, count in tally.skipped.most_common():
            self._line("no text", count, sentence(reason))
        self.out.print("Not counted: what buyers answer, and how fast the shop's number may send.")

    def _stream_json(self, timetable: Timetable, outcomes: Iterable[WouldSend | WouldSkip]) -> None:
        """One document, written as it is found, so that its size does not matter."""
        write = sys.stdout.write
        tally = Tally()
        write('{"outcomes": [')
        for place, outcome in enumerate(tally.counting(outcomes)):
            fields = {**asdict(outcome), "at": outcome.at.isoformat()}
            fields["sent"] = isinstance(outcome, WouldSend)
            if isinstance(outcome, WouldSkip):
                fields["why"] = outcome.why
            write(("," if place else "") + "\n  " + json.dumps(fields, ensure_ascii=False))
        totals = {
            **read_as_json(timetable),
            "texts": tally.texts,
            **self._costs_as_json(tally.segments),
            "skipped": skips_as_json(tally.skipped),
        }
        write(f'\n], "totals": {json.dumps(totals, ensure_ascii=False)}}}\n')

    # --- Played

    def played(self, timetable: Timetable, outcome: Outcome) -> None:
        if self.as_json:
            document = {
                **read_as_json(timetable),
                **outcome.as_json(),
                **self._costs_as_json(outcome.segments),
                "check_ins": [
                    {"state": state, "reason": reason, "why": _why(reason), "count": count}
                    for (state, reason), count in outcome.check_ins.items()
                ],
            }
            sys.stdout.write(json.dumps(document, indent=2, ensure_ascii=False) + "\n")
            return
        self.out.print()
        self._orders(timetable)
        self._line("webhooks", outcome.webhooks, f"and {outcome.repeated} of them a second time")
        for (state, reason), count in outcome.check_ins.items():
            self._line(f"check-ins {state}", count, _why(reason))
        self._line("texts sent", outcome.texts)
        self._costs(outcome.segments)
        self._line("replies", outcome.replies, f"{outcome.stops} of them STOP")
        self._line("tickets", outcome.tickets)
        self._line(
            "time",
            round(outcome.seconds),
            f"seconds, for {outcome.virtual_days:.1f} days of the shop",
        )
        self.out.print()
        for claim in outcome.claims:
            self.out.print(f"{'✓' if claim.holds else '✗'} {claim.text}")
        for problem in outcome.problems:
            self.out.print(f"  {problem}")

    # --- Parts of both

    def _orders(self, timetable: Timetable) -> None:
        self._line("orders read", timetable.orders)
        if timetable.broken_count:
            self._line("orders broken", timetable.broken_count, "skipped; named above")
        self._line("deliveries", timetable.deliveries)
        for reason, count in timetable.without_parcel.items():
            if count:
                self._line("no delivery", count, NO_PARCEL[reason])

    def _costs(self, segments: int) -> None:
        cost = self.prices.cost(segments)
        self._line("segments", segments, f"${cost}, taking {self.prices.assumption}")

    def _costs_as_json(self, segments: int) -> dict[str, Any]:
        return {
            "segments": segments,
            "cost_usd": str(self.prices.cost(segments)),
            "cost_assumption": self.prices.assumption,
        }

    def _line(self, what: str, count: int, more: str = "") -> None:
        self.out.print(f"{what:<22}{count:>8,}  {more}".rstrip())


class Tally:
    """Totals of a dry run, counted while its outcomes pass by."""

    def __init__(self) -> None:
        self.texts = 0
        self.segments = 0
        self.skipped: Counter[str] = Counter()

    def counting(
        self, outcomes: Iterable[WouldSend | WouldSkip]
    ) -> Iterator[WouldSend | WouldSkip]:
        for outcome in outcomes:
            if isinstance(outcome, WouldSend):
                self.texts += 1
                self.segments += outcome.segments
            else:
                self.skipped[outcome.reason] += 1
            yield outcome


def read_as_json(timetable: Timetable) -> dict[str, Any]:
    return {
        "orders": timetable.orders,
        "deliveries": timetable.deliveries,
        "without_delivery": dict(timetable.without_parcel),
        "broken": [asdict(broken) for broken in timetable.broken],
        "broken_count": timetable.broken_count,
    }


def skips_as_json(skipped: Mapping[str, int]) -> list[dict[str, Any]]:
    return [
        {"reason": reason, "why": sentence(reason), "count": count}
        for reason, count in skipped.items()
    ]


def _why(reason: str | None) -> str:
    return sentence(reason) if reason else ""


def _many(count: int, word: str) -> str:
    return f"{count} {word}{'' if count == 1 else 's'}"

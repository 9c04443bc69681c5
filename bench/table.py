"""What a measure hands back, and the one table: measure, target, measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    measure: str
    target: str
    measured: str
    met: bool | None = None  # None: for information, or not measured
    detail: str = ""


MARKS = {True: "met", False: "MISSED", None: ""}


def show(findings: Sequence[Finding]) -> None:
    rows = [("measure", "target", "measured", "")]
    rows += [(f.measure, f.target, f.measured, MARKS[f.met]) for f in findings]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    print()
    for number, row in enumerate(rows):
        print("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)))
        if number == 0:
            print("  ".join("-" * width for width in widths))
    for finding in findings:
        if finding.detail:
            print(f"\n{finding.measure}: {finding.detail}")


def median(values: Sequence[float]) -> float:
    ordered = sorted(values)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2

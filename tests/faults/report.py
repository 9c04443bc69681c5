"""What fault tests measured, shown at the end of the run."""

from __future__ import annotations

LINES: list[str] = []


def told(line: str) -> None:
    LINES.append(line)

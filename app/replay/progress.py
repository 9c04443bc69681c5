"""A replay's progress on the terminal: orders, deliveries, texts, replies, and the shop's time.

Called by `play`. Bars go to standard error, so that standard output holds nothing but the report;
where that is no terminal, nothing is drawn.
"""

from __future__ import annotations

from datetime import datetime
from types import TracebackType

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as Bars


class Progress:
    def __init__(self, console: Console, *, orders: int, deliveries: int) -> None:
        self._bars = Bars(
            TextColumn("{task.description:<10}"),
            BarColumn(bar_width=16),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[note]}"),
            console=console,
            disable=not console.is_terminal,
            refresh_per_second=4,
        )
        self._orders = self._bars.add_task("orders", total=orders, note="")
        self._deliveries = self._bars.add_task("deliveries", total=deliveries, note="")
        self._texts = self._bars.add_task("texts", total=deliveries, note="")
        self._replies = self._bars.add_task("replies", total=None, note="")

    def __enter__(self) -> Progress:
        self._bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._bars.stop()

    def order(self) -> None:
        self._bars.advance(self._orders)

    def delivery(self) -> None:
        self._bars.advance(self._deliveries)

    def text(self) -> None:
        self._bars.advance(self._texts)

    def show(self, now: datetime, replies: int, waiting: str) -> None:
        """The shop's time, the replies so far and what is under way."""
        self._bars.update(self._orders, note=f"{now:%a %d %b %H:%M} UTC")
        self._bars.update(self._deliveries, note=waiting)
        self._bars.update(self._replies, completed=replies)

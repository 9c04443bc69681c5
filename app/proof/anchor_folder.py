"""Anchors as lines of a file for each month, in a folder. Any number of processes may add.

The folder is best on other storage than the database's: another machine's mount, or files that
may only be appended to (`chattr +a`).
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from app.proof.ports import Anchor


class AnchorFolder:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def where(self) -> str:
        return str(self._folder)

    def add(self, anchors: Sequence[Anchor]) -> None:
        if not anchors:
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        month = max(anchor.at for anchor in anchors).astimezone(UTC).strftime("%Y-%m")
        lines = "".join(
            json.dumps(
                {
                    "at": anchor.at.astimezone(UTC).isoformat(),
                    "shop": anchor.shop_id,
                    "number": anchor.number,
                    "hash": anchor.hash,
                }
            )
            + "\n"
            for anchor in anchors
        )
        # One write at the end of the file: lines of two processes never mix.
        file = os.open(
            self._folder / f"{month}.jsonl", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640
        )
        try:
            os.write(file, lines.encode())
            os.fsync(file)
        finally:
            os.close(file)

    def of_shop(self, shop_id: int) -> Iterator[Anchor]:
        mark = f'"shop": {shop_id},'
        for path in sorted(self._folder.glob("*.jsonl")):
            with path.open(encoding="utf-8") as lines:
                for line in lines:
                    if mark not in line:
                        continue
                    said = json.loads(line)
                    yield Anchor(
                        at=datetime.fromisoformat(said["at"]),
                        shop_id=said["shop"],
                        number=said["number"],
                        hash=said["hash"],
                    )

"""What a draft would cost if it were sent as it stands. Pure; called by `api` while an agent types.

Counted the way it will be sent: cut where one text is too long (`conversations.reply`), then by
what carriers bill for each.
"""

from __future__ import annotations

from decimal import Decimal

from app.messaging.segments import Encoding, count_segments, split_text


def estimate(text: str, segment_price: Decimal | None) -> dict[str, object]:
    """`segment_price`: US dollars for one; None: nobody said, and nothing is claimed."""
    parts = [count_segments(part) for part in split_text(text)]
    segments = sum(part.segments for part in parts)
    wide = any(part.encoding is Encoding.UCS2 for part in parts)
    return {
        "segments": segments,
        "encoding": (Encoding.UCS2 if wide else Encoding.GSM7).value,
        "characters": len(text),
        "texts": len(parts),
        "cost": None if segment_price is None else f"{segments * segment_price} USD",
    }

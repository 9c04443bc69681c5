"""The two files of an export: JSON for machines, one page for people that needs nothing else.

Called by `keep_export` and the operator's command, outside a transaction: photos are fetched from
the media room and lie inside both files. The page loads nothing and runs nothing, so it can be
opened from a disk or an e-mail ten years later.
"""

from __future__ import annotations

import base64
import json
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader

from app.foundation.media import MediaGone, MediaStore
from app.privacy.export import Data

TEMPLATES = Path(__file__).resolve().parents[1] / "templates"
# Both files are put together in memory. Beyond it a photo is named, not shown; one buyer's
# photos, each under 5 MB, hardly ever come to this.
MOST_PHOTO_BYTES = 100 * 1024 * 1024

LABELS = {
    "shopify_customer_id": "Customer number at Shopify",
    "shopify_id": "Order number at Shopify",
    "zip": "ZIP of delivery",
    "billing_zip": "ZIP of billing",
    "ship_zip": "ZIP of delivery",
    "bill_zip": "ZIP of billing",
    "line_kind": "Kind of line",
    "opted_out_at": "Opted out of texts",
    "last_inbound_at": "Last text from the buyer",
    "created_at": "Known since",
}


@dataclass(frozen=True)
class Files:
    data: bytes = field(repr=False)  # JSON
    page: bytes = field(repr=False)  # HTML


def make_files(gathered: Data, media: MediaStore) -> Files:
    """Raises Temporary if the media room is away."""
    whole = _with_photos(gathered, media)
    data = json.dumps(whole, ensure_ascii=False, indent=2, default=str).encode()
    zone = ZoneInfo(whole["about"]["timezone"])
    environment = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True)
    environment.filters["moment"] = lambda said: _moment(said, zone)
    environment.filters["label"] = lambda name: LABELS.get(
        name, name.replace("_", " ").capitalize()
    )
    environment.filters["shown"] = lambda value: _shown(value, zone)
    page = environment.get_template("privacy_export.html").render(**whole)
    return Files(data, page.encode())


def _with_photos(gathered: Data, media: MediaStore) -> Data:
    whole = deepcopy(gathered)
    room = MOST_PHOTO_BYTES
    for text in whole["texts"]:
        for photo in text["photos"]:
            key = photo.pop("storage_key")
            photo["base64"] = None
            if key is None or (photo["size_bytes"] or 0) > room:
                continue
            try:
                content = media.get(key)
            except MediaGone:
                continue
            room -= len(content)
            photo["base64"] = base64.b64encode(content).decode()
    return whole


def _shown(value: Any, zone: ZoneInfo) -> str:
    if value is None or value == "":
        return "—"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return ", ".join(f"{name}: {one}" for name, one in value.items()) or "—"
    if isinstance(value, str) and len(value) >= 20 and value[4] == "-" and "T" in value:
        return _moment(value, zone)
    return str(value)


def _moment(said: str | None, zone: ZoneInfo) -> str:
    if not said:
        return "—"
    try:
        local = datetime.fromisoformat(said).astimezone(zone)
    except ValueError:
        return said
    return f"{local.day} {local:%b %Y, %H:%M} {local.tzname()}"

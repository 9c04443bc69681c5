"""`make zendesk-app`: the zip to upload to Zendesk, the same to the byte for the same sources.

Where the app's page lies is the deployment's own: `make zendesk-app PUBLIC_URL=https://…`. Zendesk
takes only https. The pictures are assets/logo.svg at 320 and 128 pixels, as Zendesk asks for.
What its validator would say is in tests/house/zendesk_rules.py.
"""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from scripts import environment
from scripts.places import ROOT
from scripts.screen import Problem, say

SOURCES = ROOT / "extensions" / "zendesk"
OUTPUT = ROOT / "extensions" / "zendesk" / "dist" / "doorstep-zendesk.zip"
PAGE = "/desk/zendesk"
EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip can say


def build(words: Sequence[str]) -> int:
    """Write the zip and say where it is. One word may give the address instead of PUBLIC_URL."""
    given = words[0] if words else environment.given().get("PUBLIC_URL", "")
    written = write_zip(OUTPUT, address_of(given))
    say(f"  ✓ {written.relative_to(ROOT)} ({written.stat().st_size / 1e3:.0f} kB)")
    say("  Upload it in Zendesk: Admin Center, Apps and integrations, Zendesk Support apps.")
    return 0


def address_of(given: str) -> str:
    """The deployment's address, without a slash at the end. Raises Problem."""
    parts = urlsplit(given)
    if parts.scheme != "https" or not parts.hostname or parts.path not in ("", "/") or parts.query:
        said = f"{given!r} is none" if given else "none was given"
        raise Problem(
            f"The app needs the https address of Doorstep, and {said}.",
            "make zendesk-app PUBLIC_URL=https://doorstep.your-company.com",
        )
    return f"https://{parts.netloc}"


def write_zip(path: Path, public_url: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".new")
    with zipfile.ZipFile(unfinished, "w") as archive:
        for name, content in sorted(files(public_url)):
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.external_attr = 0o644 << 16
            entry.create_system = 3
            # Not deflated: what a zlib makes of the same bytes differs between its versions.
            archive.writestr(entry, content, zipfile.ZIP_STORED)
    os.replace(unfinished, path)
    return path


def files(public_url: str) -> Iterator[tuple[str, bytes]]:
    """All that the app consists of, by its name in the zip."""
    manifest = json.loads((SOURCES / "manifest.json").read_text())
    manifest["location"]["support"]["ticket_sidebar"]["url"] = public_url + PAGE
    yield "manifest.json", (json.dumps(manifest, indent=2) + "\n").encode()
    for folder, ending in (("assets", "*.png"), ("assets", "*.svg"), ("translations", "*.json")):
        for found in (SOURCES / folder).glob(ending):
            yield f"{folder}/{found.name}", found.read_bytes()

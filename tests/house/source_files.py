"""The files that the house tests look at: those under version control, or about to be."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def committed_files() -> list[Path]:
    """Known to git or not ignored by it, as paths from the root."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    names = listed.stdout.decode().split("\0")
    return sorted(Path(name) for name in names if name and (ROOT / name).is_file())


def texts() -> Iterator[tuple[Path, str]]:
    """Committed files that are text, with their content."""
    for path in committed_files():
        content = (ROOT / path).read_bytes()
        if b"\0" not in content[:8000]:
            yield path, content.decode(errors="replace")

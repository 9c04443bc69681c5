"""The rot of a code base begins in its longest files, so the cap is a test and not a hope."""

from __future__ import annotations

from tests.house.source_files import ROOT, committed_files

CAPPED_FOLDERS = ("app", "sandbox", "tests", "scripts", "bench", "frontend/src", "extensions")
CAPPED_ENDINGS = {".py", ".ts", ".tsx", ".js", ".jsx", ".css", ".html"}
LINES = 400


def test_no_source_file_is_longer_than_the_cap() -> None:
    too_long = {}
    for path in committed_files():
        inside = path.as_posix().startswith(tuple(f"{folder}/" for folder in CAPPED_FOLDERS))
        if inside and path.suffix in CAPPED_ENDINGS and "fixtures" not in path.parts:
            count = len((ROOT / path).read_text().splitlines())
            if count > LINES:
                too_long[path.as_posix()] = count
    assert not too_long, f"longer than {LINES} lines; split them by what they decide: {too_long}"

"""`doorstep understand FILE`: what each text means, one JSON object a line, with its rule or score.

Called by `app.cli` before settings are read: needs no database, no Redis and no setting. A line is
a text, or a JSON object with `text` and perhaps `last_question`. A line that cannot be read is
named on stderr by its number, and the rest goes on.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from typing import Any, BinaryIO

from app.understanding.understand import Understanding, understand

BAD_LINES = 2  # exit code: something could not be read


def add_to(commands: Any) -> None:
    command = commands.add_parser(
        "understand", help="what texts mean: opt-out, help, crisis, secrets; needs no settings"
    )
    command.add_argument("file", help="one text a line, or JSON lines; - for stdin")


def run(args: argparse.Namespace) -> int:
    """The exit code."""
    if args.file == "-":
        return _print_all(sys.stdin.buffer)
    try:
        with open(args.file, "rb") as lines:
            return _print_all(lines)
    except OSError as error:
        print(f"doorstep: {args.file}: {error.strerror}", file=sys.stderr)
        return BAD_LINES


def _print_all(lines: BinaryIO) -> int:
    code = 0
    for number, text, last_question in _read(lines):
        if isinstance(text, ValueError):
            print(f"doorstep: line {number}: {text}", file=sys.stderr)
            code = BAD_LINES
        else:
            print(
                json.dumps(
                    as_json(understand(text, last_question=last_question)), ensure_ascii=False
                )
            )
    return code


def _read(lines: BinaryIO) -> Iterator[tuple[int, str | ValueError, str | None]]:
    for number, raw in enumerate(lines, start=1):
        try:
            line = raw.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\r\n")
            if not line.strip():
                continue
            yield (number, *_text_of(line))
        except UnicodeDecodeError:
            yield number, ValueError("not UTF-8"), None
        except ValueError as error:
            yield number, error, None


def _text_of(line: str) -> tuple[str, str | None]:
    if not line.lstrip().startswith("{"):
        return line, None
    try:
        row = json.loads(line)
    except json.JSONDecodeError as error:
        raise ValueError(f"begins like JSON and is none ({error.msg})") from None
    text, last_question = row.get("text"), row.get("last_question")
    if not isinstance(text, str):
        raise ValueError("`text` is missing or no string")
    if not isinstance(last_question, str | None):
        raise ValueError("`last_question` is no string")
    return text, last_question


def as_json(found: Understanding) -> dict[str, Any]:
    keyword = f"carrier keyword: {found.keyword.kind}" if found.keyword else None
    return {
        "opt_out": found.opt_out.verdict,
        "opt_out_rule": found.opt_out.rule,
        "opt_out_score": found.opt_out.score,
        "marketing_revoked": found.opt_out.marketing,
        "help": found.help,
        "help_rule": keyword if found.help else None,
        "start": found.start,
        "start_rule": keyword if found.start else None,
        "why": found.why is not None,
        "why_rule": found.why,
        "crisis": found.crisis.kind if found.crisis else None,
        "crisis_rule": found.crisis.rule if found.crisis else None,
        "wants_human": found.wants_human,
        "answer": found.answer,
        "asks_something": found.asks_something,
        "masked": found.masked.text,
        "masked_kinds": sorted(found.masked.kinds),
    }

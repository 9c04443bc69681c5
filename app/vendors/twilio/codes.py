"""Twilio's error codes: what each asks of us, and its cause and remedy in a merchant's words.

Decides nothing but the look-up; the table is `codes.toml`, after twilio.com/docs/errors. Twilio
warns that codes change without notice, so an unknown one means review, never a failure.
Called by the provider (API refusals) and, through bootstrap, by whoever reads a status update.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from app.foundation.errors import Misconfigured
from app.messaging.ports import CodeAction

_FIELDS = {"action", "cause", "remedy"}


@dataclass(frozen=True)
class Code:
    """One error code. `known` is false when the table has no row for it."""

    code: str
    action: CodeAction
    cause: str
    remedy: str
    known: bool = True


def read_table(text: str) -> Mapping[str, Code]:
    """Parse and check a code table in TOML. Raises Misconfigured, naming the faulty row."""
    try:
        rows = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Misconfigured(f"Twilio's code table is not valid TOML: {error}") from error
    return {code: _checked(code, row) for code, row in rows.items()}


def look_up(code: str | int) -> Code:
    """The row for `code`; an unknown code comes back as one for review."""
    key = str(code)
    return table().get(key) or Code(
        code=key,
        action=CodeAction.REVIEW,
        cause=f"Twilio reports error {key or '(no code)'}, which Doorstep has no rule for.",
        remedy="See twilio.com/docs/errors, then decide whether to text again.",
        known=False,
    )


def action_for(code: str | int) -> CodeAction:
    """What `code` asks of us, for a status update that carries only the code."""
    return look_up(code).action


@cache
def table() -> Mapping[str, Code]:
    """The shipped table, read once a process."""
    return read_table(files(__package__).joinpath("codes.toml").read_text(encoding="utf-8"))


def _checked(code: str, row: Any) -> Code:
    if not (code.isascii() and code.isdigit()):
        raise Misconfigured(f"Twilio's code table: {code!r} is not an error code")
    if not isinstance(row, dict) or set(row) != _FIELDS:
        raise Misconfigured(f"Twilio's code table: {code} needs exactly {sorted(_FIELDS)}")
    if not all(isinstance(value, str) and value.strip() for value in row.values()):
        raise Misconfigured(f"Twilio's code table: {code} has an empty field")
    try:
        action = CodeAction(row["action"])
    except ValueError as error:
        raise Misconfigured(f"Twilio's code table: {code}: no action {row['action']!r}") from error
    return Code(code=code, action=action, cause=row["cause"], remedy=row["remedy"])

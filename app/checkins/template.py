"""The tiny template language of check-in copy, and the values that may enter it.

`{{ name }}` and nothing else: no filters, no logic, so that a merchant's copy can be proven safe
when it is saved. Called by `checkins.wording` only. Values come from Shopify and were typed by
strangers, so they are defused here: no line breaks, no control or invisible characters, no links,
no endless names. Whatever is unfit counts as missing.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from app.messaging.segments import repair_gsm7

VARIABLES = ("first_name", "shop_name", "item", "size", "order_name")

FIRST_NAME_MAX = 20
SHOP_NAME_MAX = 30
ITEM_MAX = 32
SIZE_MAX = 12
ORDER_NAME_MAX = 16


@dataclass(frozen=True)
class Literal:
    text: str


@dataclass(frozen=True)
class Variable:
    name: str


@dataclass(frozen=True)
class Broken:
    """A piece that is no template: `text` as the merchant wrote it."""

    text: str
    unknown_variable: bool  # else unclosed or stray braces


Piece = Literal | Variable | Broken

_PIECE = re.compile(r"\{\{(?P<name>[^{}]*)\}\}|(?P<stray>[{}]+)|(?P<text>[^{}]+)")


def parse(template: str) -> list[Piece]:
    """The pieces in order; `Broken` ones where the template is wrong. Never raises."""
    pieces: list[Piece] = []
    for match in _PIECE.finditer(template):
        if (text := match["text"]) is not None:
            pieces.append(Literal(text))
        elif (name := match["name"]) is not None:
            known = name.strip() in VARIABLES
            pieces.append(Variable(name.strip()) if known else Broken(name.strip(), True))
        else:
            pieces.append(Broken(match["stray"], False))
    return pieces


_LINK = re.compile(
    r"(?:https?|ftp):|www\.|\S+@\S+|\b[a-z0-9][a-z0-9-]*\.[a-z]{2,24}\b(?:[/:?]|$|[\s,;)])",
    re.IGNORECASE,
)
_PLACEHOLDERS = frozenset(
    {"na", "n/a", "none", "null", "nil", "undefined", "test", "guest", "customer", "unknown"}
    | {"noname", "anonymous", "user", "mr", "mrs", "ms", "first", "firstname", "name"}
)


def first_name(raw: str | None) -> str:
    """A name fit for a greeting, or empty."""
    name = _one_line(raw)
    if _LINK.search(name) or any(char.isdigit() for char in name):
        return ""
    name = name.strip(" .,;:!?-_'\"()/*#&")
    if name.casefold() in _PLACEHOLDERS or not any(char.isalpha() for char in name):
        return ""
    if len(name) > FIRST_NAME_MAX:
        name = name.split(" ")[0]
    if len(name) > FIRST_NAME_MAX:
        return ""
    if len(name) > 2 and (name.isupper() or name.islower()):
        name = name.title()
    return repair_gsm7(name)


def shop_name(raw: str | None) -> str:
    """The shop's name; one that is a web address loses scheme and ending, so no link is made."""
    name = _one_line(raw)
    name = re.sub(r"^(?:https?://)?(?:www\.)?", "", name, flags=re.IGNORECASE)
    name = re.sub(r"\.[a-z]{2,24}(?:\.[a-z]{2})?(?:/\S*)?$", "", name, flags=re.IGNORECASE)
    return repair_gsm7(
        shorten(name.replace(".", " ") if _LINK.search(name) else name, SHOP_NAME_MAX)
    )


def item(raw: str | None) -> str:
    """A product's title without its trailing detail ("… - Limited Edition (Navy)"), or empty."""
    title = _one_line(raw)
    if _LINK.search(title):
        return ""
    title = re.sub(r"\s*[(\[].*$", "", title) or title
    title = re.split(r"\s+[-–—|/]\s+|\s*[|:]\s", title)[0].strip(" -–—|/,;:.")
    return repair_gsm7(shorten(title, ITEM_MAX)) if any(map(str.isalnum, title)) else ""


def size(raw: str | None) -> str:
    value = _one_line(raw)
    return repair_gsm7(value) if 0 < len(value) <= SIZE_MAX and not _LINK.search(value) else ""


def order_name(raw: str | None) -> str:
    value = _one_line(raw)
    fits = 0 < len(value) <= ORDER_NAME_MAX and not _LINK.search(value)
    return repair_gsm7(value) if fits else ""


def shorten(text: str, limit: int) -> str:
    """At most `limit` characters, cut after a word where there is one."""
    if len(text) <= limit:
        return text
    cut = text[: limit + 1].rsplit(" ", 1)[0] if " " in text[: limit + 1] else text[:limit]
    return cut.rstrip(" -–—,;:&+/.'\"")


def _one_line(raw: str | None) -> str:
    """Visible characters and single spaces only, without braces."""
    text = unicodedata.normalize("NFC", raw or "")
    visible = (
        " " if unicodedata.category(char) in ("Zl", "Zp", "Zs", "Cc") else char
        for char in text
        if unicodedata.category(char) not in ("Cf", "Cs", "Co", "Cn") and char not in "{}"
    )
    return " ".join("".join(visible).split())

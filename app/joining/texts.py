"""The words of joining, from `data/texts.toml`, filled for one shop.

Called by whatever asks for consent or confirms it, and by the kit. What is sent to a phone takes
two segments at most, whatever the shop is called: a name in another script gets the short form.
"""

from __future__ import annotations

import tomllib
import unicodedata
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from string import Formatter
from typing import Any

from app.foundation.errors import Misconfigured
from app.messaging.segments import count_segments, is_gsm7, repair_gsm7

MOST_SEGMENTS = 2
LONGEST_NAME = 40  # characters of a shop's name in a text
SHORT_NAME = 16  # of one whose terms have a long address
LONGEST_FOREIGN_NAME = 10
CARE, MARKETING = "care", "marketing"

_FILE = Path(__file__).parent / "data" / "texts.toml"
_SECTIONS = {"boxes", "sent", "programs", "frequencies", "advert", "legal", "registration"}
_NAMES = {
    *("shop", "program", "frequency", "terms", "keyword", "line", "link", "support"),
    *("page_url", "terms_url", "privacy_url", "care", "call_to_action", "keyword_flow"),
}


@dataclass(frozen=True)
class Words:
    """One version of all texts."""

    version: str
    sections: Mapping[str, Mapping[str, Any]] = field(repr=False)

    def fill(self, section: str, name: str, **values: str) -> str:
        text: str = self.sections[section][name]
        return text.strip().format_map(values)

    def fill_list(self, section: str, name: str, **values: str) -> list[str]:
        return [text.format_map(values) for text in self.sections[section][name]]


@cache
def words() -> Words:
    """The shipped texts. Raises Misconfigured when the file is not what it should be."""
    data = tomllib.loads(_FILE.read_text(encoding="utf-8"))
    version = data.pop("version", None)
    if not isinstance(version, str) or data.keys() != _SECTIONS:
        raise Misconfigured(f"{_FILE.name} lacks its version or a section")
    for section in data.values():
        for text in section.values():
            for one in text if isinstance(text, list) else [text]:
                unknown = {name for _, name, _, _ in Formatter().parse(one) if name} - _NAMES
                if unknown:
                    raise Misconfigured(f"{_FILE.name} names unknown values: {sorted(unknown)}")
    return Words(version=version, sections=data)


def box(purpose: str, shop_name: str) -> str:
    """The exact words beside a box of the page."""
    return words().fill("boxes", purpose, shop=shop_name)


def welcome(shop_name: str, purposes: Collection[str], terms_url: str | None) -> str:
    return _sent("welcome", shop_name, purposes, terms_url)


def welcome_back(shop_name: str, purposes: Collection[str], terms_url: str | None) -> str:
    return _sent("welcome_back", shop_name, purposes, terms_url)


def question(shop_name: str, purposes: Collection[str], terms_url: str | None) -> str:
    return _sent("question", shop_name, purposes, terms_url)


def _sent(name: str, shop_name: str, purposes: Collection[str], terms_url: str | None) -> str:
    """Brand, program, frequency, rates, HELP, STOP and the terms, as carriers want them."""
    all_words = words()
    kind = "both" if {CARE, MARKETING} <= set(purposes) else next(iter(purposes))
    brand = brand_of(shop_name)
    if not is_gsm7(brand):
        return all_words.fill(
            "sent",
            f"short_{name}",
            shop=_cut(brand, LONGEST_FOREIGN_NAME),
            program=all_words.fill("programs", f"short_{kind}"),
        )
    values = {
        "program": all_words.fill("programs", kind),
        "frequency": all_words.fill("frequencies", MARKETING if kind == MARKETING else CARE),
        "terms": f" Terms: {terms_url}" if terms_url else "",
    }
    text = all_words.fill("sent", name, shop=_cut(brand, LONGEST_NAME), **values)
    if count_segments(text).segments > MOST_SEGMENTS:  # a long name beside a long address
        text = all_words.fill("sent", name, shop=_cut(brand, SHORT_NAME), **values)
    return text


def brand_of(shop_name: str) -> str:
    """The shop's name as a text may carry it: without pictures, and cheap where possible."""
    plain = "".join(char for char in shop_name if unicodedata.category(char) not in _PICTURES)
    return " ".join(repair_gsm7(plain).split()) or " ".join(shop_name.split())


_PICTURES = ("So", "Sk", "Cf", "Cn", "Co", "Cs", "Cc")


def _cut(text: str, units: int) -> str:
    """The beginning of a name, in UTF-16 units, with no half character at its end."""
    return text.encode("utf-16-le")[: 2 * units].decode("utf-16-le", "ignore").strip()

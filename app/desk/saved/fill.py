"""Variables of a saved reply: which there are, and what becomes of them in one thread. Pure.

`fault_of` is asked when a reply is saved, `fill` whenever a thread is shown. What Shopify knows was
typed by strangers, so the values pass the same sieve as those of check-ins. A variable without a
value is left out and named, so that the agent mends the sentence; a `{{…}}` that somebody types is
refused when the reply is sent (`desk.reply`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.checkins import template

VARIABLES = ("first_name", "shop", "order", "item", "size")

_VARIABLE = re.compile(r"\{\{\s*([^{}]*?)\s*\}\}")


@dataclass(frozen=True)
class Filled:
    text: str
    missing: tuple[str, ...]


@dataclass(frozen=True)
class Bought:
    """One line of the order."""

    title: str
    size: str | None


def fault_of(text: str) -> str | None:
    """What is wrong with the variables of a reply that is to be saved, for the merchant."""
    for name in _VARIABLE.findall(text):
        if name not in VARIABLES:
            known = ", ".join(f"{{{{{one}}}}}" for one in VARIABLES)
            return f"“{name}” is no variable. There are: {known}."
    if re.search(r"[{}]", _VARIABLE.sub("", text)):
        return "A brace is not closed: write {{item}}."
    return None


def values_of(
    *, first_name: str | None, shop: str, order: str | None, bought: Sequence[Bought]
) -> dict[str, str]:
    """What this thread has for each variable; what it has not is empty. `bought`: what the buyer
    still holds of the order. Item and size only where there is no doubt which is meant."""
    titles = {template.item(one.title) for one in bought}
    sizes = {template.size(one.size) for one in bought}
    return {
        "first_name": template.first_name(first_name),
        "shop": template.shop_name(shop),
        "order": template.order_name(order),
        "item": titles.pop() if len(titles) == 1 else "",
        "size": sizes.pop() if len(sizes) == 1 else "",
    }


def fill(text: str, values: Mapping[str, str]) -> Filled:
    missing = [name for name in _VARIABLE.findall(text) if not values.get(name)]
    filled = _VARIABLE.sub(lambda found: values.get(found[1], ""), text)
    lines = (re.sub(r" +([,.!?;:])", r"\1", " ".join(line.split())) for line in filled.split("\n"))
    return Filled("\n".join(lines).strip(), tuple(dict.fromkeys(missing)))

"""A shop's routing rules: which ticket goes to whom, and how urgent it is. Pure.

Read by `apply_rules`, checked by `save_rules`. The first rule all of whose conditions hold decides;
what it does not name stays as the helpdesk has it. Groups and people are named by the helpdesk's
own ids.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter, model_validator

from app.helpdesk.ports import Priority, Routing
from app.helpdesk.steering import TAGS
from app.understanding.fold import plain

MOST_RULES = 50
Word = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=60)]
HelpdeskId = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,19}$")]
Tag = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_\-]{1,60}$")]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="after")
    def says_something(self) -> Self:
        if not any(getattr(self, name) for name in type(self).model_fields):
            raise ValueError("names nothing")
        return self


class When(_Part):
    keyword: Word | None = None  # a word or phrase that the buyer wrote
    sku: Word | None = None  # the beginning of a SKU that they have bought
    country: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")] | None = None
    order_value_at_least: Annotated[Decimal, Field(gt=0)] | None = None  # in the order's currency
    urgent: Literal[True] | None = None  # the buyer wrote of danger


class Then(_Part):
    group: HelpdeskId | None = None
    assignee: HelpdeskId | None = None
    priority: Priority | None = None
    tags: tuple[Tag, ...] = ()

    @model_validator(mode="after")
    def steers_nobody(self) -> Self:
        if set(self.tags) & set(TAGS.values()):
            raise ValueError("a steering tag cannot be set by a rule")
        return self


class Rule(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    when: When
    then: Then


RULES = TypeAdapter(Annotated[list[Rule], Field(max_length=MOST_RULES)])


@dataclass(frozen=True)
class Facts:
    said: Sequence[str] = field(default=(), repr=False)  # the buyer's own texts
    skus: Sequence[str] = ()
    country: str | None = None
    order_value: Decimal | None = None
    urgent: bool = False


def route(rules: Sequence[Rule], facts: Facts) -> Routing | None:
    for rule in rules:
        if _holds(rule.when, facts):
            then = rule.then
            return Routing(then.group, then.assignee, then.priority, then.tags)
    return None


def _holds(when: When, facts: Facts) -> bool:
    return (
        (when.keyword is None or any(_says(text, when.keyword) for text in facts.said))
        and (when.sku is None or any(_begins(sku, when.sku) for sku in facts.skus))
        and (when.country is None or when.country == facts.country)
        and (
            when.order_value_at_least is None
            or (facts.order_value is not None and facts.order_value >= when.order_value_at_least)
        )
        and (when.urgent is None or facts.urgent)
    )


def _says(text: str, keyword: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(plain(keyword))}(?!\w)", plain(text)) is not None


def _begins(sku: str, beginning: str) -> bool:
    return sku.casefold().startswith(beginning.casefold())

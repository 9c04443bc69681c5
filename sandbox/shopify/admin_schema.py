"""The Admin API's schema 2026-10 as graphql-core sees it, and which scopes a field asks for.

The emulator executes on it, the house test checks the app's operations against it. Built with
`assume_valid`, for Shopify's schema fails graphql-core's strict checks. Scopes come from the
schema's own `requiredAccess` sentences (https://shopify.dev/docs/api/usage/access-scopes).
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLSchema,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    build_client_schema,
    get_named_type,
    visit,
)

VERSION = "2026-10"
PATH = Path(__file__).parent / "schema" / f"admin-{VERSION}.json.gz"

# Words of the schema for scopes that go by another name.
ALIASES = {"orders": "write_orders"}


@dataclass(frozen=True)
class Need:
    """One field of an operation that asks for access: any one scope of each group will do."""

    where: str  # "Order.fulfillments"
    sentence: str
    groups: tuple[frozenset[str], ...]


@cache
def compact_schema() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(gzip.decompress(PATH.read_bytes()))
    return loaded


@cache
def load_schema() -> GraphQLSchema:
    """The executable schema, built once per process (a quarter of a second, some 80 MB)."""
    small = compact_schema()
    types = small["types"]

    def argument(parts: list[str]) -> dict[str, Any]:
        default = parts[2] if len(parts) > 2 else None
        return {"name": parts[0], "type": _type(parts[1], types), "defaultValue": default}

    introspected = [_introspected(name, one, types, argument) for name, one in types.items()]
    directives = [
        {
            "name": directive["name"],
            "locations": directive["locations"],
            "args": [argument(parts) for parts in directive["args"]],
        }
        for directive in small["directives"]
    ]
    schema = {
        "queryType": {"name": "QueryRoot"},
        "mutationType": {"name": "Mutation"},
        "subscriptionType": None,
        "types": introspected,
        "directives": directives,
    }
    return build_client_schema({"__schema": schema}, assume_valid=True)  # type: ignore[typeddict-item]


def _introspected(
    name: str, one: Mapping[str, Any], types: Mapping[str, Any], argument: Any
) -> Any:
    full: dict[str, Any] = {"kind": one["kind"], "name": name}
    if "fields" in one:
        full["fields"] = [
            {
                "name": field,
                "type": _type(parts[0], types),
                "args": [argument(one_argument) for one_argument in parts[1]],
                "isDeprecated": bool(parts[4]),
                "deprecationReason": "see Shopify's reference" if parts[4] else None,
            }
            for field, parts in one["fields"].items()
        ]
    full["inputFields"] = [argument(parts) for parts in one.get("inputFields", ())]
    full["interfaces"] = [{"kind": "INTERFACE", "name": i} for i in one.get("interfaces", ())]
    full["possibleTypes"] = [{"kind": "OBJECT", "name": p} for p in one.get("possible", ())]
    full["enumValues"] = [{"name": value} for value in one.get("values", ())]
    return full


def _type(text: str, types: Mapping[str, Any]) -> dict[str, Any]:
    if text.endswith("!"):
        return {"kind": "NON_NULL", "ofType": _type(text[:-1], types)}
    if text.startswith("["):
        return {"kind": "LIST", "ofType": _type(text[1:-1], types)}
    return {"kind": types[text]["kind"], "name": text}


@cache
def field_access(type_name: str, field_name: str) -> tuple[str, ...]:
    """The `requiredAccess` sentences of a field: its own and that of what it returns (of a
    connection: its items)."""
    types = compact_schema()["types"]
    field = types[type_name].get("fields", {}).get(field_name)
    if field is None:  # __typename and the like
        return ()
    returned = types[re.sub(r"[\[\]!]", "", field[0])]
    if "nodes" in returned.get("fields", {}):
        returned = types[re.sub(r"[\[\]!]", "", returned["fields"]["nodes"][0])]
    return tuple(sentence for sentence in (field[2], returned.get("access")) if sentence)


@cache
def is_protected(type_name: str, field_name: str) -> bool:
    """Whether the field is protected customer data, which needs Shopify's approval."""
    field = compact_schema()["types"][type_name].get("fields", {}).get(field_name)
    return field is not None and bool(field[3])


@cache
def scope_groups(sentence: str) -> tuple[frozenset[str], ...]:
    """A `requiredAccess` sentence as groups: one scope of every group must be held.

    Conditions on the user ("Also: the user must have … permission") do not bind an offline token.
    """
    main, _, also = sentence.partition("Also:")
    groups = [
        frozenset(ALIASES.get(name, name) for name in re.findall(r"`(\w+)`", part))
        for part in re.split(r"\band\b", main)
    ]
    for required in re.findall(r"[Rr]equires (?:the )?`(\w+)` (?:access )?scope", also):
        groups.append(frozenset({required}))
    return tuple(group for group in groups if group)


def expand(scopes: Iterable[str]) -> frozenset[str]:
    """The scopes held, with what they imply: `write_x` includes `read_x`."""
    held = set(scopes)
    held |= {"read_" + scope.removeprefix("write_") for scope in held if scope.startswith("write_")}
    return frozenset(held)


def lacking(sentence: str, held: frozenset[str]) -> bool:
    """Whether the (expanded) scopes held do not satisfy the sentence."""
    return any(not group & held for group in scope_groups(sentence))


def needs(document: DocumentNode) -> list[Need]:
    """Every field of the operations that asks for access, in the order of the text."""
    schema = load_schema()
    info = TypeInfo(schema)
    found: list[Need] = []

    class Collector(Visitor):
        def enter_field(self, node: FieldNode, *_: Any) -> None:
            parent = get_named_type(info.get_parent_type())
            if parent is None:
                return
            for sentence in field_access(parent.name, node.name.value):
                where = f"{parent.name}.{node.name.value}"
                found.append(Need(where, sentence, scope_groups(sentence)))

    visit(document, TypeInfoVisitor(info, Collector()))
    return found


def topic_scopes(topic: str) -> frozenset[str]:
    """The scopes of which one is needed for a webhook topic ("orders/create"); empty: none.

    Raises KeyError for a topic that this API version does not have.
    """
    name = topic.upper().replace("/", "_")
    return frozenset(compact_schema()["topic_scopes"][name])

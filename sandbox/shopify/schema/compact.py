"""Makes `admin-2026-10.json.gz` from the schema that Shopify publishes with `@shopify/dev-mcp`.

A developer's command, run by hand when the API version moves:

    npm pack @shopify/dev-mcp && tar xzf shopify-dev-mcp-*.tgz
    python -m sandbox.shopify.schema.compact package/dist/data/admin_2026-10.json.gz OUT.json.gz

It drops descriptions and keeps what execution, validation and the house tests need: types,
arguments, defaults, `requiredAccess`, `isProtected`, and the scopes each webhook topic asks for.
Per type: `kind`, `access`, `fields` {name: [type, [[argument, type, default?]], access, protected,
deprecated]}, `inputFields`, `interfaces`, `possible`, `values`, `oneOf`.
"""

from __future__ import annotations

import gzip
import json
import re
import sys
from pathlib import Path
from typing import Any


def type_text(reference: dict[str, Any]) -> str:
    """`[Order!]!` from an introspected type reference."""
    if reference["kind"] == "NON_NULL":
        return type_text(reference["ofType"]) + "!"
    if reference["kind"] == "LIST":
        return "[" + type_text(reference["ofType"]) + "]"
    return str(reference["name"])


def compact_argument(argument: dict[str, Any]) -> list[str]:
    parts = [argument["name"], type_text(argument["type"])]
    if argument["defaultValue"] is not None:
        parts.append(argument["defaultValue"])
    return parts


def compact_type(full: dict[str, Any]) -> dict[str, Any]:
    small: dict[str, Any] = {"kind": full["kind"]}
    if full["requiredAccess"]:
        small["access"] = full["requiredAccess"]
    if full["fields"] is not None:
        small["fields"] = {
            field["name"]: [
                type_text(field["type"]),
                [compact_argument(argument) for argument in field["args"]],
                field["requiredAccess"] or "",
                int(field["isProtected"]),
                int(field["isDeprecated"]),
            ]
            for field in full["fields"]
        }
    if full["inputFields"] is not None:
        small["inputFields"] = [compact_argument(field) for field in full["inputFields"]]
    for name, key in (("interfaces", "interfaces"), ("possibleTypes", "possible")):
        if full[name]:
            small[key] = [one["name"] for one in full[name]]
    if full["enumValues"] is not None:
        small["values"] = [value["name"] for value in full["enumValues"]]
    if full["isOneOf"]:
        small["oneOf"] = True
    return small


def compact(published: dict[str, Any]) -> dict[str, Any]:
    """The whole schema, small."""
    schema = published["data"]["__schema"]
    types = {
        full["name"]: compact_type(full)
        for full in schema["types"]
        if not full["name"].startswith("__")
    }
    topics = next(full for full in schema["types"] if full["name"] == "WebhookSubscriptionTopic")
    return {
        "types": types,
        "directives": [
            {
                "name": directive["name"],
                "locations": directive["locations"],
                "args": [compact_argument(argument) for argument in directive["args"]],
            }
            for directive in schema["directives"]
        ],
        # any one of these scopes lets an app subscribe to the topic
        "topic_scopes": {
            value["name"]: re.findall(r"\b((?:read|write)_\w+)", value["description"] or "")
            for value in topics["enumValues"]
        },
    }


def main(source: str, target: str) -> None:
    published = json.loads(gzip.decompress(Path(source).read_bytes()))
    text = json.dumps(compact(published), separators=(",", ":"))
    Path(target).write_bytes(gzip.compress(text.encode(), 9, mtime=0))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])

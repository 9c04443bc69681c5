"""Reads the app's own `shopify.app.toml`, as Shopify does on deploy: scopes and subscriptions.

What Shopify would refuse, or what this emulator cannot honour, is refused here at start:
https://shopify.dev/docs/apps/build/cli-for-apps/app-configuration.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

from sandbox.shopify.admin_schema import VERSION, topic_scopes

COMPLIANCE_TOPICS = frozenset({"customers/data_request", "customers/redact", "shop/redact"})
MOST_NAME_LENGTH = 50


class BadAppToml(Exception):
    """The file says something that Shopify refuses."""


@dataclass(frozen=True)
class Subscription:
    topic: str
    uri: str  # a path on the app's own host
    name: str | None = None
    include_fields: tuple[str, ...] = ()


@dataclass(frozen=True)
class AppConfig:
    scopes: frozenset[str]
    optional_scopes: frozenset[str]
    subscriptions: tuple[Subscription, ...]

    @property
    def topics(self) -> frozenset[str]:
        return frozenset(one.topic for one in self.subscriptions)


def read_app_toml(path: Path) -> AppConfig:
    """Raises BadAppToml, naming what is wrong."""
    file = tomllib.loads(path.read_text("utf-8"))
    access = file["access_scopes"]
    webhooks = file["webhooks"]
    if webhooks["api_version"] != VERSION:
        raise BadAppToml(f"webhooks.api_version is {webhooks['api_version']}, not {VERSION}")
    subscriptions: list[Subscription] = []
    for entry in webhooks["subscriptions"]:
        unknown = set(entry) - {"name", "topics", "compliance_topics", "uri", "include_fields"}
        if unknown:
            raise BadAppToml(f"the sandbox cannot honour {', '.join(sorted(unknown))}")
        name = entry.get("name")
        if name is not None and len(name) > MOST_NAME_LENGTH:
            raise BadAppToml(f"the name {name} is longer than {MOST_NAME_LENGTH} characters")
        if not entry["uri"].startswith("/"):
            raise BadAppToml(f"the sandbox delivers to paths of the app alone, not {entry['uri']}")
        for topic in entry.get("topics", ()):
            try:
                topic_scopes(topic)
            except KeyError:
                raise BadAppToml(f"no such topic: {topic}") from None
        for topic in entry.get("compliance_topics", ()):
            if topic not in COMPLIANCE_TOPICS:
                raise BadAppToml(f"no such compliance topic: {topic}")
        fields = tuple(entry.get("include_fields", ()))
        for topic in (*entry.get("topics", ()), *entry.get("compliance_topics", ())):
            subscriptions.append(Subscription(topic, entry["uri"], name, fields))
    pairs = [(one.topic, one.uri) for one in subscriptions]
    if len(set(pairs)) < len(pairs):
        raise BadAppToml("a topic is subscribed to twice at one address")
    return AppConfig(
        scopes=frozenset(scope.strip() for scope in access["scopes"].split(",") if scope.strip()),
        optional_scopes=frozenset(access.get("optional_scopes", ())),
        subscriptions=tuple(subscriptions),
    )

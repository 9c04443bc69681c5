"""Zendesk Support over HTTP: OAuth, users, tickets, uploads, webhooks, and an agent's desk.

`sandbox/app.py` mounts it under `/zendesk/{subdomain}`. Shapes and limits follow Zendesk's
published API; what it refuses, this refuses.
"""

from __future__ import annotations

from flask import Blueprint

from sandbox.world import World
from sandbox.zendesk import (
    app_host,
    desk,
    imports,
    oauth,
    tickets,
    triggers,
    uploads,
    users,
    webhooks,
)
from sandbox.zendesk.delivery import Courier
from sandbox.zendesk.doors import Doors
from sandbox.zendesk.world import ZendeskWorld


def create_blueprint(world: World) -> Blueprint:
    """All of it, with its state kept in the sandbox's world."""
    zendesk = ZendeskWorld(world)
    blueprint = Blueprint("zendesk", __name__, url_prefix="/zendesk")
    doors = Doors(blueprint, zendesk, Courier(zendesk))
    for part in (oauth, users, tickets, imports, uploads, webhooks, triggers, desk, app_host):
        part.open_doors(doors)
    return blueprint

"""Gorgias over HTTP: OAuth, customers, tickets, messages, files, integrations, and an agent's desk.

`sandbox/app.py` mounts it under `/gorgias/{subdomain}`. Shapes and limits follow Gorgias's
reference; what it refuses, this refuses. What that leaves open is named where it is chosen.
"""

from __future__ import annotations

from flask import Blueprint

from sandbox.gorgias import (
    customers,
    desk,
    integrations,
    messages,
    oauth,
    tickets,
    uploads,
    widgets,
)
from sandbox.gorgias.delivery import Courier
from sandbox.gorgias.doors import Doors
from sandbox.gorgias.world import GorgiasWorld
from sandbox.world import World


def create_blueprint(world: World) -> Blueprint:
    """All of it, with its state kept in the sandbox's world."""
    gorgias = GorgiasWorld(world)
    blueprint = Blueprint("gorgias", __name__, url_prefix="/gorgias")
    doors = Doors(blueprint, gorgias, Courier(gorgias))
    for part in (oauth, customers, tickets, messages, uploads, integrations, widgets, desk):
        part.open_doors(doors)
    return blueprint

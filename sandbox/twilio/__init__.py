"""Twilio, emulated as twilio-python 9.13 calls it: REST, signed webhooks, carriers, phones.

`create_blueprint(world)` mounts all of it under `/twilio`; set `client.api.base_url` of
twilio-python to `<sandbox>/twilio`. What the vendor does not document is said in
`sandbox/README.md`.
"""

from __future__ import annotations

from flask import Blueprint

from sandbox.twilio import actions, api, media, phones
from sandbox.twilio.carrier import Carrier
from sandbox.twilio.couriers import Courier
from sandbox.twilio.handset import Handset
from sandbox.twilio.store import Store
from sandbox.world import World


def create_blueprint(world: World) -> Blueprint:
    """All doors under `/twilio`, over one store."""
    store = Store(world.settings)
    courier = Courier(world, store)
    carrier = Carrier(world, store, courier)
    handset = Handset(world, store, courier, carrier)
    world.keep("twilio", dump=store.dump, load=store.load, reset=store.reset)
    carrier.resume()
    root = Blueprint("twilio", __name__, url_prefix="/twilio")
    root.register_blueprint(api.create_doors(store, carrier))
    root.register_blueprint(media.create_doors(store))
    root.register_blueprint(actions.create_doors(world, store, handset))
    root.register_blueprint(phones.create_doors(store))
    return root

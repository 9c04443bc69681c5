"""The emulated Shopify: OAuth, the Admin GraphQL API on the real schema, webhooks, a merchant's
actions. `create_blueprint(world)` mounts it; see `doors`."""

from sandbox.shopify.doors import create_blueprint

__all__ = ["create_blueprint"]

"""Actions on shops and buyers: install, open, uninstall, scopes, SMS consent, compliance.

The other half of `actions`; the two share one table.
"""

from __future__ import annotations

from typing import Any

import httpx

from sandbox.shopify import buyers, installs, payloads
from sandbox.shopify.app_toml import COMPLIANCE_TOPICS
from sandbox.shopify.cost import RESTORE_RATES
from sandbox.shopify.registry import ACTIONS, Action, BadArguments, action
from sandbox.shopify.store import Record
from sandbox.shopify.world import ActionRefused, ShopifyWorld

SHOWN = ("domain", "name", "timezone", "plan", "installed", "scopes", "approved")


def shown(shop: Record) -> Record:
    return {key: shop[key] for key in SHOWN}


@action
def shops(world: ShopifyWorld) -> list[Record]:
    """All shops of this Shopify."""
    return [shown(shop) for shop in world.store.all("shop")]


@action
def add_shop(world: ShopifyWorld, *, domain: str, name: str, **more: str) -> Record:
    """Open one more shop with the demo goods: domain, name; timezone, country, currency."""
    return shown(world.add_shop(domain, name=name, **more))


@action
def install(
    world: ShopifyWorld, *, shop: str | None = None, scopes: list[str] | None = None
) -> Record:
    """The merchant installs the app: the toml's scopes are granted (or just `scopes`). Shopify
    calls nobody; the app hears of it when its page is opened, or by the first webhook."""
    return shown(installs.install(world, world.shop(shop), scopes))


@action
def uninstall(world: ShopifyWorld, *, shop: str | None = None) -> Record:
    """The merchant uninstalls: tokens die at once. Sends app/uninstalled, and shop/redact when
    48 hours of the sandbox's time have passed."""
    return shown(installs.uninstall(world, world.shop(shop)))


@action
def change_scopes(world: ShopifyWorld, *, scopes: list[str], shop: str | None = None) -> Record:
    """The merchant grants these optional scopes and no others. Sends app/scopes_update."""
    return shown(installs.change_scopes(world, world.shop(shop), scopes))


@action
def set_plan(world: ShopifyWorld, *, plan: str, shop: str | None = None) -> Record:
    """The shop's plan decides the API's rate: standard, advanced, plus, enterprise."""
    if plan not in RESTORE_RATES:
        raise ActionRefused(f"plan must be one of {', '.join(RESTORE_RATES)}")
    here = world.shop(shop)
    here["plan"] = plan
    world.put_shop(here)
    world.bucket(here).set_plan(plan)
    return shown(here)


@action
def drain_points(world: ShopifyWorld, *, shop: str | None = None) -> Record:
    """Empty the app's bucket at this shop: the next query is THROTTLED until it refills."""
    here = world.shop(shop)
    world.bucket(here).drain()
    return shown(here)


@action
def set_approval(world: ShopifyWorld, *, approved: bool, shop: str | None = None) -> Record:
    """Whether Shopify approved the app for protected customer data: names, phones, addresses."""
    here = world.shop(shop)
    here["approved"] = approved
    world.put_shop(here)
    return shown(here)


def open_app(world: ShopifyWorld, *, shop: str | None = None, visit: bool = False) -> Record:
    """The address with a fresh ID token that the admin puts into its frame. With `visit` the
    sandbox loads it once itself, as a merchant's browser would, and answers its status too."""
    here = world.shop(shop)
    if not here["installed"]:
        raise ActionRefused("install the app first")
    address = installs.app_address(world, here)
    answer: Record = {"url": address}
    if visit:
        try:
            answer["status"] = httpx.get(address, timeout=15, trust_env=False).status_code
        except httpx.HTTPError as error:
            raise ActionRefused(f"the app does not answer: {type(error).__name__}") from None
    return answer


@action
def id_token(world: ShopifyWorld, *, shop: str | None = None) -> Record:
    """A fresh ID token, as App Bridge gives to the page of the app."""
    return {"id_token": installs.mint_id_token(world, world.shop(shop))}


@action
def change_sms_consent(
    world: ShopifyWorld,
    *,
    state: str,
    phone: str | None = None,
    customer_id: str | None = None,
    shop: str | None = None,
) -> Record:
    """The buyer changes SMS marketing consent: subscribed, unsubscribed, not_subscribed, pending.
    Sends customers_marketing_consent/update."""
    here = world.shop(shop)
    customer = _customer(world, here, customer_id, phone)
    changed = buyers.change_sms_consent(world, here, customer, state)
    return {"customer_id": str(changed["id"]), "sms_marketing": changed["sms"]["state"]}


@action
def compliance(
    world: ShopifyWorld,
    *,
    topic: str,
    phone: str | None = None,
    customer_id: str | None = None,
    shop: str | None = None,
) -> Record:
    """Send a compliance webhook now: customers/data_request or customers/redact for one buyer,
    or shop/redact without waiting for its 48 hours."""
    here = world.shop(shop)
    if topic not in COMPLIANCE_TOPICS:
        raise ActionRefused(f"topic must be one of {', '.join(sorted(COMPLIANCE_TOPICS))}")
    if topic == "shop/redact":
        installs.redact_shop(world, here)
    else:
        buyers.compliance(world, here, _customer(world, here, customer_id, phone), topic)
    return {"sent": topic}


def forge_webhook(
    world: ShopifyWorld, *, topic: str = "app/uninstalled", shop: str | None = None
) -> Record:
    """A stranger who does not know the secret posts a webhook; answers what the app said to it."""
    here = world.shop(shop)
    if topic not in world.app.topics:
        raise ActionRefused("the app did not subscribe to that topic")
    return {"answered": world.courier.send_forged(here, topic, payloads.shop(here))}


def wait_for_webhooks(world: ShopifyWorld, *, seconds: float = 30.0) -> Record:
    """Wait until every webhook is delivered or given up, at most so long."""
    return {
        "quiet": world.courier.wait_until_quiet(min(float(seconds), 600.0)),
        "pending": world.courier.pending,
    }


# These talk to the app or wait for it, so they must not hold the store meanwhile.
for outward in (open_app, forge_webhook, wait_for_webhooks):
    ACTIONS[outward.__name__] = Action(outward, whole=False)


def _customer(
    world: ShopifyWorld, shop: Record, customer_id: str | None, phone: str | None
) -> Record:
    if customer_id is None and phone is None:
        raise BadArguments("say which phone or customer_id")
    number: Any = None if customer_id is None else int(str(customer_id).rpartition("/")[2])
    return buyers.find(world, shop, customer_id=number, phone=phone)

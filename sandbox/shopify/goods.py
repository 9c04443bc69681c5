"""Products, variants, the shop and the installed app as GraphQL shows them."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sandbox import clock
from sandbox.shopify import catalogue
from sandbox.shopify.connections import connection
from sandbox.shopify.notation import gid
from sandbox.shopify.store import Record
from sandbox.shopify.world import ShopifyWorld

SCOPE_WORDS = {"read": "Read", "write": "Modify"}


def image_view(world: ShopifyWorld, image: str | None, title: str) -> Record | None:
    url = world.image_url(image)
    if url is None:
        return None
    return {"id": None, "url": lambda **_: url, "altText": title, "width": 400, "height": 480}


def variant_view(world: ShopifyWorld, variant_id: int) -> Record | None:
    found = catalogue.variant(world.store, variant_id)
    return None if found is None else _variant(world, *found)


def _variant(world: ShopifyWorld, variant: Record, product: Record) -> Record:
    stock = variant["stock"]
    return {
        "__typename": "ProductVariant",
        "id": gid("ProductVariant", variant["id"]),
        "legacyResourceId": str(variant["id"]),
        "title": variant["title"],
        "displayName": f"{product['title']} - {variant['title']}",
        "sku": variant["sku"],
        "price": variant["price"],
        "position": product["variants"].index(variant) + 1,
        "availableForSale": stock > 0,
        "inventoryPolicy": "DENY",
        "inventoryQuantity": stock,
        "sellableOnlineQuantity": stock,
        "taxable": True,
        "image": lambda **_: image_view(
            world, variant["image"], f"{product['title']}, {variant['title']}"
        ),
        "selectedOptions": [
            {"name": name, "value": value} for name, value in variant["options"].items()
        ],
        "product": lambda: _product(world, product),
        "inventoryItem": {
            "__typename": "InventoryItem",
            "id": gid("InventoryItem", variant["id"]),
            "legacyResourceId": str(variant["id"]),
            "sku": variant["sku"],
            "tracked": True,
            "requiresShipping": True,
            "inventoryLevels": lambda includeInactive=False, query=None, **asked: connection(
                [_level(variant)], **asked
            ),
        },
    }


def _level(variant: Record) -> Record:
    kept = {"available": variant["stock"], "on_hand": variant["stock"] + 1, "incoming": 0}
    return {
        "id": gid("InventoryLevel", variant["id"]),
        "isActive": True,
        "location": {"id": gid("Location", 71_230_000_001), "name": "Depot"},
        "quantities": lambda names: [
            {"id": gid("InventoryQuantity", f"{variant['id']}-{name}"), "name": name, "quantity": n}
            for name, n in kept.items()
            if name in names
        ],
    }


def product_view(world: ShopifyWorld, product_id: int) -> Record | None:
    product = world.store.get("product", str(product_id))
    return None if product is None else _product(world, product)


def _product(world: ShopifyWorld, product: Record) -> Record:
    values: dict[str, list[str]] = {}
    for variant in product["variants"]:
        for name, value in variant["options"].items():
            if value not in values.setdefault(name, []):
                values[name].append(value)

    def options(first: int | None = None) -> list[Record]:
        return [_option(product, n, *one) for n, one in enumerate(values.items(), start=1)][:first]

    handle = product["title"].lower().replace(" ", "-")
    return {
        "__typename": "Product",
        "id": gid("Product", product["id"]),
        "legacyResourceId": str(product["id"]),
        "title": product["title"],
        "handle": handle,
        "vendor": world.shop(product["shop"])["name"],
        "productType": "Apparel",
        "status": "ACTIVE",
        "tags": [],
        "description": lambda **_: f"{product['title']}, made to last.",
        "isGiftCard": False,
        "onlineStoreUrl": f"https://{product['shop']}/products/{handle}",
        "featuredMedia": {
            "__typename": "MediaImage",
            "alt": product["title"],
            "preview": {
                "image": image_view(world, product["variants"][0]["image"], product["title"])
            },
        },
        "totalInventory": sum(variant["stock"] for variant in product["variants"]),
        "tracksInventory": True,
        "options": options,
        "variants": lambda sortKey="POSITION", **asked: connection(
            [_variant(world, variant, product) for variant in product["variants"]], **asked
        ),
    }


def _option(product: Record, position: int, name: str, values: list[str]) -> Record:
    return {
        "id": gid("ProductOption", product["id"] + position),
        "name": name,
        "position": position,
        "values": values,
        "optionValues": [
            {
                "id": gid("ProductOptionValue", product["id"] + 100 * position + n),
                "name": value,
                "hasVariants": True,
            }
            for n, value in enumerate(values)
        ],
    }


def shop_view(shop: Record) -> Record:
    moment = clock.now().astimezone(ZoneInfo(shop["timezone"]))
    return {
        "__typename": "Shop",
        "id": gid("Shop", shop["id"]),
        "name": shop["name"],
        "email": shop["email"],
        "contactEmail": shop["email"],
        "shopOwnerName": "Robin Vale",
        "myshopifyDomain": shop["domain"],
        "url": f"https://{shop['domain']}",
        "primaryDomain": {
            "id": gid("Domain", shop["id"]),
            "host": shop["domain"],
            "url": f"https://{shop['domain']}",
            "sslEnabled": True,
        },
        "ianaTimezone": shop["timezone"],
        "timezoneAbbreviation": moment.tzname(),
        "timezoneOffset": moment.strftime("%z"),
        "timezoneOffsetMinutes": int(_offset(moment)),
        "currencyCode": shop["currency"],
        "weightUnit": "POUNDS",
        "createdAt": shop["created_at"],
        "setupRequired": False,
        "marketingSmsConsentEnabledAtCheckout": True,
        "transactionalSmsDisabled": False,
        "plan": {
            "publicDisplayName": shop["plan"].title(),
            "partnerDevelopment": False,
            "shopifyPlus": shop["plan"] in ("plus", "enterprise"),
        },
        "billingAddress": _shop_address(shop),
        "shopAddress": _shop_address(shop),
    }


def _offset(moment: datetime) -> float:
    offset = moment.utcoffset()
    return offset.total_seconds() / 60 if offset else 0.0


def _shop_address(shop: Record) -> Record:
    return {
        "id": gid("ShopAddress", shop["id"]),
        "address1": "1 Depot Way",
        "address2": None,
        "city": "Portland",
        "company": shop["name"],
        "country": shop["country"],
        "countryCodeV2": shop["country"],
        "province": None,
        "provinceCode": None,
        "phone": None,
        "zip": None,
    }


def installation_view(world: ShopifyWorld, shop: Record) -> Record:
    scopes: list[dict[str, Any]] = []
    for handle in shop["scopes"]:
        verb, _, what = handle.partition("_")
        words = f"{SCOPE_WORDS.get(verb, verb)} {what.replace('_', ' ')}"
        scopes.append({"handle": handle, "description": words})
    return {
        "__typename": "AppInstallation",
        "id": gid("AppInstallation", shop["id"] + 1),
        "accessScopes": scopes,
        "launchUrl": f"https://{shop['domain']}/admin/apps/doorstep",
        "app": {
            "id": gid("App", 90_000_001),
            "apiKey": world.settings.shopify_api_key,
            "handle": "doorstep",
            "title": "Doorstep",
        },
    }

"""What the demo shop sells: clothes with sizes and colours, some sizes sold out, with pictures.

Ids are fixed and above 2^53. Pictures are drawn here as SVG and served by the sandbox, so that
nothing is fetched from elsewhere. Orders that come with goods of their own (a replayed export) add
products through `product_for`.
"""

from __future__ import annotations

from sandbox.shopify.store import Record, Store

SIZES = {"XXS", "XS", "S", "M", "L", "XL", "XXL", "2XL", "3XL", "ONE SIZE", "OS"}
COLOURS = {
    "Pine": "#2f5d46",
    "Sand": "#cdb892",
    "Ink": "#27303f",
    "Clay": "#b5623f",
    "Cloud": "#dfe3e6",
    "Moss": "#6b7a43",
}
SHAPES = {
    "jacket": "M60 70L90 52H110L140 70L168 150L146 158L136 112V190H64V112L54 158L32 150Z",
    "dress": "M76 48H88Q100 66 112 48H124L120 96L148 190H52L80 96Z",
    "trousers": "M66 46H134L142 192H114L100 92L86 192H58Z",
    "beanie": "M48 132Q52 60 100 58Q148 60 152 132V152H48Z",
    "shoe": "M36 120L84 118L104 96L118 110L150 126Q168 132 166 154H36Z",
    "tee": "M62 60L88 50Q100 62 112 50L138 60L166 92L146 108L132 96V188H68V96L54 108L34 92Z",
}

# title, shape, price, colours, sizes, sold out (size, colour)
RANGE: tuple[tuple[str, str, str, tuple[str, ...], tuple[str, ...], tuple[str, ...]], ...] = (
    (
        "Trail Runner Jacket",
        "jacket",
        "148.00",
        ("Pine", "Ink"),
        ("S", "M", "L", "XL"),
        ("S Pine",),
    ),
    ("Ridge Wrap Dress", "dress", "96.00", ("Clay", "Moss"), ("XS", "S", "M", "L"), ("L Clay",)),
    ("Harbour Chino", "trousers", "84.00", ("Sand", "Ink"), ("28", "30", "32", "34", "36"), ()),
    ("Merino Beanie", "beanie", "32.00", ("Moss", "Cloud"), ("One size",), ()),
    ("Dune Sneaker", "shoe", "110.00", ("Cloud", "Sand"), ("6", "7", "8", "9", "10"), ("9 Sand",)),
    ("Loft Pocket Tee", "tee", "38.00", ("Ink", "Clay", "Cloud"), ("S", "M", "L"), ()),
)

FIRST_PRODUCT_ID = 9_007_199_254_741_001
PRODUCT_STEP = 1_000  # room for a product's variants, options and values


def stock_shop(store: Store, shop: str, number: int) -> None:
    """Put the range on the shelves of one shop; `number` keeps the ids of shops apart."""
    for position, (title, shape, price, colours, sizes, sold_out) in enumerate(RANGE):
        first_id = FIRST_PRODUCT_ID + 100_000 * number + PRODUCT_STEP * position
        product: Record = {"id": first_id, "shop": shop, "title": title, "shape": shape}
        chosen = [(size, colour, n) for n, colour in enumerate(colours) for size in sizes]
        product["variants"] = [
            _variant(
                first_id + 2 * place,
                product,
                {"Size": size, "Color": colour},
                price,
                0 if f"{size} {colour}" in sold_out else 4 + 2 * n,
                None,
            )
            for place, (size, colour, n) in enumerate(chosen, start=1)
        ]
        _keep(store, product)


def product_for(
    store: Store, shop: str, *, title: str, variant_title: str | None, sku: str | None, price: str
) -> Record:
    """The variant with this title, made if the shop does not sell it yet."""
    known = store.get("product_title", f"{shop}|{title}")
    product = store.get("product", str(known["id"])) if known else None
    if product is None:
        product = {
            "id": store.next_id(),
            "shop": shop,
            "title": title,
            "shape": "tee",
            "variants": [],
        }
    same: Record
    for same in product["variants"]:
        if same["title"] == (variant_title or "Default Title") or (sku and same["sku"] == sku):
            return same
    options = options_of(variant_title)
    made = _variant(store.next_id(), product, options, price, 10, sku)
    product["variants"].append(made)
    _keep(store, product)
    return made


def options_of(variant_title: str | None) -> dict[str, str]:
    """Option names for a bare variant title: "M / Pine" is a size and a colour."""
    if not variant_title or variant_title == "Default Title":
        return {"Title": "Default Title"}
    options: dict[str, str] = {}
    for value in (part.strip() for part in variant_title.split(" / ")):
        is_size = value.upper() in SIZES or value.replace(".", "", 1).isdigit()
        name = "Size" if is_size else "Color"
        while name in options:
            name = "Style" if name != "Style" else f"Style {len(options)}"
        options[name] = value
    return options


def variant(store: Store, variant_id: int) -> tuple[Record, Record] | None:
    """The variant and its product."""
    link = store.get("variant", str(variant_id))
    product = store.get("product", str(link["product_id"])) if link else None
    if product is None:
        return None
    return next(one for one in product["variants"] if one["id"] == variant_id), product


def _keep(store: Store, product: Record) -> None:
    shop = product["shop"]
    store.put("product", str(product["id"]), product)
    store.put("product_title", f"{shop}|{product['title']}", {"id": product["id"]})
    for one in product["variants"]:
        store.put("variant", str(one["id"]), {"product_id": product["id"]})
        store.put("sku", f"{shop}|{one['sku']}", {"variant_id": one["id"]})


def _variant(
    variant_id: int,
    product: Record,
    options: dict[str, str],
    price: str,
    stock: int,
    sku: str | None,
) -> Record:
    values = list(options.values())
    letters = "".join(word[0] for word in product["title"].split()).upper()
    return {
        "id": variant_id,
        "product_id": product["id"],
        "title": " / ".join(values),
        "options": options,
        "sku": sku or "-".join([letters, *(value.upper().replace(" ", "") for value in values)]),
        "price": price,
        "stock": stock,
        "image": f"{product['shape']}-{options.get('Color', 'Ink').lower()}.svg",
    }


def draw(name: str) -> str | None:
    """The picture with this file name ("jacket-pine.svg"), or None if there is none such."""
    shape, _, colour = name.removesuffix(".svg").partition("-")
    if shape not in SHAPES:
        return None
    fill = {key.lower(): value for key, value in COLOURS.items()}.get(colour, "#5b6470")
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 200 240" width="400" height="480">'
        '<rect width="200" height="240" fill="#f4f1ec"/>'
        '<ellipse cx="100" cy="212" rx="62" ry="7" fill="#00000014"/>'
        f'<path d="{SHAPES[shape]}" fill="{fill}" stroke="#00000030" stroke-width="2" '
        'stroke-linejoin="round"/></svg>'
    )

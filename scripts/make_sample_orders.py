"""Writes an export of invented orders, as Shopify's admin would: the sample of `doorstep replay`.

`python -m scripts.make_sample_orders > sandbox/samples/orders_export.csv` makes the sample that is
checked in; `--count 20000` one to measure with. The same arguments always give the same file. All
people are invented and all numbers are reserved for fiction (555-01xx). The orders are meant to be
awkward: many zones, buyers abroad, several sizes of one thing, no phone, junk for a phone, no
consent, cancelled, refunded, half shipped, emoji and curly quotes, shared phones.
"""

from __future__ import annotations

import argparse
import csv
import io
import random
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

HEADER = (
    *("Name", "Email", "Financial Status", "Paid at", "Fulfillment Status", "Fulfilled at"),
    *("Accepts Marketing", "Currency", "Subtotal", "Shipping", "Taxes", "Total"),
    *("Discount Code", "Discount Amount", "Shipping Method", "Created at", "Lineitem quantity"),
    *("Lineitem name", "Lineitem price", "Lineitem compare at price", "Lineitem sku"),
    *("Lineitem requires shipping", "Lineitem taxable", "Lineitem fulfillment status"),
    *(
        f"{kind} {part}"
        for kind in ("Billing", "Shipping")
        for part in ("Name", "Street", "Address1", "Address2", "Company", "City", "Zip")
        + ("Province", "Country", "Phone")
    ),
    *("Notes", "Note Attributes", "Cancelled at", "Payment Method", "Payment Reference"),
    *("Refunded Amount", "Vendor", "Outstanding Balance", "Employee", "Location", "Device ID"),
    *("Id", "Tags", "Risk Level", "Source", "Lineitem discount"),
    *(f"Tax {n} {part}" for n in range(1, 6) for part in ("Name", "Value")),
    *("Phone", "Receipt Number", "Duties", "Billing Province Name", "Shipping Province Name"),
    *("Payment ID", "Payment Terms Name", "Next Payment Due At", "Payment References"),
)  # fmt: skip

SHOP_ZONE = ZoneInfo("America/New_York")
UNTIL = datetime(2026, 10, 31, 21, 40, tzinfo=SHOP_ZONE)
CONSENT = (
    "Text me about this order: a check-in after it arrives and answers to my questions, some of"
    " them from an automated assistant. Message and data rates may apply. Reply STOP to opt out."
)


@dataclass(frozen=True)
class Place:
    city: str
    zip: str
    province: str
    name: str
    area_codes: str
    country: str = "US"


PLACES = (
    Place("New York", "10011", "NY", "New York", "212 646 917 332"),
    Place("Brooklyn", "11231", "NY", "New York", "718 347 929"),
    Place("Gary", "46402", "IN", "Indiana", "219"),
    Place("Indianapolis", "46204", "IN", "Indiana", "317 463"),
    Place("Honolulu", "96815", "HI", "Hawaii", "808"),
    Place("Anchorage", "99501", "AK", "Alaska", "907"),
    Place("Phoenix", "85004", "AZ", "Arizona", "602 480 623"),
    Place("Paducah", "42001", "KY", "Kentucky", "270 364"),
    Place("Louisville", "40202", "KY", "Kentucky", "502"),
    Place("Providence", "02903", "RI", "Rhode Island", "401"),
    Place("Cambridge", "02139", "MA", "Massachusetts", "617 857"),
    Place("Austin", "78704", "TX", "Texas", "512 737"),
    Place("El Paso", "79901", "TX", "Texas", "915"),
    Place("Houston", "77002", "TX", "Texas", "713 281 832"),
    Place("Miami", "33130", "FL", "Florida", "305 786"),
    Place("Pensacola", "32501", "FL", "Florida", "850 448"),
    Place("Chicago", "60614", "IL", "Illinois", "312 773 872"),
    Place("Denver", "80205", "CO", "Colorado", "303 720"),
    Place("Boise", "83702", "ID", "Idaho", "208 986"),
    Place("Portland", "97205", "OR", "Oregon", "503 971"),
    Place("Seattle", "98101", "WA", "Washington", "206"),
    Place("Los Angeles", "90012", "CA", "California", "213 323 310 424"),
    Place("Oakland", "94607", "CA", "California", "510 341"),
    Place("San Francisco", "94110", "CA", "California", "415 628"),
    Place("Oklahoma City", "73102", "OK", "Oklahoma", "405 572"),
    Place("Baltimore", "21201", "MD", "Maryland", "410 443"),
    Place("Newark", "07102", "NJ", "New Jersey", "973 862"),
    Place("Atlanta", "30303", "GA", "Georgia", "404 678 470"),
    Place("Chattanooga", "37402", "TN", "Tennessee", "423"),
    Place("Nashville", "37203", "TN", "Tennessee", "615 629"),
    Place("Rapid City", "57701", "SD", "South Dakota", "605"),
    Place("Minneapolis", "55401", "MN", "Minnesota", "612"),
    Place("New Orleans", "70112", "LA", "Louisiana", "504"),
    Place("Burlington", "05401", "VT", "Vermont", "802"),
    Place("San Juan", "00901", "PR", "Puerto Rico", "787 939"),
    Place("Toronto", "M5V 2T6", "ON", "Ontario", "416 647", "CA"),
    Place("Montréal", "H2X 1Y4", "QC", "Quebec", "514 438", "CA"),
    Place("Vancouver", "V6B 1A1", "BC", "British Columbia", "604 778", "CA"),
    Place("St. John’s", "A1C 5S7", "NL", "Newfoundland and Labrador", "709", "CA"),
)
ABROAD = (
    Place("Berlin", "10437", "", "", "", "DE"),
    Place("London", "N1 7AA", "ENG", "England", "", "GB"),
)
# For people who moved and kept their number; drawn on when a place's own are given out.
FAR_AREA_CODES = (
    "201 202 203 205 207 214 215 216 217 218 224 225 228 229 231 234 239 240 248 251 252 253 254"
    " 256 260 262 267 269 276 301 302 304 307 308 309 313 314 315 316 318 319 320 321 325 330 331"
    " 334 336 337 339 346 351 352 360 361 386 402 406 407 408 409 412 413 414 417 419 425 430 432"
    " 434 435 440 469 478 479 484 501 505 507 508 509 513 515 516 518 520 530 534 540 541 551 559"
    " 561 562 563 567 570 571 573 574 575 580 585 586 601 603 606 607 608 609 610 612 614 616"
)
FIRST = (
    *("Maya", "Theo", "Rosa", "Sam", "Priya", "Jonas", "Amina", "Luis", "Grace", "Noah", "Zoë"),
    *("José", "Siobhán", "D’Angelo", "Mary Ann", "Łukasz", "Ngọc", "李雷", "Anna-Lena", "Kai 🌊"),
    *("OLIVIA", "ethan", "Wei", "Fatima", "Björn", "Chloé", "Ravi", "Ingrid", "Tomás", "Yuki"),
)
LAST = (
    *("Okafor", "Lindqvist", "Delgado", "Whitaker", "Raman", "O’Neill", "Hassan", "Santos"),
    *("Kowalczyk", "Nguyễn", "Müller", "Smith-Jones", "Çelik", "Brown", "Abebe", "Novak"),
)
STREETS = ("Alder Street", "Carroll St", "Mary Street", "Elm Avenue", "5th Ave", "Lakeview Rd")
GOODS = (
    ("Trail Runner Jacket", "148.00", "TRJ", ("S / Pine", "M / Pine", "L / Slate")),
    ("Merino Beanie", "32.00", "MBN", ("One size",)),
    ("Weekender Boot", "189.00", "WKB", ("6", "8", "10")),
    ("Stoneware Mug “Harbor”", "24.00", "SMH", ()),
    ("Everyday Tee 💚", "38.00", "EDT", ("XS", "S", "M", "L", "XL")),
    ("Linen Shirt - Women’s", "86.00", "LSW", ("6", "8", "10")),
    ('13" Laptop Sleeve, Felt', "54.00", "LSF", ("Grey", "Moss")),
    (
        "The Complete Three-Season Backpacking Set with Tent, Stove, Two Sleeping Mats and"
        " Repair Kit (Limited Autumn Edition, Numbered)",
        "642.00",
        "SET3",
        ("Two persons",),
    ),
    ("Crème brûlée candle", "29.50", "CBC", ()),
)
NOTE = "Please leave with the doorman,\nnot on the porch."
JUNK_PHONES = ("555-555-SHIP", "none", "0000000000", "n/a", "call my wife", "12345")


@dataclass(frozen=True)
class Buyer:
    name: str
    email: str
    phone: str
    place: Place


class Shop:
    """Orders of one invented shop, oldest first."""

    def __init__(self, count: int, days: int, seed: int) -> None:
        self._count = count
        self._days = days
        self._random = random.Random(seed)
        self._moved = 0  # buyers whose number is from elsewhere
        self._buyers = [self._buyer(number) for number in range(max(3, count * 6 // 7))]

    def orders(self) -> Iterator[list[dict[str, str]]]:
        """Each order as its lines."""
        span = timedelta(days=self._days)
        for number in range(self._count):
            buyer = self._buyers[number % len(self._buyers)]
            placed = UNTIL - span + span * ((number + self._random.random()) / self._count)
            yield self._order(number, buyer, placed.replace(microsecond=0))

    def _buyer(self, number: int) -> Buyer:
        chance = self._random
        place = ABROAD[number % 2] if number % 149 == 75 else PLACES[number % len(PLACES)]
        name = f"{FIRST[(number * 7) % len(FIRST)]} {chance.choice(LAST)}"
        email = f"buyer{number + 1}@example.com"
        round_ = number // len(PLACES)
        phone = ""
        if place.area_codes:
            phone = self._number(number % len(PLACES), round_)
        else:
            phone = "49305550100" if place.country == "DE" else "442079460100"
        if number % 50 == 41:  # a household: the phone of the buyer before
            phone = f"{PLACES[(number - 1) % len(PLACES)].area_codes.split()[0]}5550199"
        if number % 50 == 40 and place.area_codes:
            phone = f"{place.area_codes.split()[0]}5550199"
        return Buyer(name, email, self._as_typed(phone, place), place)

    def _number(self, place: int, round_: int) -> str:
        """A number of the place; where its hundred are given out, one from far away."""
        codes = PLACES[place].area_codes.split()
        turn, which = divmod(round_, len(codes))
        code = codes[which]
        if turn >= 100:
            moved, turn = divmod(self._moved, 100)
            self._moved += 1
            far = FAR_AREA_CODES.split()
            return f"{far[moved % len(far)]}55501{turn:02}"
        return f"{code}55501{(turn + 17 * place) % 100:02}"

    def _as_typed(self, digits: str, place: Place) -> str:
        """A number as people type it and as Shopify exports it."""
        chance = self._random.random()
        if not place.area_codes:
            return f"'+{digits}"
        if chance < 0.07:
            return ""
        if chance < 0.10:
            return self._random.choice(JUNK_PHONES)
        if chance < 0.60:
            return f"'+1{digits}"
        if chance < 0.80:
            return f"({digits[:3]}) {digits[3:6]}-{digits[6:]}"
        return digits if chance < 0.92 else f"1-{digits[:3]}-{digits[3:6]}-{digits[6:]}"

    def _order(self, number: int, buyer: Buyer, placed: datetime) -> list[dict[str, str]]:
        chance = self._random
        lines = self._lines(number)
        fate = chance.random()
        fulfilled = fate > 0.04 and placed < UNTIL - timedelta(hours=30)
        shipped = placed + timedelta(hours=4 + chance.random() * 40)
        partial = fulfilled and len(lines) > 1 and 0.04 < fate < 0.12
        cancelled = fate > 0.975
        refunded = 0.94 < fate < 0.965
        if cancelled and chance.random() < 0.6:
            fulfilled = partial = False
        subtotal = sum(float(line[1]) * line[3] for line in lines)
        shipping = 0.0 if subtotal > 100 else 8.0
        taxes = round(subtotal * 0.07, 2)
        total = f"{subtotal + shipping + taxes:.2f}"
        status = "refunded" if refunded else "voided" if cancelled else "paid"
        if 0.93 < fate <= 0.94:
            status = "partially_refunded"
        paid_with = "shopify_payments"
        first: dict[str, str] = {
            "Financial Status": status,
            "Paid at": stamp(placed + timedelta(seconds=2)),
            "Fulfillment Status": "partial" if partial else "fulfilled" if fulfilled
            else "unfulfilled",
            "Fulfilled at": stamp(shipped) if fulfilled else "",
            "Accepts Marketing": chance.choice(("yes", "no")),
            "Currency": "USD",
            "Subtotal": f"{subtotal:.2f}",
            "Shipping": f"{shipping:.2f}",
            "Taxes": f"{taxes:.2f}",
            "Total": total,
            "Discount Amount": "0.00",
            "Shipping Method": "Standard",
            "Created at": stamp(placed),
            "Notes": NOTE if number % 23 == 5 else "",
            "Note Attributes": self._attributes(number),
            "Cancelled at": stamp(placed + timedelta(hours=3)) if cancelled else "",
            "Payment Method": paid_with,
            "Payment Reference": f"r{number + 1:08}.1",
            "Refunded Amount": total if refunded else "0.00",
            "Outstanding Balance": "0.00",
            "Id": str(6_100_000_000_000 + number * 32_768),
            "Tags": chance.choice(("", "", "wholesale", "VIP, repeat")),
            "Risk Level": "Low",
            "Source": "web",
            "Tax 1 Name": "State tax 7%",
            "Tax 1 Value": f"{taxes:.2f}",
            "Phone": buyer.phone if number % 3 == 0 else "",
            "Payment ID": f"r{number + 1:08}.1",
            "Payment References": f"r{number + 1:08}.1",
            **self._addresses(number, buyer),
        }  # fmt: skip
        rows = []
        for place, (name, price, sku, quantity) in enumerate(lines):
            row = dict(first) if place == 0 else {}
            done = fulfilled and (not partial or place == 0)
            row |= {
                "Name": f"#{1001 + number}",
                "Email": buyer.email,
                "Lineitem quantity": str(quantity),
                "Lineitem name": name,
                "Lineitem price": price,
                "Lineitem sku": sku,
                "Lineitem requires shipping": "false" if sku == "GIFT" else "true",
                "Lineitem taxable": "true",
                "Lineitem fulfillment status": "fulfilled" if done else "pending",
                "Lineitem discount": "0.00",
                "Vendor": "Acme Outfitters",
            }
            rows.append(row)
        return rows

    def _lines(self, number: int) -> list[tuple[str, str, str, int]]:
        """Title with variant, price, SKU, quantity."""
        chance = self._random
        if number % 61 == 30:
            return [("Gift card - $50.00", "50.00", "GIFT", 1)]
        if number % 9 == 4:  # several sizes of one thing, to keep one
            title, price, sku, sizes = GOODS[2] if number % 2 else GOODS[5]
            return [(f"{title} - {size}", price, f"{sku}-{size}", 1) for size in sizes]
        lines = []
        for title, price, sku, variants in chance.sample(GOODS, chance.choice((1, 1, 1, 2, 3))):
            variant = chance.choice(variants) if variants else ""
            name = f"{title} - {variant}" if variant else title
            lines.append((name, price, f"{sku}-{variant}".strip("-"), chance.choice((1, 1, 1, 2))))
        return lines

    def _attributes(self, number: int) -> str:
        consent = f"doorstep_care_consent: {CONSENT}" if self._random.random() < 0.78 else ""
        gift = "gift_message: Happy birthday, “Nana”!" if number % 29 == 3 else ""
        return "\n".join(part for part in (gift, consent) if part)

    def _addresses(self, number: int, buyer: Buyer) -> dict[str, str]:
        here = self._address("Billing", buyer, buyer.place)
        # A present: it goes somewhere else than the bill does.
        there = PLACES[(number * 5) % len(PLACES)] if number % 17 == 6 else buyer.place
        return {**here, **self._address("Shipping", buyer, there)}

    def _address(self, kind: str, buyer: Buyer, place: Place) -> dict[str, str]:
        street = f"{self._random.randrange(1, 900)} {self._random.choice(STREETS)}"
        return {
            f"{kind} Name": buyer.name,
            f"{kind} Street": f"{street}, Apt 5" if kind == "Billing" else street,
            f"{kind} Address1": street,
            f"{kind} Address2": "Apt 5" if kind == "Billing" else "",
            f"{kind} City": place.city,
            f"{kind} Zip": f"'{place.zip}",
            f"{kind} Province": place.province,
            f"{kind} Province Name": place.name,
            f"{kind} Country": place.country,
            f"{kind} Phone": buyer.phone,
        }


def stamp(moment: datetime) -> str:
    """`2026-10-03 14:22:11 -0400`"""
    return moment.astimezone(SHOP_ZONE).strftime("%Y-%m-%d %H:%M:%S %z")


def write(out: io.TextIOBase, *, count: int, days: int, seed: int) -> None:
    """Newest first, as Shopify does."""
    writer = csv.DictWriter(out, HEADER, restval="", lineterminator="\n")
    writer.writeheader()
    for order in reversed(list(Shop(count, days, seed).orders())):
        writer.writerows(order)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=300, help="orders (default 300)")
    parser.add_argument("--days", type=int, default=28, help="over how long (default 28)")
    parser.add_argument("--seed", type=int, default=7)
    args = parser.parse_args()
    out = io.TextIOWrapper(sys.stdout.buffer, encoding="utf-8", newline="")
    write(out, count=args.count, days=args.days, seed=args.seed)
    out.flush()


if __name__ == "__main__":
    main()

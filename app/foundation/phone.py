"""Phone numbers as people type them, made E.164 or refused.

Called by `orders.track` for the buyer's number, by the doors for what arrives, and wherever a
number is shown (`mask`). Shopify passes on whatever was typed, with or without a country code; a
number is only believed if the numbering plan of its country has it. We text, so a vanity word or
an extension makes a number useless to us.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

import phonenumbers

_CHANNEL = re.compile(r"^\s*(?:rcs|whatsapp|sms|tel|messenger):", re.IGNORECASE)
_FORM = re.compile(r"\+?[\d\s().\-/–—‐‑]{7,32}")


def strip_channel(address: str) -> str:
    """`+14155550142` from `rcs:+14155550142`; providers prefix the channel that a text came by."""
    return _CHANNEL.sub("", address).strip()


def to_e164(
    raw: str | None,
    *,
    country: str | None = None,
    locale: str | None = None,
    zip_country: str | None = None,
) -> str | None:
    """`raw` as E.164, or None if no country's plan has it.

    A number without country code is read in `country` (ISO 3166-1 alpha-2, of the address it
    belongs to), else in that of `locale` ("en-CA"), else in `zip_country` (the shipping
    address's). With none of them there is no guess.
    """
    visible = "".join(c for c in raw or "" if unicodedata.category(c) not in ("Cf", "Cc"))
    text = strip_channel(unicodedata.normalize("NFKC", visible))
    if not _FORM.fullmatch(text):
        return None
    if text.startswith("+"):
        return _valid(text, None)
    for region in (country, _locale_country(locale), zip_country):
        if region and (found := _valid(text, region.strip().upper())):
            return found
    return None


def _locale_country(locale: str | None) -> str | None:
    parts = re.split(r"[-_]", locale or "")
    return parts[-1] if len(parts) > 1 and len(parts[-1]) == 2 else None


def _valid(text: str, region: str | None) -> str | None:
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def resolve_phone(
    candidates: Iterable[str | None],
    *,
    country: str | None = None,
    locale: str | None = None,
    zip_country: str | None = None,
) -> str | None:
    """The first candidate that is a number.

    The documented order for an order of Shopify is: the order's phone, the shipping address's,
    the customer's, the billing address's.
    """
    for raw in candidates:
        if found := to_e164(raw, country=country, locale=locale, zip_country=zip_country):
            return found
    return None


def shown(phone: str) -> str:
    """E.164 as people write it: (415) 555-0142, and with the country's code outside +1."""
    try:
        number = phonenumbers.parse(phone)
    except phonenumbers.NumberParseException:
        return phone
    of_ours = number.country_code == 1
    way = phonenumbers.PhoneNumberFormat
    return phonenumbers.format_number(number, way.NATIONAL if of_ours else way.INTERNATIONAL)


def mask(phone: str | None) -> str:
    """Enough to tell two buyers apart on a page: `+1 *** *** 0142`. Never for logs."""
    digits = re.sub(r"\D", "", phone or "")
    if len(digits) < 7:
        return "***"
    if digits.startswith("1") and len(digits) == 11:
        return f"+1 *** *** {digits[-4:]}"
    return f"+{'*' * (len(digits) - 4)}{digits[-4:]}"

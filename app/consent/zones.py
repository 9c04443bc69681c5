"""Where a buyer may be: time zones and legal regions from the phone's prefix and the ZIPs.

Called by whoever asks `permission` for a verdict. An area code is the usual defence but numbers
travel with their owners, and the ZIP may be a present's: so all of them count, and a text goes
only when it is lawful in every zone and region named here. A prefix or ZIP that says nothing
(toll-free, military mail, junk) stands for every zone of its country.

Data: `data/zones.json`, compiled from the packages `zipcodes` and `phonenumbers` (a unit test
holds it to them): those take half a second and tens of megabytes, this a few milliseconds. The
phone metadata alone is not enough, for it names one zone where an area code spans two (219, 270,
423).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

import phonenumbers

from app.orders.ports import Place

_TABLE = Path(__file__).parent / "data" / "zones.json"


@dataclass(frozen=True)
class Places:
    """Everywhere that this buyer may be. All of it must agree before a text goes."""

    countries: frozenset[str]  # ISO 3166-1 alpha-2; "ZZ" where a phone belongs to none
    regions: frozenset[str]  # keys of the state rules: "US", "US-RI", "CA", "CA-ON"
    zones: frozenset[str]  # IANA names; empty only outside the countries we serve

    def __or__(self, other: Places) -> Places:
        return Places(
            self.countries | other.countries,
            self.regions | other.regions,
            self.zones | other.zones,
        )


def locate(phone: str, *addresses: Place | None) -> Places:
    """Where the owner of `phone` (E.164) may be, given the order's addresses."""
    places = _from_phone(phone[:5] if phone.startswith("+1") else phone)
    for address in addresses:
        if address is not None:
            places |= _from_address(address.country, address.region, address.zip)
    return places


def locate_address(address: Place) -> Places:
    """Where an address alone lies; no zone if it says too little."""
    return _from_address(address.country, address.region, address.zip)


_US_TERRITORIES = frozenset({"PR", "VI", "GU", "MP", "AS"})
# A number without a place cannot be a Pacific territory's: those have area codes of their own, and
# no hour of the day is lawful in Guam and New York at once.
_NOT_AMONG_ALL = frozenset({"GU", "MP", "AS"})
# Easily recognised, and answered without asking the phone metadata.
_TOLL_FREE = frozenset({"800", "833", "844", "855", "866", "877", "888"})

_CA_ZONES: Mapping[str, tuple[str, ...]] = {
    "AB": ("America/Edmonton",),
    "BC": ("America/Vancouver",),
    "BC-E": ("America/Vancouver", "America/Edmonton", "America/Dawson_Creek"),
    "MB": ("America/Winnipeg",),
    "NB": ("America/Moncton",),
    "NL": ("America/St_Johns", "America/Goose_Bay"),
    "NS": ("America/Halifax",),
    "NT": ("America/Edmonton",),
    "NU": ("America/Iqaluit", "America/Rankin_Inlet", "America/Edmonton"),
    "ON": ("America/Toronto",),
    "ON-W": ("America/Toronto", "America/Winnipeg"),
    "PE": ("America/Halifax",),
    "QC": ("America/Toronto",),
    "QC-E": ("America/Toronto", "America/Halifax"),
    "SK": ("America/Regina",),
    "SK-W": ("America/Regina", "America/Edmonton"),
    "YT": ("America/Whitehorse",),
}
# First letters of a postal code, the longer key first; the parts that span a border apart.
_CA_POSTAL: Mapping[str, str] = {
    **{"A": "NL", "B": "NS", "C": "PE", "E": "NB", "G": "QC-E", "H": "QC", "J": "QC"},
    **{"K": "ON", "L": "ON", "M": "ON", "N": "ON", "P": "ON-W", "R": "MB", "S": "SK", "S9": "SK-W"},
    **{"T": "AB", "V": "BC", "V0": "BC-E", "V1": "BC-E", "V2": "BC-E", "X": "NT NU", "Y": "YT"},
}
_POSTAL_CODE = re.compile(r"[ABCEGHJ-NPRSTVXY]\d[A-Z] ?\d[A-Z]\d")
_ZIP = re.compile(r"(\d{5})(?:-?\d{4})?")


@dataclass(frozen=True)
class _Tables:
    zip3: Mapping[str, Places]
    zip5: Mapping[str, Places]
    us_area_codes: Mapping[str, Places]
    ca_area_codes: Mapping[str, Places]
    us_states: Mapping[str, Places]
    all_us: Places
    all_canada: Places


@cache
def _tables() -> _Tables:
    data = json.loads(_TABLE.read_text(encoding="utf-8"))
    states = {s: _us([s], zones) for s, zones in data["us_states"].items()}
    all_us = _us([], [])
    for state, places in states.items():
        if state not in _NOT_AMONG_ALL:
            all_us |= places
    all_canada = _canada(" ".join(_CA_ZONES))
    return _Tables(
        zip3=_us_groups(data["zip3"]),
        zip5=_us_groups(data["zip5"]),
        us_area_codes=_us_groups(data["us_area_codes"]),
        ca_area_codes={
            code: _canada(provinces)
            for provinces, codes in data["ca_area_codes"].items()
            for code in codes.split()
        },
        us_states=states,
        all_us=all_us,
        all_canada=all_canada,
    )


def _us(states: list[str], zones: list[str]) -> Places:
    regions = frozenset({"US", *(f"US-{state}" for state in states)})
    return Places(frozenset({"US"}), regions, frozenset(zones))


def _canada(provinces: str) -> Places:
    names = provinces.split()
    regions = frozenset({"CA", *(f"CA-{name[:2]}" for name in names)})
    zones = frozenset(zone for name in names for zone in _CA_ZONES[name])
    return Places(frozenset({"CA"}), regions, zones)


def _us_groups(groups: Mapping[str, str]) -> dict[str, Places]:
    found: dict[str, Places] = {}
    for answer, codes in groups.items():
        states, _, zones = answer.partition("|")
        places = _us(states.split(), zones.split())
        found.update(dict.fromkeys(codes.split(), places))
    return found


@lru_cache(maxsize=4096)
def _from_phone(prefix: str) -> Places:
    """`prefix` is "+1" and the area code, or a whole number of another country."""
    tables = _tables()
    if prefix.startswith("+1"):
        code = prefix[2:5]
        if places := tables.us_area_codes.get(code) or tables.ca_area_codes.get(code):
            return places
        if code in _TOLL_FREE:
            return tables.all_us
        prefix = f"+1{code}5550142"
    try:
        number = phonenumbers.parse(prefix)
    except phonenumbers.NumberParseException:
        return _elsewhere("ZZ")
    country = phonenumbers.region_code_for_number(number)
    if country == "US":
        return tables.all_us
    if country == "CA":
        return tables.all_canada
    if country is None and number.country_code != 1:
        country = phonenumbers.region_code_for_country_code(number.country_code or 0)
    return _elsewhere(country or "ZZ")


def country_of_code(code: str) -> str | None:
    """Which country writes such a ZIP or postal code: US, CA or neither."""
    code = code.strip().upper()
    if _ZIP.fullmatch(code):
        return "US"
    return "CA" if _POSTAL_CODE.fullmatch(code) else None


@lru_cache(maxsize=8192)
def _from_address(country: str | None, region: str | None, zip_code: str | None) -> Places:
    """An address with neither ZIP nor state adds nothing beyond its country."""
    country = (country or "").strip().upper()
    region = (region or "").strip().upper()
    zip_code = (zip_code or "").strip().upper()
    if country in _US_TERRITORIES:
        country, region = "US", country
    if not country:
        country = country_of_code(zip_code) or ""
    if country == "US":
        return _from_zip(region, zip_code)
    if country == "CA":
        return _from_postal_code(region, zip_code)
    return _elsewhere(country) if country else _NOWHERE


_NOWHERE = Places(frozenset(), frozenset(), frozenset())


def _elsewhere(country: str) -> Places:
    return Places(frozenset({country}), frozenset(), frozenset())


def _from_zip(region: str, zip_code: str) -> Places:
    tables = _tables()
    if match := _ZIP.fullmatch(zip_code):
        code = match[1]
        if places := tables.zip5.get(code) or tables.zip3.get(code[:3]):
            return places
    if region in tables.us_states:
        return tables.us_states[region]
    # Military mail among others: the buyer may be anywhere.
    return tables.all_us if region or zip_code else _us([], [])


def _from_postal_code(region: str, postal_code: str) -> Places:
    if re.match(r"[A-Z]\d", postal_code):
        provinces = _CA_POSTAL.get(postal_code[:2]) or _CA_POSTAL.get(postal_code[0])
        if provinces:
            return _canada(provinces)
    if region in _CA_ZONES and len(region) == 2:
        parts = [name for name in _CA_ZONES if name[:2] == region]
        return _canada(" ".join(parts))
    return _tables().all_canada if region or postal_code else _canada("")

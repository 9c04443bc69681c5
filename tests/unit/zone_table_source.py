"""Rebuilds app/consent/data/zones.json from the `zipcodes` and `phonenumbers` packages.

    python -m tests.unit.zone_table_source > app/consent/data/zones.json

Run it when either package has a newer edition; `test_zones.py` holds the file to its sources.
"""

from __future__ import annotations

import json
import sys
import zoneinfo
from collections import Counter, defaultdict
from typing import Any

import phonenumbers
import zipcodes
from phonenumbers import geocoder
from phonenumbers.tzdata import TIMEZONE_DATA

Entry = tuple[tuple[str, ...], tuple[str, ...]]  # states, zones

MILITARY = {"AA", "AE", "AP"}
PACIFIC_STATES = {"FM", "MH", "PW"}  # sovereign, though the US mail serves them
_PROVINCE = {
    "Alberta": "AB", "British Columbia": "BC", "Manitoba": "MB", "New Brunswick": "NB",
    "Newfoundland and Labrador": "NL", "Northwest Territories": "NT", "Nova Scotia": "NS",
    "Nunavut": "NU", "Ontario": "ON", "Prince Edward Island": "PE", "Quebec": "QC",
    "Saskatchewan": "SK", "Yukon": "YT",
}  # fmt: skip
# Codes that span a zone border within their province, and overlays too new for a description.
_CA_OVERLAY = {
    **dict.fromkeys(("236", "250", "257", "672", "778"), "BC-E"),
    **dict.fromkeys(("367", "418", "581"), "QC-E"),
    "807": "ON-W", "437": "ON", "942": "ON", "263": "QC",
}  # fmt: skip
_TERRITORY = {"PR": "PR", "VI": "VI", "GU": "GU", "MP": "MP", "AS": "AS"}


def build() -> dict[str, Any]:
    rows = [r for r in zipcodes.list_all() if r["state"] not in MILITARY | PACIFIC_STATES]
    main_zone = {
        state: Counter(zones).most_common(1)[0][0] for state, zones in _zones_by_state(rows).items()
    }
    known = zoneinfo.available_timezones()

    def zone(row: Any) -> str:
        return row["timezone"] if row["timezone"] in known else main_zone[row["state"]]

    state_zones: dict[str, set[str]] = defaultdict(set)
    zip5: dict[str, Entry] = {}
    for row in rows:
        state_zones[row["state"]].add(zone(row))
        states, zones = zip5.get(row["zip_code"], ((), ()))
        zip5[row["zip_code"]] = (
            tuple(sorted({*states, row["state"]})),
            tuple(sorted({*zones, zone(row)})),
        )
    by_prefix: dict[str, set[Entry]] = defaultdict(set)
    for code, entry in zip5.items():
        by_prefix[code[:3]].add(entry)
    zip3 = {prefix: _union(entries) for prefix, entries in by_prefix.items()}
    # The Navajo Nation keeps daylight saving, and the source is unsure of its border: there the
    # three digits answer, with both zones.
    mixed = {
        code: entry
        for code, entry in zip5.items()
        if len(by_prefix[code[:3]]) > 1 and entry[0] != ("AZ",)
    }
    return {
        "us_states": {s: sorted(z) for s, z in sorted(state_zones.items())},
        "zip3": _grouped(zip3),
        "zip5": _grouped(mixed),
        "us_area_codes": _grouped(_us_area_codes(rows, zone, state_zones)),
        "ca_area_codes": _canadian_area_codes(),
    }


def _zones_by_state(rows: list[Any]) -> dict[str, list[str]]:
    zones: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        zones[row["state"]].append(row["timezone"])
    return zones


def _union(entries: set[Entry]) -> Entry:
    states = sorted({s for e in entries for s in e[0]})
    return tuple(states), tuple(sorted({z for e in entries for z in e[1]}))


def _us_area_codes(rows: list[Any], zone: Any, state_zones: dict[str, set[str]]) -> Any:
    """An area code lies in one state; ZIPs of neighbours list it only for ported lines."""
    seen: dict[str, Counter[str]] = defaultdict(Counter)
    zones: dict[tuple[str, str], set[str]] = defaultdict(set)
    for row in rows:
        for code in row["area_codes"]:
            seen[code][row["state"]] += 1
            zones[code, row["state"]].add(zone(row))
    names = {name: s for s, name in _state_names().items()}
    codes: dict[str, Entry] = {}
    for number in range(200, 1000):
        code = str(number)
        region, described = _described(code)
        if region in _TERRITORY:
            home = _TERRITORY[region]
        elif region == "US" and (described in state_zones or described in names):
            home = described if described in state_zones else names[described]
        elif region == "US" and seen[code]:
            home = seen[code].most_common(1)[0][0]
        else:
            continue
        listed = zones[code, home] or state_zones[home]
        # Both sources together: the phone metadata alone names one zone of a split area code.
        telephone = {
            z for key, value in TIMEZONE_DATA.items() if key.startswith("1" + code) for z in value
        }
        codes[code] = ((home,), tuple(sorted(listed | telephone)))
    return codes


def _described(code: str) -> tuple[str | None, str]:
    """Country of a number with this area code, and its state as the phone metadata names it."""
    number = phonenumbers.parse(f"+1{code}5550142")
    kind = phonenumbers.number_type(number)
    if kind != phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE:
        return None, ""
    described = geocoder.description_for_number(number, "en").split(", ")[-1]
    if described == "Washington D.C.":
        described = "DC"
    return phonenumbers.region_code_for_number(number), described


def _canadian_area_codes() -> dict[str, str]:
    codes: dict[str, list[str]] = defaultdict(list)
    for number in range(200, 1000):
        region, described = _described(str(number))
        if region == "CA":
            parts = sorted(_PROVINCE[p] for p in _PROVINCE if p in described)
            codes[_CA_OVERLAY.get(str(number)) or " ".join(parts)].append(str(number))
    return {provinces: " ".join(c) for provinces, c in sorted(codes.items())}


def _state_names() -> dict[str, str]:
    return {
        "AL": "Alabama", "AK": "Alaska", "AZ": "Arizona", "AR": "Arkansas", "CA": "California",
        "CO": "Colorado", "CT": "Connecticut", "DE": "Delaware", "FL": "Florida",
        "GA": "Georgia", "HI": "Hawaii", "ID": "Idaho", "IL": "Illinois", "IN": "Indiana",
        "IA": "Iowa", "KS": "Kansas", "KY": "Kentucky", "LA": "Louisiana", "ME": "Maine",
        "MD": "Maryland", "MA": "Massachusetts", "MI": "Michigan", "MN": "Minnesota",
        "MS": "Mississippi", "MO": "Missouri", "MT": "Montana", "NE": "Nebraska",
        "NV": "Nevada", "NH": "New Hampshire", "NJ": "New Jersey", "NM": "New Mexico",
        "NY": "New York", "NC": "North Carolina", "ND": "North Dakota", "OH": "Ohio",
        "OK": "Oklahoma", "OR": "Oregon", "PA": "Pennsylvania", "RI": "Rhode Island",
        "SC": "South Carolina", "SD": "South Dakota", "TN": "Tennessee", "TX": "Texas",
        "UT": "Utah", "VT": "Vermont", "VA": "Virginia", "WA": "Washington",
        "WV": "West Virginia", "WI": "Wisconsin", "WY": "Wyoming",
    }  # fmt: skip


def _grouped(entries: dict[str, Entry]) -> dict[str, str]:
    """`{"IN|America/Chicago …": "464 465"}`: what shares an answer shares a line."""
    groups: dict[str, list[str]] = defaultdict(list)
    for code, (states, zones) in entries.items():
        groups[f"{' '.join(states)}|{' '.join(zones)}"].append(code)
    return {key: " ".join(sorted(codes)) for key, codes in sorted(groups.items())}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(build(), indent=1, ensure_ascii=False) + "\n")

"""Where a buyer may be: prefixes, ZIPs, postal codes, and what says nothing."""

from __future__ import annotations

import json
import zoneinfo
from pathlib import Path

import pytest

from app.consent.zones import locate, locate_address
from app.orders.ports import Place
from tests.unit.zone_table_source import build

TABLE = Path(__file__).parents[2] / "app" / "consent" / "data" / "zones.json"

NEW_YORK = "America/New_York"
CHICAGO = "America/Chicago"


def test_the_table_is_what_its_sources_say() -> None:
    assert json.loads(TABLE.read_text(encoding="utf-8")) == build()


@pytest.mark.parametrize(
    ("phone", "region", "zones"),
    [
        ("+12125550142", "US-NY", {NEW_YORK}),
        ("+14155550142", "US-CA", {"America/Los_Angeles"}),
        ("+14015550142", "US-RI", {NEW_YORK}),
        ("+16025550142", "US-AZ", {"America/Phoenix"}),
        ("+18085550142", "US-HI", {"Pacific/Honolulu"}),
        ("+17875550142", "US-PR", {"America/Puerto_Rico"}),
        ("+16715550142", "US-GU", {"Pacific/Guam"}),
        ("+14165550142", "CA-ON", {"America/Toronto"}),
        ("+14375550142", "CA-ON", {"America/Toronto"}),
        ("+18075550142", "CA-ON", {"America/Toronto", "America/Winnipeg"}),
        ("+16045550142", "CA-BC", {"America/Vancouver"}),
        ("+17095550142", "CA-NL", {"America/St_Johns", "America/Goose_Bay"}),
    ],
)
def test_an_area_code_says_region_and_zones(phone: str, region: str, zones: set[str]) -> None:
    places = locate(phone)
    assert places.regions == {region[:2], region}
    assert places.countries == {region[:2]}
    assert places.zones == zones


@pytest.mark.parametrize(
    ("code", "state", "both"),
    [
        ("219", "US-IN", {NEW_YORK, CHICAGO}),
        ("270", "US-KY", {NEW_YORK, CHICAGO}),
        ("423", "US-TN", {NEW_YORK, CHICAGO}),
        ("850", "US-FL", {NEW_YORK, CHICAGO}),
        ("605", "US-SD", {CHICAGO, "America/Denver"}),
        ("928", "US-AZ", {"America/Phoenix", "America/Denver"}),
    ],
)
def test_a_split_area_code_names_both_zones(code: str, state: str, both: set[str]) -> None:
    places = locate(f"+1{code}5550142")
    assert both <= places.zones
    assert places.regions == {"US", state}


@pytest.mark.parametrize(
    ("zip_code", "region", "zone"),
    [
        ("10001", "US-NY", NEW_YORK),
        ("94110-1234", "US-CA", "America/Los_Angeles"),
        (" 02903 ", "US-RI", NEW_YORK),
        ("46402", "US-IN", CHICAGO),  # Gary
        ("37402", "US-TN", NEW_YORK),  # Chattanooga
        ("79901", "US-TX", "America/Denver"),  # El Paso
        ("99501", "US-AK", "America/Anchorage"),
    ],
)
def test_zip_code_and_phone_both_count(zip_code: str, region: str, zone: str) -> None:
    places = locate("+12125550142", Place(country="US", zip=zip_code))
    assert places.zones == {NEW_YORK, zone}
    assert places.regions == {"US", "US-NY", region}


@pytest.mark.parametrize(
    ("postal_code", "region", "zones"),
    [
        ("M5V 2T6", "CA-ON", {"America/Toronto"}),
        ("h2x1y4", "CA-QC", {"America/Toronto"}),
        ("G4T 1A1", "CA-QC", {"America/Toronto", "America/Halifax"}),
        ("T2P 1J9", "CA-AB", {"America/Edmonton", "America/Toronto"}),
        ("V6B 1A1", "CA-BC", {"America/Vancouver", "America/Toronto"}),
        ("S9V 0A1", "CA-SK", {"America/Regina", "America/Edmonton", "America/Toronto"}),
    ],
)
def test_canadian_postal_codes(postal_code: str, region: str, zones: set[str]) -> None:
    places = locate("+14165550142", Place(country="CA", zip=postal_code))
    assert places.zones == zones | {"America/Toronto"}
    assert places.regions == {"CA", "CA-ON", region}


def test_near_the_navajo_nation_both_zones_count() -> None:
    places = locate("+16025550142", Place(country="US", zip="86045"))
    assert places.zones == {"America/Phoenix", "America/Denver"}


def test_shipping_and_billing_address_both_count() -> None:
    places = locate(
        "+12125550142",
        Place(country="US", zip="02903"),
        Place(country="CA", region="BC", zip="V6B 1A1"),
    )
    assert places.countries == {"US", "CA"}
    assert places.regions == {"US", "US-NY", "US-RI", "CA", "CA-BC"}
    assert places.zones == {NEW_YORK, "America/Vancouver"}


@pytest.mark.parametrize(
    "places",
    [
        locate("+18005550142"),
        locate("+18335550142", Place(country="US", zip="10001")),
        locate("+12125550142", Place(country="US", region="AE", zip="09012")),  # military mail
        locate("+12125550142", Place(country="US", zip="nonsense")),
    ],
)
def test_what_says_nothing_stands_for_every_us_zone(places: object) -> None:
    zones = places.zones  # type: ignore[attr-defined]
    assert {NEW_YORK, CHICAGO, "America/Denver", "America/Los_Angeles"} <= zones
    assert {"Pacific/Honolulu", "America/Puerto_Rico", "America/Adak"} <= zones
    assert "US-RI" in places.regions  # type: ignore[attr-defined]


def test_an_unknown_canadian_place_stands_for_all_of_canada() -> None:
    places = locate("+14165550142", Place(country="CA", zip="???"))
    assert {"America/St_Johns", "America/Vancouver"} <= places.zones


def test_the_state_serves_where_the_zip_is_missing() -> None:
    places = locate("+12125550142", Place(country="US", region="TX"))
    assert places.zones == {NEW_YORK, CHICAGO, "America/Denver"}
    assert "US-TX" in places.regions


def test_a_country_is_inferred_from_the_form_of_its_zip() -> None:
    assert locate("+12125550142", Place(zip="02903")).regions >= {"US-RI"}
    assert locate("+12125550142", Place(zip="M5V 2T6")).countries == {"US", "CA"}
    assert locate("+12125550142", Place()) == locate("+12125550142", None)


@pytest.mark.parametrize(
    ("phone", "country"),
    [
        ("+447400000142", "GB"),
        ("+12425550142", "BS"),  # the Bahamas share +1
        ("+18765550142", "JM"),
        ("nonsense", "ZZ"),
        ("+1999", "ZZ"),
    ],
)
def test_other_countries_have_a_name_and_no_zone(phone: str, country: str) -> None:
    places = locate(phone)
    if country in {"BS", "JM"}:  # not every metadata edition names them
        assert "US" not in places.countries and not places.zones
    else:
        assert places.countries == {country} and places.zones == frozenset()


def test_an_address_abroad_counts_too() -> None:
    assert locate("+12125550142", Place(country="GB", zip="N1 1AA")).countries == {"US", "GB"}
    assert locate("+12125550142", Place(country="PR", zip="00901")).countries == {"US"}


def test_an_address_alone_says_where_it_lies_and_nothing_more() -> None:
    portland = locate_address(Place(country="US", region="OR", zip="97205"))
    assert (portland.regions, portland.zones) == ({"US", "US-OR"}, {"America/Los_Angeles"})
    for unclear in (Place(country=None), Place(country="GB"), Place(country="US")):
        assert locate_address(unclear).zones == frozenset()


def test_every_zone_exists() -> None:
    known = zoneinfo.available_timezones()
    tables = json.loads(TABLE.read_text(encoding="utf-8"))
    named = {
        z
        for group in ("zip3", "zip5", "us_area_codes")
        for key in tables[group]
        for z in key.split("|")[1].split()
    }
    named |= locate("+14165550142", Place(country="CA", zip="?")).zones
    assert named <= known

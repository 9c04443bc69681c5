"""What people call a place: states, territories and provinces by their code, zones by their city.

Called by `explain`, for sentences only; nothing is decided by a name.
"""

from __future__ import annotations

from app.consent.zones import Places

_US = (
    "AK Alaska|AL Alabama|AR Arkansas|AS American Samoa|AZ Arizona|CA California|CO Colorado|"
    "CT Connecticut|DC Washington, D.C.|DE Delaware|FL Florida|GA Georgia|GU Guam|HI Hawaii|"
    "IA Iowa|ID Idaho|IL Illinois|IN Indiana|KS Kansas|KY Kentucky|LA Louisiana|"
    "MA Massachusetts|MD Maryland|ME Maine|MI Michigan|MN Minnesota|MO Missouri|"
    "MP the Northern Mariana Islands|MS Mississippi|MT Montana|NC North Carolina|"
    "ND North Dakota|NE Nebraska|NH New Hampshire|NJ New Jersey|NM New Mexico|NV Nevada|"
    "NY New York|OH Ohio|OK Oklahoma|OR Oregon|PA Pennsylvania|PR Puerto Rico|RI Rhode Island|"
    "SC South Carolina|SD South Dakota|TN Tennessee|TX Texas|UT Utah|VA Virginia|"
    "VI the U.S. Virgin Islands|VT Vermont|WA Washington State|WI Wisconsin|WV West Virginia|"
    "WY Wyoming"
)
_CANADA = (
    "AB Alberta|BC British Columbia|MB Manitoba|NB New Brunswick|NL Newfoundland and Labrador|"
    "NS Nova Scotia|NT the Northwest Territories|NU Nunavut|ON Ontario|PE Prince Edward Island|"
    "QC Quebec|SK Saskatchewan|YT Yukon"
)
_NAMES = {
    f"{country}-{entry[:2]}": entry[3:]
    for country, entries in (("US", _US), ("CA", _CANADA))
    for entry in entries.split("|")
}


def region_name(region: str) -> str:
    """ "Rhode Island" for "US-RI"; the code itself where there is no name."""
    return _NAMES.get(region, region)


def place_of(zone: str, places: Places) -> str:
    """Where the clock of `zone` is read: the only state there is, else the city of the zone."""
    states = [region for region in places.regions if "-" in region]
    if len(states) == 1:
        return region_name(states[0])
    return zone.rpartition("/")[2].replace("_", " ")

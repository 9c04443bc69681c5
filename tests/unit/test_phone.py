"""Numbers as typed at a checkout, and as providers write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.foundation.phone import mask, resolve_phone, shown, strip_channel, to_e164


@pytest.mark.parametrize(
    ("raw", "hints", "phone"),
    [
        ("+14155550142", {}, "+14155550142"),
        (" +1 (415) 555-0142 ", {}, "+14155550142"),
        ("(415) 555-0142", {"country": "US"}, "+14155550142"),
        ("415.555.0142", {"country": "us"}, "+14155550142"),
        ("1-415-555-0142", {"country": "US"}, "+14155550142"),
        ("14155550142", {"country": "CA"}, "+14155550142"),
        ("416 555 0142", {"locale": "en-CA"}, "+14165550142"),
        ("416 555 0142", {"locale": "fr_CA"}, "+14165550142"),
        ("4165550142", {"locale": "en", "zip_country": "CA"}, "+14165550142"),
        ("415–555–0142", {"country": "US"}, "+14155550142"),
        ("\u202d+1 415 555 0142\u202c", {}, "+14155550142"),
        ("４１５５５５０１４２", {"country": "US"}, "+14155550142"),
        ("rcs:+14155550142", {}, "+14155550142"),
        ("whatsapp:+14155550142", {}, "+14155550142"),
        ("tel:+14155550142", {}, "+14155550142"),
        ("07400 000142", {"country": "GB"}, "+447400000142"),
        # Its own country fails it, the shipping address's does not.
        ("415 555 0142", {"country": "FR", "zip_country": "US"}, "+14155550142"),
    ],
)
def test_reads_numbers_by_country_locale_and_zip(
    raw: str, hints: dict[str, str], phone: str
) -> None:
    assert to_e164(raw, **hints) == phone


@pytest.mark.parametrize(
    "raw",
    [
        None, "", "   ", "n/a", "555-555-SHIP", "415-555-SHIP", "1-800-FLOWERS", "5555555555",
        "0000000000", "1234567890", "12345", "+1415555014", "+141555501422", "415 555 0142 x12",
        "415 555 0142 ext. 5", "+", "+1", "+999 123 456 789", "maya@shop.example", "4155550142" * 4,
        "no phone", "--------", "()()()()",
    ],
)  # fmt: skip
def test_junk_is_no_number(raw: str | None) -> None:
    assert to_e164(raw, country="US", locale="en-US", zip_country="US") is None


def test_without_any_hint_there_is_no_guess() -> None:
    assert to_e164("415 555 0142") is None
    assert to_e164("415 555 0142", locale="en") is None


def test_the_first_usable_candidate_wins_in_order() -> None:
    assert (
        resolve_phone([None, "555-555-SHIP", "415 555 0142", "+14165550142"], country="US")
        == "+14155550142"
    )
    assert resolve_phone([None, "", "junk"], country="US") is None
    assert resolve_phone([]) is None


@pytest.mark.parametrize(
    ("phone", "masked"),
    [
        ("+14155550142", "+1 *** *** 0142"),
        ("+447400000142", "+********0142"),
        ("", "***"),
        (None, "***"),
        ("12345", "***"),
    ],
)
def test_a_masked_number_shows_its_last_four(phone: str | None, masked: str) -> None:
    assert mask(phone) == masked


@pytest.mark.parametrize(
    ("phone", "written"),
    [
        ("+14155550142", "(415) 555-0142"),
        ("+447400000142", "+44 7400 000142"),
        ("[removed]", "[removed]"),
    ],
)
def test_a_number_is_shown_as_people_write_it(phone: str, written: str) -> None:
    assert shown(phone) == written


def test_the_channel_is_stripped() -> None:
    assert strip_channel("RCS:+14155550142") == "+14155550142"
    assert strip_channel("+14155550142") == "+14155550142"


@given(st.text(max_size=40), st.sampled_from([None, "US", "CA", "GB", "XX", ""]))
def test_whatever_is_typed_gives_a_stable_number_or_none(raw: str, country: str | None) -> None:
    phone = to_e164(raw, country=country)
    if phone is not None:
        assert phone.startswith("+") and phone[1:].isdigit()
        assert to_e164(phone) == phone

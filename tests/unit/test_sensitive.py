"""What must not be kept is masked, what a shop works with is not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.understanding.sensitive import SensitiveKind, mask_sensitive

CARD = SensitiveKind.CARD_NUMBER
CODE = SensitiveKind.CARD_CODE
SSN = SensitiveKind.SOCIAL_SECURITY_NUMBER
PASSWORD = SensitiveKind.PASSWORD


@pytest.mark.parametrize(
    ("text", "masked", "kinds"),
    [
        ("4111111111111111", "[card ending 1111]", {CARD}),
        ("card 4111 1111 1111 1111 thanks", "card [card ending 1111] thanks", {CARD}),
        ("4111-1111-1111-1111.", "[card ending 1111].", {CARD}),
        ("4111\u00a01111\u20131111\n1111", "[card ending 1111]", {CARD}),
        ("4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1", "[card ending 1111]", {CARD}),
        ("41111111 11111111", "[card ending 1111]", {CARD}),
        ("３７８２８２２４６３１０００５", "[card ending 0005]", {CARD}),
        ("amex 3782 822463 10005", "amex [card ending 0005]", {CARD}),
        ("5555555555554444", "[card ending 4444]", {CARD}),
        ("2223003122003222", "[card ending 3222]", {CARD}),
        ("6011111111111117", "[card ending 1117]", {CARD}),
        ("30569309025904", "[card ending 5904]", {CARD}),
        ("3530111333300000", "[card ending 0000]", {CARD}),
        ("4222222222222", "[card ending 2222]", {CARD}),
        (
            "it's 4111 1111 1111 1111 12/27 123 ok",
            "it's [card ending 1111] 12/27 [card code] ok",
            {CARD, CODE},
        ),
        (
            "4111111111111111 exp 1/2028, 1234",
            "[card ending 1111] exp 1/2028, [card code]",
            {CARD, CODE},
        ),
        ("4111111111111111, cvv 123", "[card ending 1111], cvv [card code]", {CARD, CODE}),
        (
            "4111 1111 1111 1111 and 5555 5555 5555 4444",
            "[card ending 1111] and [card ending 4444]",
            {CARD},
        ),
        (
            "4111 1111 1111 1111 5555 5555 5555 4444",
            "[card ending 1111] [card ending 4444]",
            {CARD},
        ),
        ("CVV: 123", "CVV: [card code]", {CODE}),
        ("the security code is 1234", "the security code is [card code]", {CODE}),
        ("078-05-1120", "[social security number]", {SSN}),
        ("my ssn is 078051120", "my ssn is [social security number]", {SSN}),
        ("my password is hunter2!", "my password is [password]", {PASSWORD}),
        ("Password: correcthorse", "Password: [password]", {PASSWORD}),
        ("pwd=“s3cret”", "pwd=“[password]”", {PASSWORD}),
        ("password hunter22", "password [password]", {PASSWORD}),
        ("my pin is 4821", "my pin is [password]", {PASSWORD}),
    ],
)
def test_masks(text: str, masked: str, kinds: set[SensitiveKind]) -> None:
    found = mask_sensitive(text)
    assert (found.text, found.kinds) == (masked, kinds)


@pytest.mark.parametrize(
    "text",
    [
        "Order #1042",
        "order 1234567890123",
        "gid 4503601774854145",  # as long as a card, fails Luhn
        "4111111111111112",
        "call me at 415-555-0142",
        "+1 415 555 0142 or +1 415 555 0143",
        "415 555 0142 4155550143",
        "1Z999AA10123456784",
        "tracking 9400 1000 0000 0000 0000 00",
        "9400111899223100001234",
        "9612019012345678901234",
        "7023210039414604",  # a Canadian parcel
        "SKU 12345-67890-12345",
        "ref A4111111111111111B",
        "zip 94110-1234",
        "My password isn't working",
        "my password is not accepted",
        "my password is wrong",
        "reset my password please",
        "The pin is bent",
        "the pin on the brooch is 4 mm",
        "size 10, 2 of them, 2026-11-23",
        "the waist feels tight",
        "code 1234",
        "",
    ],
)
def test_leaves_what_a_shop_works_with(text: str) -> None:
    found = mask_sensitive(text)
    assert found.text == text
    assert found.kinds == frozenset()


def test_a_known_tracking_number_that_passes_luhn_stays() -> None:
    text = "where is 4000 0000 0000 0002"
    assert mask_sensitive(text).kinds == {CARD}
    assert mask_sensitive(text, tracking_numbers=["4000000000000002"]).text == text


def with_check_digit(body: str) -> str:
    for digit in "0123456789":
        total = 0
        for index, char in enumerate(reversed(body + digit)):
            value = int(char) * (2 if index % 2 else 1)
            total += value - 9 if value > 9 else value
        if total % 10 == 0:
            return body + digit
    raise AssertionError


visa = st.text("0123456789", min_size=14, max_size=14).map(lambda b: with_check_digit("4" + b))
words = st.text("abc XYZ,.!?'\n", max_size=20)


@given(visa, st.sampled_from(["", " ", "-", ".", "\u00a0"]), words, words)
def test_any_card_in_any_usual_grouping_is_masked(
    card: str, separator: str, before: str, after: str
) -> None:
    grouped = separator.join(card[i : i + 4] for i in range(0, 16, 4))
    found = mask_sensitive(f"{before} {grouped} {after}")
    assert CARD in found.kinds
    assert grouped not in found.text
    assert f"[card ending {card[-4:]}]" in found.text


@given(st.text(max_size=200) | st.text("0123456789 -./ainopsrwd:", max_size=80))
def test_masking_twice_changes_nothing_more(text: str) -> None:
    once = mask_sensitive(text)
    assert mask_sensitive(once.text).text == once.text
    assert once.kinds or once.text == text

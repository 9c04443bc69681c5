"""Check-in copy: what a merchant may save, and what a buyer then reads."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.checkins import template as tpl
from app.checkins.wording import (
    DEFAULT_COPY,
    DEFAULT_FOLLOW_UP,
    DEFAULT_OPENER,
    OPT_OUT_LINE,
    CopyKind,
    render,
    validate_copy,
)
from app.messaging.segments import Encoding, count_segments

MAYA = {
    "first_name": "Maya",
    "shop_name": "Fernhill Goods",
    "item": "Trail Jacket",
    "size": "M",
    "order_name": "#1042",
}


def blocking(template: str, **options: object) -> list[str]:
    return [p.code for p in validate_copy(template, **options) if p.blocking]  # type: ignore[arg-type]


def test_default_opener_names_buyer_shop_and_item() -> None:
    assert render(DEFAULT_OPENER, MAYA) == (
        "Hey Maya, it's Fernhill Goods, just checking in. Did your Trail Jacket arrive okay?"
    )


def test_first_contact_carries_the_opt_out_line_in_one_segment() -> None:
    text = render(DEFAULT_OPENER, MAYA, first_contact=True)
    assert text.endswith("arrive okay? Reply STOP to opt out.")
    assert "Fernhill Goods" in text
    assert count_segments(text).segments == 1


def test_first_contact_names_the_shop_though_the_copy_does_not() -> None:
    text = render("Did your {{ item }} arrive okay?", MAYA, first_contact=True)
    assert text == "Fernhill Goods: Did your Trail Jacket arrive okay? Reply STOP to opt out."


def test_an_opt_out_line_in_the_copy_is_not_repeated() -> None:
    text = render("{{ shop_name }}: all good? Text STOP to unsubscribe", MAYA, first_contact=True)
    assert text.upper().count("STOP") == 1


@pytest.mark.parametrize("kind", list(CopyKind))
def test_default_copy_is_valid_without_any_warning(kind: CopyKind) -> None:
    assert validate_copy(DEFAULT_COPY[kind], kind=kind) == []


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("Hey {{ first_name }}, all good?", "Hey there, all good?"),
        ("Hi {{ first_name }}! All good?", "Hi there! All good?"),
        ("{{ first_name }}, is all well?", "Is all well?"),
        ("Hello. {{ first_name }}, is all well?", "Hello. Is all well?"),
        ("Thanks, {{ first_name }}! All good?", "Thanks! All good?"),
        ("Is all well, {{ first_name }}?", "Is all well?"),
        ("Did {{ first_name }}'s parcel come?", "Did your parcel come?"),
        ("Did your {{ item }} arrive okay?", "Did your order arrive okay?"),
        ("How does the {{ size }} fit?", "How does the size fit?"),
        ("How is size {{ size }}?", "How is size?"),
        ("Did order {{ order_name }} arrive?", "Did order arrive?"),
        ("{{ shop_name }} here. All good?", "the shop here. All good?"),
    ],
)
def test_missing_values_leave_natural_text(template: str, text: str) -> None:
    assert render(template, {}) == text


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("How does the {{ size }} fit?", "How does the size M fit?"),
        ("How is size {{size}}?", "How is size M?"),
        ("Did {{order_name}} arrive , okay ?", "Did #1042 arrive, okay?"),
        ("It’s {{ shop_name }} – okay?", "It's Fernhill Goods - okay?"),
        ("Two lines:\n\n  all good?", "Two lines:\n\nall good?"),
    ],
)
def test_values_enter_the_text(template: str, text: str) -> None:
    assert render(template, MAYA) == text


def test_a_long_item_gives_way_before_the_second_segment() -> None:
    long = {
        **MAYA,
        "first_name": "Maximiliana Josephine",
        "shop_name": "The Extraordinary Outfitters Company",
        "item": "Hand Finished Waterproof Expedition Overcoat",
    }
    text = render(DEFAULT_OPENER, long, first_contact=True)
    assert count_segments(text).segments == 1
    assert "Extraordinary Outfitters" in text
    assert text.endswith(OPT_OUT_LINE)


def test_a_name_in_another_script_does_not_double_the_price() -> None:
    text = render(DEFAULT_OPENER, {**MAYA, "first_name": "美咲"}, first_contact=True)
    assert text.startswith("Hey there, ")
    assert count_segments(text).encoding is Encoding.GSM7


@pytest.mark.parametrize(
    ("raw", "cleaned"),
    [
        ("Maya", "Maya"),
        ("  maya  ", "Maya"),
        ("MARY JANE", "Mary Jane"),
        ("José", "José"),
        ("Zoë", "Zoe"),
        ("Ma\nya\x07", "Ma ya"),
        ("Ma\u202eya", "Maya"),
        ("www.win-a-prize.example", ""),
        ("Visit http://x.example/a", ""),
        ("prize.com", ""),
        ("maya@shop.example", ""),
        ("4155550142", ""),
        ("N/A", ""),
        ("Guest", ""),
        ("...", ""),
        ("{{ item }}", "Item"),
        ("A" * 40, ""),
        ("Wolfeschlegelsteinhausen", ""),
        ("Anna-Maria Wolfeschlegelstein", "Anna-Maria"),
        ("O'Neil-McDonald", "O'Neil-McDonald"),
        ("DJ", "DJ"),
        (None, ""),
    ],
)
def test_names_typed_by_strangers_are_defused(raw: str | None, cleaned: str) -> None:
    assert tpl.first_name(raw) == cleaned


@pytest.mark.parametrize(
    ("raw", "cleaned"),
    [
        ("Trail Jacket", "Trail Jacket"),
        ("Trail Jacket - Limited Edition (Pine / M)", "Trail Jacket"),
        ("Trail Jacket | Spring", "Trail Jacket"),
        ("Women’s Merino Wool Crew Neck Sweater With Pockets", "Women's Merino Wool Crew Neck"),
        ("T-Shirt", "T-Shirt"),
        ("Vitamin D3 2.5 oz", "Vitamin D3 2.5 oz"),
        ("see evil.example/x now", ""),
        ("☃", ""),
        ("(Gift)", "(Gift)"),
    ],
)
def test_item_titles_become_short_and_plain(raw: str, cleaned: str) -> None:
    assert tpl.item(raw) == cleaned


@pytest.mark.parametrize(
    ("raw", "cleaned"),
    [
        ("Fernhill.com", "Fernhill"),
        ("https://www.fernhill.co.uk/", "fernhill"),
        ("Fernhill & Sons", "Fernhill & Sons"),
        ("St. John Outfitters", "St. John Outfitters"),
    ],
)
def test_a_shop_named_like_an_address_makes_no_link(raw: str, cleaned: str) -> None:
    assert tpl.shop_name(raw) == cleaned


@pytest.mark.parametrize(
    ("template", "code"),
    [
        ("Hi {{ firstname }}, all good?", "unknown_variable"),
        ("Hi {{ }}, all good?", "unknown_variable"),
        ("Hi {{ first_name, all good?", "braces"),
        ("Hi first_name }}, all good?", "braces"),
        ("Hi { first_name }, all good?", "braces"),
        ("", "empty"),
        ("  \n ", "empty"),
        ("?", "empty"),
        ("{{ first_name }}", "empty"),
        ("Your order has been delivered.", "no_question"),
        ("All good? Reply YES to confirm", "keyword_prompt"),
        ("All good? reply with 'yes'", "keyword_prompt"),
        ("All good, yes or no?", "keyword_prompt"),
        ("All good? Text us back CANCEL if not", "keyword_prompt"),
        ("All good? Send END to finish", "keyword_prompt"),
        ("All good? Reply STOP if not", "keyword_prompt"),
        ("All good? Take 20% off your next order", "promotion"),
        ("All good? Leave us a review", "promotion"),
        ("All good? bit.ly/abc", "public_shortener"),
        ("All good? " + "x" * 400, "too_long"),
        ("All good? 😀" + "x" * 140, "too_long"),
    ],
)
def test_unsound_copy_is_refused_when_saved(template: str, code: str) -> None:
    assert code in blocking(template)


@pytest.mark.parametrize(
    "template",
    [
        "Did everything arrive okay? Reply STOP to opt out",
        "Did it arrive? Text us at the end of the day if not.",
        "Would you like to send it back, or is it a yes from you?",
        "Did your {{item}} in {{ size }} from {{ order_name }} come, {{ first_name }}?",
    ],
)
def test_sound_copy_is_accepted(template: str) -> None:
    assert blocking(template) == []


def test_two_segments_and_emoji_are_warned_about_and_allowed() -> None:
    codes = {p.code: p.blocking for p in validate_copy("All good? " + "word " * 30)}
    assert codes == {"two_segments": False}
    codes = {p.code: p.blocking for p in validate_copy("All good? 😀", shop_name="Fernhill")}
    assert codes == {"special_characters": False}


def test_broken_copy_gives_way_to_the_default_of_its_kind() -> None:
    expected = render(DEFAULT_FOLLOW_UP, MAYA)
    assert render("{{ nope }} hello?", MAYA, kind=CopyKind.FOLLOW_UP) == expected
    assert render("", MAYA, kind=CopyKind.FOLLOW_UP) == expected


raw_values = st.fixed_dictionaries(
    {}, optional={name: st.none() | st.text(max_size=60) for name in tpl.VARIABLES}
)


@given(raw_values, st.sampled_from(CopyKind), st.booleans())
def test_default_copy_always_fits_one_segment_of_plain_characters(
    values: dict[str, str | None], kind: CopyKind, first: bool
) -> None:
    # The shop's name is the merchant's: another script there is their choice and their cost.
    text = render(
        DEFAULT_COPY[kind], {**values, "shop_name": "W" * 99}, kind=kind, first_contact=first
    )
    counted = count_segments(text)
    assert (counted.encoding, counted.segments) == (Encoding.GSM7, 1)
    assert "?" in text
    assert "\n" not in text
    assert not first or text.endswith(OPT_OUT_LINE)


@given(st.text(max_size=300), raw_values, st.booleans())
def test_any_copy_and_values_render_to_something(
    template: str, values: dict[str, str | None], first: bool
) -> None:
    text = render(template, values, first_contact=first)
    assert text.strip()
    assert "{{" not in text and "}}" not in text and "\x00" not in text


pieces = st.sampled_from(
    [
        "Hi ",
        "{{ first_name }}",
        ", ",
        "{{item}}",
        "{{ size }}",
        " okay? ",
        "é",
        "{{shop_name}}",
        "Your ",
        "{{ order_name }}",
        ". ",
        "long words " * 6,
    ]
)


@given(st.lists(pieces, max_size=12).map("".join), raw_values)
def test_what_was_accepted_never_exceeds_two_segments(
    template: str, values: dict[str, str | None]
) -> None:
    shop = {**values, "shop_name": "Fernhill Goods"}
    if not blocking(template, shop_name="Fernhill Goods"):
        assert count_segments(render(template, shop, first_contact=True)).segments <= 2

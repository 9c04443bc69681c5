"""Keywords, the words that are sent, and what a reviewer of a registration would reject."""

from __future__ import annotations

import re

import pytest

from app.consent.record import covers_assistant
from app.foundation.errors import Refused
from app.joining import texts
from app.joining.keyword import check_keyword, is_yes, read_join
from app.joining.kit import ShopOfKit, registration_texts
from app.joining.registration import check_registration_texts
from app.joining.sources import Source, source_of
from app.messaging.segments import count_segments

LONG_URL = "https://" + "a" * 38 + ".com"  # as long as the settings let one be
NAMES = [
    "Acme Outfitters",
    "A" * 80,
    "日本の靴屋さんとても長い名前のお店です",
    "Ünï & Söhne {x} 👟👟",
    "👟",
    "€" * 50,
]
PURPOSES = [["care"], ["marketing"], ["care", "marketing"]]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("purposes", PURPOSES, ids="+".join)
@pytest.mark.parametrize("make", [texts.welcome, texts.welcome_back, texts.question])
@pytest.mark.parametrize("terms", [None, LONG_URL])
def test_every_sent_text_says_what_carriers_want_in_two_segments(
    name: str, purposes: list[str], make: object, terms: str | None
) -> None:
    assert callable(make)
    text = make(name, purposes, terms)
    assert count_segments(text).segments <= 2
    for wanted in (r"data rates may apply", r"\bSTOP to opt out\b", r"\bHELP\b", r"freq|per order"):
        assert re.search(wanted, text), text
    assert not re.search(r"\b(YES|CANCEL|END)\b", text)
    assert ("Reply Y to confirm" in text) == (make is texts.question)


def test_terms_are_in_every_text_of_a_plain_name() -> None:
    for make in (texts.welcome, texts.welcome_back, texts.question):
        assert LONG_URL in make("Acme Outfitters", ["care", "marketing"], LONG_URL)


def test_no_text_of_ours_prompts_for_a_word_that_carriers_obey() -> None:
    for section in texts.words().sections.values():
        for entry in section.values():
            for one in entry if isinstance(entry, list) else [entry]:
                assert not re.search(r"(?i)\b(reply|text|send)\W+(yes|cancel|end)\b", one), one


def test_boxes_are_apart_and_the_care_box_covers_the_assistant() -> None:
    care, marketing = texts.box("care", "Acme"), texts.box("marketing", "Acme")
    assert covers_assistant(care)
    assert "offers" not in care
    assert "parcel" not in marketing


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("text me", "TEXT ME"),
        ("  Text   Me ", "TEXT ME"),
        ("acme2026", "ACME2026"),
        ("JOIN", "JOIN"),
    ],
)
def test_keyword_is_stored_as_it_is_advertised(typed: str, stored: str) -> None:
    assert check_keyword(typed) == stored


@pytest.mark.parametrize(
    "word",
    [
        "",
        "ab",
        "x" * 21,
        "STOP",
        "stop all",
        "YES",
        "Cancel",
        "END",
        "quit",
        "START",
        "UNSTOP",
        "HELP",
    ]
    + [
        "INFO",
        "please stop",
        "no more texts",
        "THANKS",
        "got it",
        "Refund",
        "12345",
        "TEXT-ME",
        "é" * 4,
    ]
    + ["OPT OUT", "opt-out", "revoke", "call me", "text me!", "OKAY", "Where"],
)
def test_word_that_means_something_else_is_refused(word: str) -> None:
    with pytest.raises(Refused) as refused:
        check_keyword(word)
    assert refused.value.reason == "join_keyword"


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("TEXT ME", Source.DIRECT),
        ("text me.", Source.DIRECT),
        ("“Text me”", Source.DIRECT),
        ("TEXT ME 👍", Source.DIRECT),
        ("text me qr", Source.QR),
        ("Text me, banner", Source.BANNER),
        ("text me other", None),
        ("text me direct", None),
        ("text me please", None),
        ("please text me", None),
        ("context me", None),
        ("", None),
    ],
)
def test_whole_text_is_the_keyword_or_it_is_not(text: str, source: Source | None) -> None:
    assert read_join(text, "TEXT ME") == source


@pytest.mark.parametrize(
    ("text", "yes"),
    [("Y", True), ("y.", True), ("YES", True), ("Yes, please!", True), ("yep", True)]
    + [("yes but when", False), ("no", False), ("", False), ("why", False), ("okay stop", False)],
)
def test_yes_is_nothing_but_a_yes(text: str, yes: bool) -> None:
    assert is_yes(text) is yes


def test_source_that_nobody_knows_is_other() -> None:
    assert source_of("BANNER ") is Source.BANNER
    assert source_of(None) is Source.DIRECT
    assert source_of("'; DROP TABLE") is Source.OTHER


SHOP = ShopOfKit(
    name="Acme Outfitters",
    domain="acme-outfitters.myshopify.com",
    line="(202) 555-0188",
    keyword="TEXT ME",
    marketing=True,
    terms_url="https://acme.shop/terms",
    privacy_url="https://acme.shop/privacy",
    support="care@acme.shop",
)
OURS = registration_texts(SHOP, public_url="https://doorstep.app")


def found(**changes: object) -> list[tuple[str, str]]:
    findings = check_registration_texts(OURS | changes, brand=SHOP.name)
    return [(one.where, one.problem) for one in findings]


def test_our_own_texts_pass() -> None:
    assert found() == []
    for name, least, most in (("description", 40, 4096), ("message_flow", 40, 2048)):
        assert least <= len(OURS[name]) <= most


@pytest.mark.parametrize(
    ("field", "old", "new", "where", "says"),
    [
        ("care_checkbox", "STOP to opt out", "", "care_checkbox", "how to stop"),
        ("care_checkbox", "HELP for help", "", "care_checkbox", "get help"),
        ("care_checkbox", "data rates may apply", "", "care_checkbox", "rates"),
        (
            "call_to_action",
            "not a condition",
            "a matter",
            "call_to_action",
            "condition of purchase",
        ),
        ("care_checkbox", "my orders", "my orders and deals", "care_checkbox", "mixes"),
        ("marketing_checkbox", "offers", "delivery updates", "marketing_checkbox", "mixes"),
        ("marketing_checkbox", "automated ", "", "marketing_checkbox", "automated"),
        ("opt_in_message", "Acme Outfitters", "Shop", "opt_in_message", "brand"),
        ("help_message", "care@acme.shop", "us", "help_message", "reach you"),
        ("terms", "Carriers are not liable", "Nobody is liable", "terms", "carriers"),
        ("privacy", "for marketing or promotional purposes", "", "privacy", "not shared"),
        ("message_flow", "https://", "see ", "message_flow", "public page"),
        ("message_flow", "unticked by default", "ticked by default", "message_flow", "ticked"),
        (
            "message_flow",
            "https://acme.shop/terms",
            "https://bit.ly/x",
            "message_flow",
            "shortener",
        ),
        ("description", "parcel", "vodka parcel", "description", "forbidden"),
        ("terms", "Acme Outfitters", "{shop}", "terms", "not filled in"),
        ("opt_in_message", "Reply STOP", "Reply YES, reply STOP", "opt_in_message", "obey"),
    ],
)
def test_what_a_reviewer_rejects_is_named(
    field: str, old: str, new: str, where: str, says: str
) -> None:
    assert old in OURS[field], "the case no longer fits our texts"
    assert any(w == where and says in p for w, p in found(**{field: OURS[field].replace(old, new)}))


@pytest.mark.parametrize(
    ("samples", "says"),
    [
        ([], "there are 0"),
        (["Acme Outfitters: did it arrive? Reply STOP to opt out."], "there are 1"),
        (["Acme Outfitters: did it arrive okay?"] * 2, "none says how to stop"),
        (["Did it arrive? Reply STOP to opt out."] * 2, "brand"),
        (["Acme Outfitters: 20% off today! STOP to opt out."] * 2, "marketing"),
    ],
)
def test_samples_are_looked_at_one_by_one(samples: list[str], says: str) -> None:
    assert any(
        where.startswith("sample") and says in problem for where, problem in found(samples=samples)
    )


def test_missing_texts_are_named_but_for_the_marketing_box() -> None:
    missing = {one.where for one in check_registration_texts({}, brand="Acme")}
    assert "privacy" in missing
    assert "samples" in missing
    assert "marketing_checkbox" not in missing

"""Segment counts, repairs and cuts, against the carriers' arithmetic."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.messaging.segments import (
    Encoding,
    count_segments,
    is_gsm7,
    repair_gsm7,
    split_text,
)


@pytest.mark.parametrize(
    ("text", "encoding", "units", "segments"),
    [
        ("", "GSM-7", 0, 0),
        ("a" * 160, "GSM-7", 160, 1),
        ("a" * 161, "GSM-7", 161, 2),
        ("a" * 306, "GSM-7", 306, 2),
        ("a" * 307, "GSM-7", 307, 3),
        ("€" * 80, "GSM-7", 160, 1),
        ("€" * 81, "GSM-7", 162, 2),
        ("😀" * 35, "UCS-2", 70, 1),
        ("😀" * 36, "UCS-2", 72, 2),
        # An extension character never straddles: naive arithmetic says 2.
        ("a" * 152 + "€" + "a" * 152, "GSM-7", 306, 3),
        ("a" * 66 + "😀" + "a" * 66, "UCS-2", 134, 3),
        ("é" * 160, "GSM-7", 160, 1),
        ("ç", "UCS-2", 1, 1),
        ("`", "UCS-2", 1, 1),
        ("’" + "a" * 70, "UCS-2", 71, 2),
        ("\n\r\f", "GSM-7", 4, 1),
    ],
)
def test_counts_as_the_carrier_does(text: str, encoding: str, units: int, segments: int) -> None:
    counted = count_segments(text)
    assert (counted.encoding, counted.units, counted.segments) == (encoding, units, segments)


@given(st.text(max_size=700))
def test_a_longer_text_never_costs_less(text: str) -> None:
    whole = count_segments(text)
    part = count_segments(text[: len(text) // 2])
    assert part.segments <= whole.segments
    size = 160 if whole.encoding is Encoding.GSM7 else 70
    joined = 153 if whole.encoding is Encoding.GSM7 else 67
    assert whole.segments >= whole.units / size
    # At most one unit of each segment is lost to a character that must not straddle.
    assert whole.segments <= max(1, -(-whole.units // (joined - 1)))


@pytest.mark.parametrize(
    ("text", "repaired"),
    [
        ("It’s “fine” – really…", 'It\'s "fine" - really...'),
        ("a\u00a0b\u202fc\td", "a b c d"),
        ("`quoted`", "'quoted'"),
        ("ga\u200brçon", "garcon"),
        ("García, Zoë, Łukasz", "Garcia, Zoe, Lukasz"),
        ("Zoe\u0301", "Zoe"),
        ("½ ™ ﬁt", "1/2 TM fit"),
        ("line\r\nbreak\u2028next", "line\nbreak\nnext"),
        ("already plain: é à ñ ü €", "already plain: é à ñ ü €"),
        # Beside what cannot be repaired, accents stay: the text costs the same either way.
        ("García’s 😀", "García's 😀"),
        ("李", "李"),
        ("❤️ it", "❤️ it"),
        ("👩‍👧", "👩‍👧"),
    ],
)
def test_repairs_look_alikes_and_keeps_the_rest(text: str, repaired: str) -> None:
    assert repair_gsm7(text) == repaired


@given(st.text(max_size=200))
def test_repair_is_idempotent_and_never_dearer(text: str) -> None:
    repaired = repair_gsm7(text)
    assert repair_gsm7(repaired) == repaired
    if is_gsm7(text.replace("\r\n", "\n").replace("\t", " ")):
        assert count_segments(repaired).segments <= count_segments(text).segments


def test_cuts_after_sentences_in_order() -> None:
    text = "First sentence here. Second one, longer! Third? Fourth without end"
    assert split_text(text, limit=45) == [
        "First sentence here. Second one, longer!",
        "Third? Fourth without end",
    ]


def test_cuts_between_words_rather_than_leave_a_stub() -> None:
    assert split_text("No. " + "word " * 10, limit=24) == [
        "No. word word word word",
        "word word word word word",
        "word",
    ]


def test_a_sentence_that_ends_at_the_limit_stays_whole() -> None:
    assert split_text("abcd. efgh.", limit=5) == ["abcd.", "efgh."]


def test_an_endless_word_is_cut_but_no_emoji_family_torn() -> None:
    assert split_text("x" * 7, limit=3) == ["xxx", "xxx", "x"]
    assert split_text("ab👩\u200d👧", limit=5) == ["ab", "👩\u200d👧"]


def test_pieces_keep_to_a_number_of_segments() -> None:
    text = "It costs money to write at length. " * 40
    pieces = split_text(text, max_segments=2)
    assert len(pieces) > 2
    assert all(count_segments(piece).segments <= 2 for piece in pieces)
    assert all(piece.endswith(".") for piece in pieces)


@given(st.text(max_size=400), st.integers(min_value=2, max_value=90), st.integers(1, 3))
def test_splitting_loses_nothing_but_white_space(text: str, limit: int, segments: int) -> None:
    pieces = split_text(text, limit=limit, max_segments=segments)
    assert "".join("".join(pieces).split()) == "".join(text.split())
    assert all(piece.strip() for piece in pieces)
    for piece in pieces:
        assert len(piece.encode("utf-16-le", "surrogatepass")) // 2 <= limit
        assert count_segments(piece).segments <= segments


def test_nothing_to_send_is_no_piece() -> None:
    assert split_text("  \n ") == []

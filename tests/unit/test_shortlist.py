"""What is not on the shortlist cannot match: else a danger or an opt-out would be overlooked."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.understanding import crisis, opt_out_words, why
from app.understanding.fold import plain
from app.understanding.shortlist import Shortlist, must_occur
from tests.evals.measure import lines

TABLES = {
    "crisis": [pattern for _, pattern in crisis._RULES],
    "why": [pattern for _, pattern in why._COMPILED],
    "phrases": [pattern for pattern, _ in opt_out_words._PHRASES._rows],
    "groups": [pattern for pattern, _ in opt_out_words._GROUPS._rows],
}
SHORTLISTS = {name: Shortlist(patterns) for name, patterns in TABLES.items()}
EVERY = [(name, number) for name, patterns in TABLES.items() for number in range(len(patterns))]
PHRASES = [
    plain(text).replace("'", "").replace("-", " ")
    for name in ("crisis", "not_crisis", "opt_out", "not_opt_out", "ambiguous")
    for text in lines(name)
]


@pytest.mark.parametrize(
    ("pattern", "needs"),
    [
        (r"stop", [{"stop"}]),
        (r"\bkill(?:ed|ing) (?:him|her)\b", [
            {"killed him", "killed her", "killing him", "killing her"}
        ]),
        (r"kill(?:ed|ing)?", [{"kill"}]),
        (r"mat[ae]r", [{"matar", "mater"}]),
        (r"fire \w+ house", [{"fire "}, {" house"}]),
        (r"(?:bad )+burns", [{"bad "}, {"burns"}]),
        (r"die(?= now)", [{"die"}]),
        (r"(?:burn \w+|harm)", [{"burn ", "harm"}]),
    ],
)  # fmt: skip
def test_what_a_pattern_cannot_do_without(pattern: str, needs: list[set[str]]) -> None:
    assert [set(need) for need in must_occur(re.compile(pattern))] == needs


@pytest.mark.parametrize(
    "pattern",
    [
        r"\w+",
        r"(?:stop|\w+)",
        r"(?:stop)?",
        r"(?:stop)*",
        r"er",
        r"[a-z]to?p",
        r"(?i)stop",
        r"(?!stop)",
    ],
)
def test_a_pattern_that_may_do_without_anything_is_always_tried(pattern: str) -> None:
    assert must_occur(re.compile(pattern)) == []
    assert list(Shortlist([re.compile(pattern)]).worth_trying("zz")) == [0]


def test_numbers_come_in_the_patterns_order() -> None:
    shortlist = Shortlist(map(re.compile, ["three", r"\w", "other", "one"]))
    assert list(shortlist.worth_trying("one two three")) == [0, 1, 3]


@settings(max_examples=600, deadline=None)
@given(st.data(), st.sampled_from(EVERY))
def test_whatever_a_pattern_matches_puts_it_on_the_list(
    data: st.DataObject, which: tuple[str, int]
) -> None:
    name, number = which
    text = data.draw(st.from_regex(TABLES[name][number], alphabet=st.characters(max_codepoint=126)))
    assert number in SHORTLISTS[name].worth_trying(text)


@pytest.mark.parametrize("name", TABLES)
def test_no_labelled_phrase_is_overlooked(name: str) -> None:
    for text in PHRASES:
        matching = {at for at, pattern in enumerate(TABLES[name]) if pattern.search(text)}
        assert matching <= set(SHORTLISTS[name].worth_trying(text)), text


@pytest.mark.parametrize(
    "text",
    [
        "thanks, it fits great!",
        "there is a little trick to it, will the other one be here on monday?",
        "can i return the red ones? they are too tight when i sit down",
    ],
)
def test_everyday_talk_is_spared_the_table_of_dangers(text: str) -> None:
    assert list(SHORTLISTS["crisis"].worth_trying(text)) == []

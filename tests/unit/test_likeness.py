"""Texts that no rule recognises: what they are nearer to, and by which words."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from app.understanding.crisis import CrisisKind
from app.understanding.likeness import Likeness, groups_in
from app.understanding.understand import understand
from tests.evals.measure import SEEN_ROUNDS, UNSEEN_ROUNDS

ROOT = Path(__file__).resolve().parents[2]
# Leaves, and no rule sees it.
UNRULED = "One purchase doesn't mean you get to text me"


def test_groups_are_single_words_neighbours_and_pairs_around_others() -> None:
    assert groups_in([["no", "more", "texts"]]) == {
        *("no", "more", "texts"),
        *("^ no", "no more", "more texts", "texts $"),
        *("^ no more", "no more texts", "more texts $"),
        "no … texts",
    }


def test_what_sounds_like_leaving_is_asked_about_and_says_why() -> None:
    found = understand(UNRULED).opt_out
    assert found.verdict == "ambiguous"
    assert re.fullmatch(r"sounds like leaving: “[^”]+”, “[^”]+”, “[^”]+”", found.rule)


def test_what_sounds_like_leaving_is_asked_about_although_a_question_of_ours_was_open() -> None:
    asked = "Did everything arrive okay? Reply STOP to opt out."
    assert understand(UNRULED, last_question=asked).opt_out.verdict == "ambiguous"
    assert understand("not really", last_question=asked).opt_out.verdict == "no"


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("why are you texting me?", "why these texts"),
        ("who gave you my number?", "who gave the number"),
    ],
)
def test_who_asks_why_gets_the_receipt_and_is_not_taken_to_leave(text: str, rule: str) -> None:
    found = understand(text)
    assert found.why == rule
    assert found.opt_out.verdict == "no"


def test_a_sound_does_not_overrule_a_guard() -> None:
    found = understand("my ex won't stop texting me").opt_out
    assert (found.verdict, found.by_sound) == ("no", False)


@pytest.mark.parametrize(
    "text", ["your driver assisted me", "I might treat myself", "my child is having a party"]
)
def test_the_frame_of_a_crisis_without_a_word_of_danger_is_none(text: str) -> None:
    assert understand(text).crisis is None


@pytest.mark.parametrize("name", ["opt_out", *CrisisKind])
def test_weights_are_as_written_by_the_script(name: str) -> None:
    path = ROOT / "app" / "understanding" / "data" / f"likeness_{name}.txt"
    rows = path.read_text(encoding="utf-8").splitlines()[2:]
    groups = [row.split(" ", 1)[1] for row in rows]
    assert groups == sorted(set(groups))
    assert Likeness(name).of(frozenset()).found == []


def test_nothing_of_the_unseen_rounds_is_learnt() -> None:
    learnt = (ROOT / "scripts" / "train_likeness.py").read_text(encoding="utf-8")
    assert "UNSEEN_ROUNDS" not in learnt and "SEEN_ROUNDS" in learnt
    assert not set(SEEN_ROUNDS) & set(UNSEEN_ROUNDS)

"""One text as a whole: what each verdict rests on, and the command that prints it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.understanding.questions import LastQuestion, read_question
from app.understanding.understand import understand

ROOT = Path(__file__).resolve().parents[2]
ASKED = "Hi Ana, it's Fern & Oak. Did everything arrive okay? Reply STOP to opt out."


@pytest.mark.parametrize(
    ("last", "kind"),
    [
        (None, LastQuestion.NONE),
        ("We'll look into it.", LastQuestion.NONE),
        (ASKED, LastQuestion.YES_NO),
        ("yes_no", LastQuestion.YES_NO),
        ("Would you like the next size up?", LastQuestion.OFFER),
        ("How does it fit? Text STOP to end.", LastQuestion.OPEN),
        ("Let us know how it fits!", LastQuestion.OPEN),
        ("Do you still want our texts?", LastQuestion.KEEP_TEXTING),
        ("Should we stop texting you?", LastQuestion.STOP_TEXTING),
        ("Reply STOP to opt out.", LastQuestion.CONSENT),
        ("Did you get our text?", LastQuestion.YES_NO),
    ],
)
def test_the_last_question_is_told_from_the_opt_out_line(
    last: str | None, kind: LastQuestion
) -> None:
    assert read_question(last) is kind


def test_no_is_an_answer_to_a_question_and_unclear_without_one() -> None:
    assert understand("no", last_question=ASKED).opt_out.verdict == "no"
    assert understand("no", last_question=ASKED).answer == "no"
    assert understand("no").opt_out.verdict == "ambiguous"
    assert understand("no", last_question="Reply STOP to opt out.").opt_out.verdict == "ambiguous"


def test_not_interested_declines_an_offer_and_otherwise_the_texts() -> None:
    offer = understand("not interested", last_question="Would you like an exchange?")
    assert (offer.opt_out.verdict, offer.answer) == ("no", "no")
    assert understand("not interested").opt_out.verdict == "yes"


def test_stop_is_obeyed_whatever_was_asked() -> None:
    for question in LastQuestion:
        assert understand("stop", last_question=question).opt_out.verdict == "yes"


def test_leaving_the_newsletter_in_a_question_is_not_leaving_the_texts() -> None:
    found = understand("unsubscribe me from the newsletter, and where is my order?")
    assert (found.opt_out.verdict, found.opt_out.marketing) == ("no", True)
    assert found.asks_something


def test_yes_opts_in_only_where_nothing_was_asked() -> None:
    assert understand("YES").start
    assert not understand("YES", last_question=ASKED).start


def test_a_card_over_two_texts_is_masked_in_both() -> None:
    masked = understand("1111 1111", earlier=["hi", "my card: 4111 1111"]).masked
    (piece,) = masked.earlier
    assert masked.text == "[card ending 1111]"
    assert (piece.text, "my card: 4111 1111"[piece.start : piece.end]) == (1, "4111 1111")


@given(st.text(max_size=400), st.none() | st.text(max_size=80))
def test_any_text_at_all_is_understood_without_error(text: str, last: str | None) -> None:
    understand(text, last_question=last, earlier=[text])


def run_command(stdin: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "app.cli", "understand", "-"],
        input=stdin, capture_output=True, text=True, cwd=ROOT, check=False, timeout=60,
        env={"PATH": "/usr/bin"},
    )  # fmt: skip


def test_the_command_needs_no_settings_and_goes_on_after_a_bad_line() -> None:
    lines = ["STOP", '{"text": "no", "last_question": "yes_no"}']
    lines += ["{bad", '{"text": 5}', "4111 1111 1111 1111"]
    done = run_command("\n".join(lines))
    said = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["opt_out"] for row in said] == ["yes", "no", "no"]
    assert said[2]["masked"] == "[card ending 1111]"
    assert "line 3" in done.stderr and "line 4" in done.stderr
    assert done.returncode == 2


def test_the_command_ends_with_0_when_all_was_read() -> None:
    assert run_command("hello\n").returncode == 0

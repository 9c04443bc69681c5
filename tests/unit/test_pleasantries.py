"""Thanks and goodbyes alone ask for nothing; beside a wish to stop they change nothing of it."""

from __future__ import annotations

import pytest

from app.understanding.understand import understand


@pytest.mark.parametrize(
    "text",
    [
        "Thank you!", "Thanks!", "thx", "ty", "Thank you so much", "thanks again 🙏", "cheers",
        "Gracias", "¡Muchas gracias!", "mil gracias", "merci beaucoup", "please", "por favor",
        "bye", "Bye bye!", "Goodbye", "Thanks. Bye!", "good night", "take care", "adiós", "👍",
    ],
)  # fmt: skip
def test_alone_they_are_no_opt_out_and_nobody_is_asked(text: str) -> None:
    found = understand(text)
    assert (found.opt_out.verdict, found.crisis) == ("no", None)


@pytest.mark.parametrize(
    "text",
    [
        "Thanks, stop",
        "please stop",
        "Stop. Thank you",
        "Gracias, baja",
        "No more texts please, bye",
    ],
)
def test_beside_a_wish_to_stop_the_wish_holds(text: str) -> None:
    assert understand(text).opt_out.verdict == "yes"


@pytest.mark.parametrize("text", ["Please", "Please, thank you", "yes please", "bye"])
def test_to_our_question_whether_to_stop_they_are_an_answer(text: str) -> None:
    asked = understand(text, last_question="Do you want us to stop texting you?")
    assert asked.opt_out.verdict != "no"


@pytest.mark.parametrize("text", ["Goodbye everyone", "Goodbye. Bye all. Take care"])
def test_a_farewell_to_everyone_is_heard(text: str) -> None:
    assert understand(text).crisis is not None

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

"""Twilio's code table: every code the vendor page names, and what happens to the others."""

from __future__ import annotations

import pytest

from app.foundation.errors import Misconfigured
from app.messaging.ports import CodeAction
from app.vendors.twilio.codes import action_for, look_up, read_table, table

EXPECTED = {
    CodeAction.SUPPRESS: [21610],
    CodeAction.LITIGATOR: [30640],
    CodeAction.DO_NOT_TEXT: [30004],
    CodeAction.FIX_DATA: [21211, 21212, 21602, 21408],
    CodeAction.NOT_TEXTABLE: [21614, 30006],
    CodeAction.RETRY_ONCE: [21612, 30003, 30005],
    CodeAction.PAUSE_SENDER: [
        20003, 20005, 20404, 21606, 21703, 21704, 21705, 30002, 30032, 30034,
    ],
    CodeAction.BACK_OFF: [20429, 14107, 21611, 30001, 63018],
    CodeAction.NEXT_DAY: [30022, 30023, 30027, 30047, 30610],
    CodeAction.DO_NOT_RESEND: [30007],
    CodeAction.EXPIRED: [30036],
    CodeAction.REVIEW: [30008, 30450, 63016, 63036, 11200],
}  # fmt: skip
ROWS = [(code, action) for action, codes in EXPECTED.items() for code in codes]


@pytest.mark.parametrize(("code", "action"), ROWS)
def test_each_documented_code_asks_for_its_action(code: int, action: CodeAction) -> None:
    row = look_up(code)
    assert row.known
    assert (row.action, action_for(str(code))) == (action, action)


def test_table_holds_exactly_the_documented_codes() -> None:
    assert set(table()) == {str(code) for code, _ in ROWS}


def test_every_row_tells_a_merchant_cause_and_remedy_as_sentences() -> None:
    for row in table().values():
        for sentence in (row.cause, row.remedy):
            assert sentence.endswith("."), row.code
            assert len(sentence) < 140, row.code


@pytest.mark.parametrize("code", ["99999", "", "30003 ", "٣٠٠٠٣", "x"])
def test_unknown_code_goes_to_review_and_keeps_its_code(code: str) -> None:
    row = look_up(code)
    assert (row.known, row.action, row.code) == (False, CodeAction.REVIEW, code)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("not toml", "not valid TOML"),
        ('[30003]\naction = "retry_once"\ncause = "c"', "30003 needs exactly"),
        ('[30003]\naction = "retry_once"\ncause = "c"\nremedy = "r"\nnote = "n"', "30003"),
        ('[30003]\naction = "guess"\ncause = "c"\nremedy = "r"', "no action 'guess'"),
        ('[30003]\naction = "review"\ncause = " "\nremedy = "r"', "30003 has an empty field"),
        ('[oops]\naction = "review"\ncause = "c"\nremedy = "r"', "'oops' is not an error code"),
        ("30003 = 1", "30003 needs exactly"),
    ],
)
def test_faulty_table_is_refused_and_names_the_row(text: str, named: str) -> None:
    with pytest.raises(Misconfigured, match=named):
        read_table(text)

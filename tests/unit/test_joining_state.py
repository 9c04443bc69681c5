"""The ledger's rows folded into one state: what counts, what voids, what is only a question."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from app.consent.permission import ConsentState, Purpose, Request, decide
from app.consent.state import LedgerRow, fold
from app.consent.verdicts import Allowed, Denied, Reason
from app.consent.zones import locate

AT = datetime(2026, 11, 19, 19, 0, tzinfo=UTC)
PHONE = "+14155550142"


def state(*rows: tuple[str, str, str]) -> ConsentState:
    """From (purpose, action, source), a minute apart."""
    return fold(
        (
            LedgerRow(n, purpose, action, source, "words", AT + timedelta(minutes=n))
            for n, (purpose, action, source) in enumerate(rows)
        ),
        confirmed_after=None,
    )


@pytest.mark.parametrize("source", ["keyword", "join_page"])
def test_pending_row_is_no_grant_and_ends_no_opt_out(source: str) -> None:
    assert state(("care", "pending", source)).care is None
    after = state(("all", "revoked", "text"), ("care", "pending", source))
    assert after.opted_out is not None
    assert after.care is None


def test_pending_row_does_not_undo_an_earlier_grant() -> None:
    assert state(("care", "granted", "checkout"), ("care", "pending", "join_page")).care is not None


@pytest.mark.parametrize(
    ("source", "ends"),
    [("text", True), ("keyword", True)]
    + [(other, False) for other in ("join_page", "import", "agent", "checkout_attribute")],
)
def test_only_the_buyers_own_text_ends_an_opt_out(source: str, ends: bool) -> None:
    after = state(("all", "revoked", "text"), ("care", "granted", source))
    assert (after.opted_out is None) is ends


def request(consent: ConsentState, *, minutes: float, phone: str = PHONE) -> Request:
    return Request(
        purpose=Purpose.OPT_IN_CONFIRMATION,
        now=AT + timedelta(minutes=minutes),
        phone=phone,
        consent=consent,
        places=locate(phone),
    )


@pytest.mark.parametrize("action", ["granted", "pending"])
def test_form_is_confirmed_within_the_hour(action: str) -> None:
    joined = state(("care", action, "join_page"))
    verdict = decide(request(joined, minutes=59))
    assert isinstance(verdict, Allowed)
    assert verdict.evidence == ("consent:0",)
    late = decide(request(joined, minutes=60))
    assert isinstance(late, Denied)
    assert late.reason is Reason.TOO_OLD_TO_REPLY


@pytest.mark.parametrize(
    ("consent", "phone", "reason"),
    [
        (state(("care", "granted", "import")), PHONE, Reason.TOO_OLD_TO_REPLY),
        (state(), PHONE, Reason.TOO_OLD_TO_REPLY),
        (
            state(("care", "granted", "join_page"), ("all", "revoked", "text")),
            PHONE,
            Reason.OPTED_OUT,
        ),
        (state(("care", "granted", "join_page")), "+442079460018", Reason.COUNTRY_NOT_SUPPORTED),
    ],
)
def test_confirmation_needs_a_form_of_just_now(
    consent: ConsentState, phone: str, reason: Reason
) -> None:
    verdict = decide(request(consent, minutes=2, phone=phone))
    assert isinstance(verdict, Denied)
    assert verdict.reason is reason

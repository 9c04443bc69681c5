"""The ledger's rows folded into one state: who came back, who only asked, who left what."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from app.consent.policy import ConsentPolicy, policy_text
from app.consent.sources import BUYERS_OWN_ACT, Source
from app.consent.state import LedgerRow, fold

START = datetime(2026, 11, 1, tzinfo=UTC)


def rows(*facts: tuple[str, str, str]) -> list[LedgerRow]:
    """(purpose, action, source), a day apart."""
    return [
        LedgerRow(n, purpose, action, source, f"wording {n}", START + timedelta(days=n))
        for n, (purpose, action, source) in enumerate(facts, start=1)
    ]


STOP = ("all", "revoked", "text")


@pytest.mark.parametrize("source", Source)
def test_only_the_buyers_own_act_ends_an_opt_out(source: Source) -> None:
    state = fold(rows(STOP, ("care", "granted", source)), confirmed_after=None)
    assert (state.opted_out is None) == (source in BUYERS_OWN_ACT)


def test_a_tick_a_page_an_import_and_an_agent_end_no_opt_out() -> None:
    never = set(Source) - {Source.TEXT, Source.KEYWORD}
    assert not never & BUYERS_OWN_ACT


def test_an_opt_out_is_as_good_after_twenty_years() -> None:
    later = LedgerRow(2, "care", "granted", "import", None, START + timedelta(days=7300))
    state = fold([*rows(STOP), later], confirmed_after=None)
    assert state.opted_out is not None and state.opted_out.evidence == "consent:1"


def test_a_pending_grant_is_none_until_it_is_confirmed() -> None:
    asked = ("care", "pending", "join_page")
    waiting = fold(rows(asked), confirmed_after=None)
    assert waiting.care is None
    assert waiting.pending is not None and waiting.pending.evidence == "consent:1"
    confirmed = fold(rows(asked, ("care", "granted", "text")), confirmed_after=None)
    assert confirmed.pending is None
    assert confirmed.care is not None and confirmed.care.evidence == "consent:2"


def test_a_pending_grant_ends_no_opt_out_and_does_not_survive_one() -> None:
    asked = ("care", "pending", "join_page")
    assert fold(rows(STOP, asked), confirmed_after=None).opted_out is not None
    assert fold(rows(asked, STOP), confirmed_after=None).pending is None


def test_leaving_the_newsletter_leaves_care_alone() -> None:
    both = [("care", "granted", "checkout_block"), ("marketing", "granted", "shopify_sms")]
    state = fold(rows(*both, ("marketing", "revoked", "text")), confirmed_after=None)
    assert state.shopify_sms is None and state.opted_out is None
    assert state.care is not None and state.care.evidence == "consent:1"


@pytest.mark.parametrize("purpose", ["all", "care", "something new"])
def test_any_other_revocation_is_an_opt_out(purpose: str) -> None:
    granted = ("marketing", "granted", "shopify_sms")
    state = fold(rows(granted, (purpose, "revoked", "agent")), confirmed_after=None)
    assert state.opted_out is not None and state.shopify_sms is None


def test_a_grant_knows_when_it_was_given_and_whether_it_spoke_of_an_assistant() -> None:
    row = LedgerRow(1, "care", "granted", "checkout_block", "AI may write", START, True)
    state = fold([row], confirmed_after=None)
    assert state.care is not None
    assert (state.care.covers_assistant, state.care.at) == (True, START)


def test_every_policy_says_what_it_accepts_and_risks() -> None:
    for policy in ConsentPolicy:
        text = policy_text(policy)
        assert text.name and text.counts.endswith(".") and text.risk.endswith(".")

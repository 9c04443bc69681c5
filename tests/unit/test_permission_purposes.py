"""What each purpose may do: at any hour, after an opt-out, without consent, how late."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from app.consent.permission import (
    Capability,
    ConsentState,
    Grant,
    OptOut,
    ProactiveSend,
    Purpose,
    Request,
    SendHistory,
    cap_of,
    decide,
)
from app.consent.purposes import TRAITS
from app.consent.state_rules import load_rules, read_rules
from app.consent.verdicts import Allowed, Denied, NotBefore, Reason, Verdict, read_verdict
from app.consent.zones import locate
from app.orders.ports import Place
from tests.unit.test_state_rules import GOOD

NOON = datetime(2026, 11, 23, 17, tzinfo=UTC)  # in New York
NIGHT = NOON + timedelta(hours=11)
CARE = Grant("consent:1", covers_assistant=True, at=NOON - timedelta(days=30))


def ask(purpose: Purpose, now: datetime = NOON, **facts: object) -> Verdict:
    phone = "+12125550142"
    given: dict[str, object] = {"consent": ConsentState(care=CARE), "order_id": 1, **facts}
    request = Request(purpose=purpose, now=now, phone=phone, places=locate(phone), **given)  # type: ignore[arg-type]
    return decide(request)


def reason(verdict: Verdict) -> Reason | None:
    return None if isinstance(verdict, Allowed) else verdict.reason


def wrote(ago: timedelta, now: datetime = NOON) -> SendHistory:
    return SendHistory(last_inbound_at=now - ago)


def test_every_purpose_has_its_row() -> None:
    assert set(TRAITS) == set(Purpose)


MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
ANSWERS = [
    (Purpose.REPLY, 24 * HOUR),
    (Purpose.AGENT_REPLY, 24 * HOUR),
    (Purpose.APOLOGY, 24 * HOUR),
    (Purpose.HELP_ANSWER, 24 * HOUR),
    (Purpose.CONSENT_RECEIPT, 24 * HOUR),
    (Purpose.CRISIS_ANSWER, 24 * HOUR),
    (Purpose.OPT_IN_CONFIRMATION, 24 * HOUR),
    (Purpose.CLARIFICATION, 5 * MINUTE),
]


@pytest.mark.parametrize(("purpose", "within"), ANSWERS)
def test_an_answer_goes_at_any_hour_and_not_for_ever(purpose: Purpose, within: timedelta) -> None:
    last = within - timedelta(seconds=1)
    verdict = ask(purpose, NIGHT, history=wrote(last, NIGHT), consent=ConsentState())
    assert isinstance(verdict, Allowed)
    assert verdict.window_end == NIGHT - last + within
    late = ask(purpose, NIGHT, history=wrote(within, NIGHT))
    assert reason(late) in {Reason.TOO_OLD_TO_REPLY, Reason.QUIET_HOURS}  # agents wait for ten


@pytest.mark.parametrize("purpose", [Purpose.CHECK_IN, Purpose.FOLLOW_UP, Purpose.ORDER_STATUS])
def test_what_we_begin_waits_for_the_morning(purpose: Purpose) -> None:
    assert isinstance(ask(purpose), Allowed)
    held = ask(purpose, NIGHT)
    assert isinstance(held, NotBefore) and held.reason is Reason.QUIET_HOURS


@pytest.mark.parametrize("purpose", [Purpose.CHECK_IN, Purpose.ORDER_STATUS])
def test_what_nobody_asked_for_needs_consent(purpose: Purpose) -> None:
    verdict = ask(purpose, consent=ConsentState(), history=wrote(48 * HOUR))
    assert reason(verdict) is Reason.NO_CONSENT


def test_a_follow_up_rests_on_the_buyers_own_request() -> None:
    verdict = ask(Purpose.FOLLOW_UP, consent=ConsentState(), history=wrote(30 * HOUR))
    assert isinstance(verdict, Allowed)
    assert verdict.evidence[0].startswith("inbound:")
    assert reason(ask(Purpose.FOLLOW_UP, consent=ConsentState())) is Reason.NO_CONSENT


def test_order_news_is_told_while_we_talk_and_more_than_once() -> None:
    told = ProactiveSend(NOON - 2 * HOUR, 1, Purpose.ORDER_STATUS)
    busy = SendHistory((told,), last_inbound_at=NOON - HOUR, unanswered_check_in=True)
    assert isinstance(ask(Purpose.ORDER_STATUS, history=busy), Allowed)
    assert reason(ask(Purpose.ORDER_STATUS, history=SendHistory((told,) * 3))) is Reason.CAP_REACHED
    assert reason(ask(Purpose.ORDER_STATUS, shop_paused=True)) is Reason.SHOP_PAUSED


@pytest.mark.parametrize("kind", [Purpose.CHECK_IN, Purpose.FOLLOW_UP])
@pytest.mark.parametrize(
    ("ago", "stands_down"), [(HOUR, True), (23 * HOUR, True), (24 * HOUR, False)]
)
def test_another_orders_care_text_within_a_day_is_enough(
    kind: Purpose, ago: timedelta, stands_down: bool
) -> None:
    history = SendHistory((ProactiveSend(NOON - ago, 2, kind),))
    verdict = ask(Purpose.CHECK_IN, history=history)
    assert (reason(verdict) is Reason.RECENTLY_TEXTED) == stands_down
    assert isinstance(ask(Purpose.FOLLOW_UP, history=history), Allowed)


def test_a_parcel_of_the_same_order_is_no_other_order() -> None:
    history = SendHistory((ProactiveSend(NOON - HOUR, 1, Purpose.CHECK_IN),))
    assert isinstance(ask(Purpose.CHECK_IN, history=history, openers_allowed=2), Allowed)


def test_a_check_in_stands_down_after_an_answer_of_ours() -> None:
    history = SendHistory(last_answer_at=NOON - 3 * HOUR)
    assert reason(ask(Purpose.CHECK_IN, history=history)) is Reason.ALREADY_TALKING
    assert isinstance(
        ask(Purpose.CHECK_IN, history=SendHistory(last_answer_at=NOON - 24 * HOUR)), Allowed
    )


def test_whether_they_meant_to_opt_out_is_asked_once() -> None:
    just = wrote(MINUTE)
    assert isinstance(ask(Purpose.CLARIFICATION, history=just), Allowed)
    again = replace(just, clarified_at=NOON - 2 * HOUR)
    assert reason(ask(Purpose.CLARIFICATION, history=again)) is Reason.ALREADY_CLARIFIED
    next_year = replace(just, clarified_at=NOON - 365 * 24 * HOUR)
    assert isinstance(ask(Purpose.CLARIFICATION, history=next_year), Allowed)


OUT = ConsentState(care=CARE, opted_out=OptOut("consent:9", NOON - HOUR))


@pytest.mark.parametrize(
    "purpose", sorted(set(Purpose) - {Purpose.HELP_ANSWER, Purpose.CRISIS_ANSWER})
)
def test_after_an_opt_out_even_a_buyer_who_writes_again_gets_no_text(purpose: Purpose) -> None:
    verdict = ask(purpose, consent=OUT, history=wrote(MINUTE))
    assert isinstance(verdict, Denied)


def test_a_later_cry_for_help_is_answered_but_not_one_from_before_the_opt_out() -> None:
    assert isinstance(ask(Purpose.CRISIS_ANSWER, consent=OUT, history=wrote(MINUTE)), Allowed)
    with_it = ask(Purpose.CRISIS_ANSWER, consent=OUT, history=wrote(HOUR))
    assert reason(with_it) is Reason.OPTED_OUT


@pytest.mark.parametrize("purpose", Purpose)
def test_a_known_litigator_gets_no_text_at_all(purpose: Purpose) -> None:
    verdict = ask(purpose, capability=Capability.LITIGATOR, history=wrote(MINUTE))
    assert reason(verdict) is Reason.LITIGATOR


def test_who_joined_on_a_page_is_welcomed_at_any_hour_for_an_hour() -> None:
    joined = Grant("consent:2", at=NIGHT - 59 * MINUTE)
    for consent in (ConsentState(care=joined, joined=joined), ConsentState(joined=joined)):
        verdict = ask(Purpose.OPT_IN_CONFIRMATION, NIGHT, consent=consent)
        assert verdict == Allowed(NIGHT + MINUTE, ("consent:2",))
        late = ask(Purpose.OPT_IN_CONFIRMATION, NIGHT + MINUTE, consent=consent)
        assert reason(late) is Reason.TOO_OLD_TO_REPLY


def test_an_unconfirmed_opt_in_brings_no_check_in() -> None:
    verdict = ask(Purpose.CHECK_IN, consent=ConsentState(pending=Grant("consent:2")))
    assert verdict == Denied(Reason.CONSENT_UNCONFIRMED, ("consent:2", "policy:care_opt_in"))


def test_the_verdict_says_whether_the_consent_spoke_of_an_assistant() -> None:
    for purpose, history in ((Purpose.CHECK_IN, SendHistory()), (Purpose.REPLY, wrote(MINUTE))):
        covered = ask(purpose, history=history)
        assert isinstance(covered, Allowed) and covered.covers_assistant
        assert covered.as_record()["covers_assistant"] is True
        bare = ask(purpose, history=history, consent=ConsentState(care=Grant("consent:1")))
        assert isinstance(bare, Allowed) and not bare.covers_assistant


def test_a_state_may_narrow_the_cap_and_never_widen_it() -> None:
    rules = load_rules()
    capped = {region for region, rule in rules.rules.items() if rule.cap_24h}
    assert capped == {"US-FL", "US-MD", "US-NJ", "US-OK", "US-OR"}
    two, nine = (read_rules(GOOD.replace("[CA]", f"cap_24h = {n}\n[CA]")) for n in (2, 9))
    assert (cap_of(two.applying({"US"})), cap_of(nine.applying({"US"}))) == (2, 3)
    sends = SendHistory(
        tuple(ProactiveSend(NOON - n * HOUR, 2, Purpose.ORDER_STATUS) for n in (1, 2))
    )
    request = Request(
        purpose=Purpose.CHECK_IN, now=NOON, phone="+12125550142", consent=ConsentState(care=CARE),
        places=locate("+12125550142"), history=sends, order_id=1,
    )  # fmt: skip
    assert reason(decide(request, two)) is Reason.CAP_REACHED
    assert isinstance(decide(request, nine), Allowed)


def test_a_day_of_the_cap_runs_over_midnight_and_the_turn_of_the_clock() -> None:
    sunday_noon = datetime(2026, 3, 8, 16, tzinfo=UTC)  # 12:00 EDT, an hour after it was 11:00 EST
    sends = tuple(
        ProactiveSend(sunday_noon - 24 * HOUR + n * MINUTE, 2, Purpose.ORDER_STATUS)
        for n in (1, 2, 3)
    )
    verdict = ask(Purpose.ORDER_STATUS, sunday_noon, history=SendHistory(sends))
    assert isinstance(verdict, NotBefore)
    assert (verdict.at, verdict.reason) == (sunday_noon + MINUTE, Reason.CAP_REACHED)


@pytest.mark.parametrize(
    ("day", "held"),
    [("2026-11-26", True), ("2026-11-27", False), ("2026-07-06", True), ("2026-11-29", True)],
)
def test_a_holiday_of_one_place_holds_the_text_everywhere(day: str, held: bool) -> None:
    now = datetime.fromisoformat(f"{day}T17:00+00:00")
    places = locate("+15125550142", Place(country="US", zip="02903"))
    request = Request(
        purpose=Purpose.CHECK_IN, now=now, phone="+15125550142", places=places,
        consent=ConsentState(care=CARE), order_id=1,
    )  # fmt: skip
    assert isinstance(decide(request), NotBefore) == held


@pytest.mark.parametrize(
    "verdict",
    [
        Allowed(NOON, ("consent:1",), True),
        Denied(Reason.OPTED_OUT, ("consent:9",)),
        NotBefore(NOON, Reason.QUIET_HOURS, ("zone:America/New_York",)),
    ],
)
def test_a_verdict_is_read_as_it_was_written(verdict: Verdict) -> None:
    assert read_verdict(verdict.as_record()) == verdict

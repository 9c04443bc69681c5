"""The verdict: who may be texted, about what, and when."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.consent.permission import (
    PROACTIVE,
    Capability,
    ConsentPolicy,
    ConsentState,
    Grant,
    OptOut,
    ProactiveSend,
    Purpose,
    Request,
    SendHistory,
    decide,
)
from app.consent.state_rules import load_rules
from app.consent.verdicts import Allowed, Denied, NotBefore, Reason, Verdict, reason_text
from app.consent.week_hours import WeekHours
from app.consent.zones import locate
from app.orders.ports import Place

EASTERN = ZoneInfo("America/New_York")
NOON = datetime(2026, 11, 23, 12, tzinfo=EASTERN).astimezone(UTC)
NIGHT = datetime(2026, 11, 23, 23, tzinfo=EASTERN).astimezone(UTC)
MORNING = datetime(2026, 11, 24, 10, tzinfo=EASTERN).astimezone(UTC)

CARE = Grant("consent:812", "Text me about my delivery")
SMS = Grant("consent:813")
CHECKOUT = Grant("order:1042")
CHECK_IN = Request(
    purpose=Purpose.CHECK_IN,
    now=NOON,
    phone="+12125550142",
    consent=ConsentState(care=CARE),
    places=locate("+12125550142"),
    order_id=1042,
)


def hours_ago(hours: float, now: datetime = NOON) -> datetime:
    return now - timedelta(hours=hours)


def reason(verdict: Verdict) -> Reason | None:
    return None if isinstance(verdict, Allowed) else verdict.reason


def test_with_consent_at_noon_a_check_in_may_go_until_eight() -> None:
    verdict = decide(CHECK_IN)
    assert verdict == Allowed(
        datetime(2026, 11, 23, 20, tzinfo=EASTERN).astimezone(UTC),
        (
            "consent:812",
            "policy:care_opt_in",
            load_rules().evidence,
            "rule:US@2026-11-23",
            "zone:America/New_York",
        ),
    )


def test_at_night_it_waits_for_ten_local() -> None:
    verdict = decide(replace(CHECK_IN, now=NIGHT))
    assert isinstance(verdict, NotBefore)
    assert (verdict.at, verdict.reason) == (MORNING, Reason.QUIET_HOURS)


def test_in_the_last_minutes_of_the_window_it_waits() -> None:
    late = datetime(2026, 11, 23, 19, 56, tzinfo=EASTERN).astimezone(UTC)
    assert decide(replace(CHECK_IN, now=late)) == decide(replace(CHECK_IN, now=NIGHT))


def test_the_state_of_the_zip_is_evidence_too() -> None:
    places = locate("+12125550142", Place(country="US", zip="02903"))
    evening = datetime(2026, 11, 23, 18, 30, tzinfo=EASTERN).astimezone(UTC)
    verdict = decide(replace(CHECK_IN, now=evening, places=places))
    assert reason(verdict) is Reason.QUIET_HOURS
    assert "rule:US-RI@2026-11-28" in verdict.evidence


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"phone": None}, Reason.NO_PHONE),
        ({"phone": ""}, Reason.NO_PHONE),
        ({"consent": ConsentState()}, Reason.NO_CONSENT),
        (
            {"consent": ConsentState(shopify_sms=SMS, number_at_checkout=CHECKOUT)},
            Reason.NO_CONSENT,
        ),
        (
            {"consent": ConsentState(care=CARE, opted_out=OptOut("consent:9", NOON))},
            Reason.OPTED_OUT,
        ),
        ({"capability": Capability.LANDLINE}, Reason.LANDLINE),
        ({"capability": Capability.UNREACHABLE}, Reason.NOT_TEXTABLE),
        ({"capability": Capability.REASSIGNED}, Reason.NUMBER_REASSIGNED),
        ({"places": locate("+447400000142")}, Reason.COUNTRY_NOT_SUPPORTED),
        (
            {"places": locate("+12125550142", Place(country="DE", zip="10115"))},
            Reason.COUNTRY_NOT_SUPPORTED,
        ),
        ({"shop_paused": True}, Reason.SHOP_PAUSED),
        ({"shop_installed": False}, Reason.UNINSTALLED),
        ({"sender_active": False}, Reason.SENDER_PAUSED),
        ({"history": SendHistory(being_helped=True)}, Reason.ALREADY_TALKING),
        ({"history": SendHistory(last_inbound_at=hours_ago(20))}, Reason.ALREADY_TALKING),
        ({"history": SendHistory(unanswered_check_in=True)}, Reason.UNANSWERED_BEFORE),
        ({"shop_window": WeekHours((None,) * 7)}, Reason.QUIET_HOURS_TOO_LONG),
    ],
)
def test_a_check_in_is_refused_with_its_reason(change: dict[str, object], expected: Reason) -> None:
    verdict = decide(replace(CHECK_IN, **change))  # type: ignore[arg-type]
    assert isinstance(verdict, Denied)
    assert verdict.reason is expected


@pytest.mark.parametrize(
    ("policy", "accepted"),
    [
        (ConsentPolicy.CARE_OPT_IN, {"care"}),
        (ConsentPolicy.SHOPIFY_SMS, {"care", "shopify_sms"}),
        (ConsentPolicy.NUMBER_AT_CHECKOUT, {"care", "shopify_sms", "number_at_checkout"}),
    ],
)
def test_a_policy_accepts_its_own_evidence_and_stronger(
    policy: ConsentPolicy, accepted: set[str]
) -> None:
    grants = {"care": CARE, "shopify_sms": SMS, "number_at_checkout": CHECKOUT}
    for kind, grant in grants.items():
        consent = ConsentState(**{kind: grant})
        verdict = decide(replace(CHECK_IN, policy=policy, consent=consent))
        assert isinstance(verdict, Allowed) == (kind in accepted)
        assert (grant.evidence in verdict.evidence) == (kind in accepted)


def test_the_strongest_consent_on_file_is_the_evidence() -> None:
    consent = ConsentState(care=CARE, shopify_sms=SMS, number_at_checkout=CHECKOUT)
    verdict = decide(replace(CHECK_IN, policy=ConsentPolicy.NUMBER_AT_CHECKOUT, consent=consent))
    assert verdict.evidence[0] == CARE.evidence


def sent(hours: float, order_id: int = 7, kind: Purpose = Purpose.CHECK_IN) -> ProactiveSend:
    return ProactiveSend(hours_ago(hours), order_id, kind)


def test_one_opener_and_one_follow_up_for_an_order() -> None:
    opened = SendHistory(proactive=(sent(30, 1042),))
    assert reason(decide(replace(CHECK_IN, history=opened))) is Reason.ALREADY_SENT
    follow_up = replace(CHECK_IN, purpose=Purpose.FOLLOW_UP, history=opened)
    assert isinstance(decide(follow_up), Allowed)
    both = SendHistory(proactive=(sent(60, 1042), sent(30, 1042, Purpose.FOLLOW_UP)))
    assert reason(decide(replace(follow_up, history=both))) is Reason.ALREADY_SENT
    assert isinstance(decide(replace(CHECK_IN, order_id=8, history=opened)), Allowed)


def test_a_shop_may_choose_one_opener_for_each_parcel() -> None:
    opened = SendHistory(proactive=(sent(30, 1042),))
    assert isinstance(decide(replace(CHECK_IN, history=opened, openers_allowed=2)), Allowed)


def news(hours: float) -> ProactiveSend:
    return sent(hours, kind=Purpose.ORDER_STATUS)


def test_the_fourth_proactive_text_waits_until_the_first_is_a_day_old() -> None:
    history = SendHistory(proactive=(news(1), news(20), news(23), news(25)))
    verdict = decide(replace(CHECK_IN, history=history))
    assert isinstance(verdict, NotBefore)
    assert (verdict.at, verdict.reason) == (NOON + timedelta(hours=1), Reason.CAP_REACHED)
    assert isinstance(decide(replace(CHECK_IN, now=verdict.at, history=history)), Allowed)


def test_a_cap_that_ends_at_night_waits_for_the_morning() -> None:
    history = SendHistory(proactive=(news(1), news(2), news(15)))
    verdict = decide(replace(CHECK_IN, history=history))
    assert isinstance(verdict, NotBefore)
    assert (verdict.at, verdict.reason) == (MORNING, Reason.CAP_REACHED)


def test_a_promise_is_kept_though_we_are_talking() -> None:
    follow_up = replace(CHECK_IN, purpose=Purpose.FOLLOW_UP)
    busy = SendHistory(last_inbound_at=hours_ago(1), being_helped=True, unanswered_check_in=True)
    assert isinstance(decide(replace(follow_up, history=busy)), Allowed)
    at_night = decide(replace(follow_up, now=NIGHT, history=busy))
    assert isinstance(at_night, NotBefore) and at_night.at == MORNING


@pytest.mark.parametrize(
    "purpose",
    [Purpose.REPLY, Purpose.AGENT_REPLY, Purpose.HELP_ANSWER, Purpose.OPT_IN_CONFIRMATION],
)
def test_who_just_wrote_is_answered_at_night_without_consent(purpose: Purpose) -> None:
    history = SendHistory(
        last_inbound_at=hours_ago(0.1, NIGHT), being_helped=True, unanswered_check_in=True
    )
    verdict = decide(
        replace(
            CHECK_IN,
            purpose=purpose,
            now=NIGHT,
            consent=ConsentState(),
            history=history,
            shop_paused=True,
            places=locate("+447400000142"),
            capability=Capability.LANDLINE,
        )
    )
    assert isinstance(verdict, Allowed)
    assert verdict.window_end == hours_ago(0.1, NIGHT) + timedelta(hours=24)


@pytest.mark.parametrize(
    "purpose", [Purpose.REPLY, Purpose.HELP_ANSWER, Purpose.OPT_IN_CONFIRMATION]
)
@pytest.mark.parametrize("last", [None, hours_ago(24), hours_ago(1000)])
def test_an_automatic_answer_comes_within_a_day_or_never(
    purpose: Purpose, last: datetime | None
) -> None:
    verdict = decide(replace(CHECK_IN, purpose=purpose, history=SendHistory(last_inbound_at=last)))
    assert verdict == Denied(Reason.TOO_OLD_TO_REPLY, ())


def test_an_agent_returns_to_an_old_thread_in_lawful_hours_without_consent() -> None:
    history = SendHistory(last_inbound_at=hours_ago(24 * 42), being_helped=True)
    old = replace(
        CHECK_IN,
        purpose=Purpose.AGENT_REPLY,
        consent=ConsentState(),
        history=history,
        shop_paused=True,
        shop_window=WeekHours((None,) * 7),
    )
    verdict = decide(old)
    assert isinstance(verdict, Allowed)
    assert verdict.evidence[0] == f"inbound:{hours_ago(24 * 42).isoformat()}"
    waits = decide(replace(old, now=NIGHT))
    assert isinstance(waits, NotBefore)
    assert (waits.at, waits.reason) == (MORNING, Reason.QUIET_HOURS)


def test_an_agent_may_not_begin_with_somebody_who_never_wrote_nor_agreed() -> None:
    first = replace(CHECK_IN, purpose=Purpose.AGENT_REPLY, consent=ConsentState())
    assert reason(decide(first)) is Reason.NO_CONSENT
    assert isinstance(decide(replace(first, consent=ConsentState(care=CARE))), Allowed)


OPTED_OUT = ConsentState(care=CARE, opted_out=OptOut("consent:900", NOON))


def test_an_opt_out_is_confirmed_once_within_five_minutes() -> None:
    confirm = replace(CHECK_IN, purpose=Purpose.OPT_OUT_CONFIRMATION, consent=OPTED_OUT)
    assert decide(confirm) == Allowed(NOON + timedelta(minutes=5), ("consent:900",))
    late = replace(confirm, now=NOON + timedelta(minutes=5))
    assert reason(decide(late)) is Reason.TOO_OLD_TO_REPLY
    confirmed = ConsentState(opted_out=OptOut("consent:900", NOON, confirmed=True))
    assert reason(decide(replace(confirm, consent=confirmed))) is Reason.ALREADY_CONFIRMED
    assert reason(decide(replace(confirm, consent=ConsentState()))) is Reason.NOT_OPTED_OUT


def test_help_is_answered_after_an_opt_out() -> None:
    verdict = decide(
        replace(
            CHECK_IN,
            purpose=Purpose.HELP_ANSWER,
            consent=OPTED_OUT,
            history=SendHistory(last_inbound_at=NOON),
        )
    )
    assert isinstance(verdict, Allowed)


def test_every_reason_has_a_sentence() -> None:
    for each in Reason:
        assert reason_text(each).endswith(".")


# Properties

grants = st.none() | st.just(CARE)
moments = st.datetimes(
    datetime.fromisoformat("2026-01-01"),
    datetime.fromisoformat("2028-12-31"),
    timezones=st.just(UTC),
)
phones = st.sampled_from(
    [
        "+12125550142",
        "+14015550142",
        "+18085550142",
        "+18005550142",
        "+14165550142",
        "+447400000142",
    ]
)


@st.composite
def requests(draw: st.DrawFn, opted_out: bool | None = None) -> Request:
    now = draw(moments)
    phone = draw(phones)
    opts = st.just(OptOut("consent:900", now - draw(st.timedeltas(timedelta(0), timedelta(4000)))))
    ago = st.timedeltas(timedelta(0), timedelta(days=40)).map(lambda span: now - span)
    sends = st.builds(ProactiveSend, ago, st.integers(1, 3), st.sampled_from(sorted(PROACTIVE)))
    return Request(
        purpose=draw(st.sampled_from(Purpose)),
        now=now,
        phone=phone,
        consent=ConsentState(
            care=draw(grants),
            shopify_sms=draw(grants),
            number_at_checkout=draw(grants),
            opted_out=draw(
                opts if opted_out else st.none() if opted_out is False else st.none() | opts
            ),
        ),
        places=locate(phone),
        policy=draw(st.sampled_from(ConsentPolicy)),
        history=SendHistory(
            proactive=tuple(draw(st.lists(sends, max_size=6))),
            last_inbound_at=draw(st.none() | ago),
            unanswered_check_in=draw(st.booleans()),
            being_helped=draw(st.booleans()),
        ),
        order_id=draw(st.integers(1, 3)),
        capability=draw(st.sampled_from(Capability)),
        shop_paused=draw(st.booleans()),
        sender_active=draw(st.booleans()),
    )


@settings(deadline=None)
@given(requests(opted_out=True))
def test_nothing_but_confirmation_and_help_passes_an_opt_out_however_old(
    request: Request,
) -> None:
    verdict = decide(request)
    opt_out, wrote = request.consent.opted_out, request.history.last_inbound_at
    assert opt_out is not None
    passes = {Purpose.OPT_OUT_CONFIRMATION, Purpose.HELP_ANSWER}
    if wrote is not None and wrote > opt_out.at:
        passes.add(Purpose.CRISIS_ANSWER)
    if request.purpose not in passes:
        assert verdict == Denied(Reason.OPTED_OUT, ("consent:900",))


@settings(deadline=None)
@given(requests())
def test_no_proactive_text_without_consent_hours_and_room_under_the_cap(
    request: Request,
) -> None:
    verdict = decide(request)
    if not isinstance(verdict, Allowed) or request.purpose not in PROACTIVE:
        return
    asked_for = request.purpose is Purpose.FOLLOW_UP and request.history.last_inbound_at is not None
    assert asked_for or "consent:812" in verdict.evidence
    for zone in request.places.zones:
        assert 10 <= request.now.astimezone(ZoneInfo(zone)).hour < 20
    day = [s for s in request.history.proactive if request.now - s.at < timedelta(days=1)]
    assert len(day) < 3
    assert request.now < verdict.window_end <= request.now + timedelta(hours=10)


@settings(deadline=None)
@given(requests(opted_out=False))
def test_what_may_go_later_may_go_then(request: Request) -> None:
    verdict = decide(request)
    if isinstance(verdict, NotBefore):
        assert verdict.at > request.now
        assert isinstance(decide(replace(request, now=verdict.at)), Allowed)


@settings(deadline=None)
@given(requests())
def test_a_verdict_is_a_json_record_with_its_evidence(request: Request) -> None:
    verdict = decide(request)
    record = json.loads(json.dumps(verdict.as_record()))
    assert record["verdict"] in {"allowed", "denied", "not_before"}
    assert record["evidence"] == list(verdict.evidence)
    assert request.phone is not None and request.phone not in json.dumps(record)

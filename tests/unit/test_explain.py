"""A verdict in words: every reason, with place and clock where they matter."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from app.consent.explain import explain, explain_record
from app.consent.facts import (
    Capability,
    ConsentState,
    Grant,
    OptOut,
    ProactiveSend,
    Request,
    SendHistory,
)
from app.consent.permission import decide
from app.consent.place_names import region_name
from app.consent.purposes import Purpose
from app.consent.verdicts import Reason
from app.consent.week_hours import WeekHours
from app.consent.zones import locate
from app.orders.ports import Place
from tests.evals.permission_oracle import TABLE

AUSTIN, NEW_YORK, PROVIDENCE = "+15125550142", "+12125550142", "+14015550142"
CARE = ConsentState(care=Grant("consent:1"))
MONDAY = "2026-11-30T12:00-05:00"


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def request(phone: str, at: str, *zips: str, **facts: Any) -> Request:
    places = locate(phone, *(Place(country="US", zip=code) for code in zips))
    given = {"purpose": Purpose.CHECK_IN, "consent": CARE, "order_id": 1, **facts}
    return Request(now=moment(at), phone=phone, places=places, **given)


def words(asked: Request) -> str:
    return explain(
        decide(asked),
        purpose=asked.purpose,
        now=asked.now,
        places=asked.places,
        shop_window=asked.shop_window,
    )


@pytest.mark.parametrize(
    ("phone", "zips", "at", "sentence"),
    [
        (AUSTIN, ["79901"], "2026-11-22T19:12-06:00",
         "Held until Mon 11:00: it is Sunday 19:12 in Texas, and one of the buyer's zones closes"
         " at 18:00."),
        (AUSTIN, [], "2026-11-22T19:12-06:00",
         "Held until Mon 10:00: it is Sunday 19:12 in Texas, where texting closes at 18:00."),
        (AUSTIN, ["10001"], "2026-11-23T08:00-06:00",
         "Held until Mon 10:00: it is Monday 08:00 in Chicago, and one of the buyer's zones opens"
         " at 10:00."),
        (PROVIDENCE, [], "2026-11-26T12:00-05:00",
         "Held until Fri 10:00: it is Thursday 12:00 in Rhode Island, and Rhode Island allows no"
         " texts on Thanksgiving Day."),
        (PROVIDENCE, [], "2026-11-29T12:00-05:00",
         "Held until Mon 10:00: it is Sunday 12:00 in Rhode Island, and Rhode Island allows no"
         " texts on Sundays."),
        (AUSTIN, ["02903"], "2026-11-26T12:00-06:00",
         "Held until Fri 10:00: it is Thursday 12:00 in Chicago, and Rhode Island allows no"
         " texts on Thanksgiving Day."),
        (NEW_YORK, [], "2026-11-30T19:57-05:00",
         "Held until Tue 10:00: it is Monday 19:57 in New York, and texts must arrive before 20:00,"
         " which is too soon."),
        (NEW_YORK, [], MONDAY,
         "May go now, and until Mon 20:00: it is Monday 12:00 in New York, within the buyer's"
         " hours."),
    ],
)  # fmt: skip
def test_place_and_clock_are_told(phone: str, zips: list[str], at: str, sentence: str) -> None:
    assert words(request(phone, at, *zips)) == sentence


def test_a_full_day_is_told() -> None:
    news = tuple(
        ProactiveSend(moment(f"2026-11-30T{hour}:00-05:00"), 2, Purpose.ORDER_STATUS)
        for hour in ("09", "10", "11")
    )
    assert words(request(NEW_YORK, MONDAY, history=SendHistory(news))) == (
        "Held until Tue 10:00: the buyer has had 3 texts from you within 24 hours; it is Monday"
        " 12:00 in New York."
    )


def test_the_shops_own_closed_day_is_told() -> None:
    hours = WeekHours.parse({"sat": "12:00-15:00"})
    assert words(request(NEW_YORK, MONDAY, shop_window=hours)) == (
        "Held until Sat 12:00: it is Monday 12:00 in New York, and your settings allow no texts on"
        " Mondays."
    )


INBOUND = SendHistory(last_inbound_at=moment("2026-11-30T11:59-05:00"))
OUT = ConsentState(opted_out=OptOut("consent:9", moment("2026-11-30T11:58-05:00")))
CONFIRMED = ConsentState(opted_out=OptOut("consent:9", moment("2026-11-30T11:58-05:00"), True))
OPENED = SendHistory((ProactiveSend(moment("2026-11-30T10:00-05:00"), 1, Purpose.CHECK_IN),))
OTHER = SendHistory((ProactiveSend(moment("2026-11-30T10:00-05:00"), 2, Purpose.CHECK_IN),))
CASES: list[tuple[Reason | None, dict[str, Any], str]] = [
    (None, {"purpose": Purpose.REPLY, "history": INBOUND},
     "May go now, at any hour: the buyer wrote and is being answered."),
    (None, {"purpose": Purpose.OPT_OUT_CONFIRMATION, "consent": OUT},
     "May go now, at any hour: one confirmation may follow an opt-out within five minutes."),
    (None, {"purpose": Purpose.OPT_IN_CONFIRMATION,
            "consent": ConsentState(joined=Grant("consent:2", at=moment(MONDAY)))},
     "May go now, at any hour: the buyer has just asked for texts."),
    (Reason.NO_CONSENT, {"consent": ConsentState()},
     "Not sent: the buyer has not agreed to texts in a way that your settings accept."),
    (Reason.CONSENT_UNCONFIRMED, {"consent": ConsentState(pending=Grant("consent:2"))},
     "Not sent: the buyer asked for texts but has not confirmed it yet."),
    (Reason.OPTED_OUT, {"consent": OUT}, "Not sent: the buyer has opted out of texts from you."),
    (Reason.NOT_OPTED_OUT, {"purpose": Purpose.OPT_OUT_CONFIRMATION},
     "Not sent: there is no opt-out to confirm."),
    (Reason.ALREADY_CONFIRMED, {"purpose": Purpose.OPT_OUT_CONFIRMATION, "consent": CONFIRMED},
     "Not sent: the opt-out was confirmed once already; a second text would break it."),
    (Reason.MAY_BE_LEAVING, {"history": SendHistory(may_be_leaving=True)},
     "Not sent: the buyer may have wanted no more texts. We asked, and begin nothing until they"
     " answer."),
    (Reason.ALREADY_CLARIFIED,
     {"purpose": Purpose.CLARIFICATION, "history": SendHistory(clarified_at=moment(MONDAY))},
     "Not sent: the buyer was asked once whether they meant to opt out; a second question would be"
     " one too many."),
    (Reason.LANDLINE, {"capability": Capability.LANDLINE},
     "Not sent: the number is a landline and cannot receive texts."),
    (Reason.NOT_TEXTABLE, {"capability": Capability.UNREACHABLE},
     "Not sent: the carrier could not reach this number."),
    (Reason.NUMBER_REASSIGNED, {"capability": Capability.REASSIGNED},
     "Not sent: the number now belongs to somebody else."),
    (Reason.CARRIER_BLOCKS, {"capability": Capability.DO_NOT_TEXT},
     "Not sent: the buyer's carrier blocks texts from businesses to this number."),
    (Reason.LITIGATOR, {"capability": Capability.LITIGATOR},
     "Not sent: the texting service refuses this number: its owner is known for suing over texts."),
    (Reason.COUNTRY_NOT_SUPPORTED, {"places": locate("+447400000142")},
     "Not sent: the buyer is outside the United States and Canada (GB)."),
    (Reason.QUIET_HOURS_TOO_LONG, {"shop_window": WeekHours((None,) * 7)},
     "Not sent: within a week there is no hour in which this buyer may be texted: it is Monday"
     " 12:00 in New York, and your settings allow no texts on Mondays."),
    (Reason.ALREADY_SENT, {"history": OPENED},
     "Not sent: this order has had its text of this kind already. The last went Mon 30 Nov 10:00"
     " (New York)."),
    (Reason.ALREADY_TALKING, {"history": INBOUND},
     "Not sent: you are already talking with this buyer."),
    (Reason.RECENTLY_TEXTED, {"history": OTHER},
     "Not sent: the buyer had a text from you about another order within a day. The last went Mon"
     " 30 Nov 10:00 (New York)."),
    (Reason.UNANSWERED_BEFORE, {"history": SendHistory(unanswered_check_in=True)},
     "Not sent: the buyer left an earlier check-in for this order unanswered."),
    (Reason.SHOP_PAUSED, {"shop_paused": True},
     "Not sent: check-ins are paused in your settings."),
    (Reason.UNINSTALLED, {"shop_installed": False},
     "Not sent: the app is no longer installed."),
    (Reason.SENDER_PAUSED, {"sender_active": False},
     "Not sent: your number cannot send at present: its registration or its account needs"
     " attention."),
    (Reason.TOO_OLD_TO_REPLY, {"purpose": Purpose.REPLY},
     "Not sent: the buyer's text is too old for an automatic answer."),
]  # fmt: skip


@pytest.mark.parametrize(("why", "facts", "sentence"), CASES)
def test_every_reason_has_its_sentence(
    why: Reason | None, facts: dict[str, Any], sentence: str
) -> None:
    asked = replace(request(NEW_YORK, MONDAY), **facts)
    assert decide(asked).as_record().get("reason") == (why.value if why else None)
    assert words(asked) == sentence


def test_no_number_and_every_other_reason_is_covered() -> None:
    asked = replace(request(NEW_YORK, MONDAY), phone=None)
    assert words(asked) == "Not sent: the order carries no phone number that can be texted."
    told = {why for why, _, _ in CASES} | {Reason.NO_PHONE, Reason.QUIET_HOURS, Reason.CAP_REACHED}
    assert told == {*Reason, None}


@pytest.mark.parametrize("at", [MONDAY, "2026-11-29T19:12-05:00", "2026-11-30T09:00-05:00"])
def test_a_stored_verdict_is_told_as_it_was_decided(at: str) -> None:
    asked = request(NEW_YORK, at)
    record = decide(asked).as_record()
    assert explain_record(record, purpose="check_in", decided_at=asked.now) == words(asked)


def test_every_state_has_a_name() -> None:
    for state in TABLE["us_states"]:
        assert region_name(f"US-{state}") != f"US-{state}"

"""A dry run decides as real life does: who is texted, when and why not; and times move by days."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from app.foundation.clock import ShiftedClock
from app.replay.dry_run import DryRun, WouldSend, WouldSkip
from app.replay.payloads import Retold, order_body, order_id, parcel_body, webhooks_for
from app.replay.read_orders import OrdersFile
from app.replay.replies import reply_to
from app.replay.shop_rules import ShopRules, product_rules
from app.replay.timetable import Kind, Timetable, arrival_of, moments_of
from app.replay.virtual_time import VirtualTime, step_to
from app.vendors.shopify.order_payload import parse_fulfillment, parse_order
from tests.unit.test_replay_reading import SAMPLE, one, order, row, text

NOW = datetime(2026, 11, 23, 20, 30, tzinfo=UTC)
CONSENT = "doorstep_care_consent: Text me about this order"
THREE_DAYS = timedelta(days=3)


def timetable_of(path: Path, *rows: dict[str, str]) -> Timetable:
    path.write_text(text(rows))
    timetable = Timetable(OrdersFile(path), transit=THREE_DAYS, limit=None)
    timetable.begin(NOW, whole_days=True)
    return timetable


def outcomes(
    path: Path, *rows: dict[str, str], rules: ShopRules | None = None
) -> list[WouldSend | WouldSkip]:
    return list(DryRun(timetable_of(path, *rows), rules or product_rules("")).run())


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "orders.csv"


def test_consenting_buyer_is_asked_two_hours_after_the_parcel(path: Path) -> None:
    [sent] = outcomes(path, order("#1001", Note_Attributes=CONSENT))
    assert isinstance(sent, WouldSend)
    assert sent.phone == "+1 *** *** 0142"
    assert "Trail Runner Jacket" in sent.body
    assert sent.body.endswith("Reply STOP to opt out.")
    assert sent.segments == 1


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"Note_Attributes": ""}, "no_consent"),
        ({"Shipping_Phone": ""}, "no_phone"),
        ({"Shipping_Phone": "555-555-SHIP"}, "invalid_phone"),
        ({"Cancelled_at": "2026-10-03 16:00:00 -0400"}, "order_cancelled"),
        ({"Financial_Status": "refunded"}, "order_refunded"),
        ({"Lineitem_quantity": "0"}, "nothing_left"),
        (
            {"Shipping_Country": "DE", "Shipping_Zip": "10437", "Shipping_Province": ""},
            "country_not_supported",
        ),
    ],
)
def test_skip_says_why(path: Path, fields: dict[str, str], reason: str) -> None:
    [skipped] = outcomes(path, order("#1001", **{"Note_Attributes": CONSENT, **fields}))
    assert isinstance(skipped, WouldSkip)
    assert skipped.reason == reason
    assert skipped.why.endswith(".")


def test_opted_out_buyer_is_not_asked(path: Path) -> None:
    rules = replace(product_rules(""), opted_out=frozenset({"+16175550142"}))
    [skipped] = outcomes(path, order("#1001", Note_Attributes=CONSENT), rules=rules)
    assert isinstance(skipped, WouldSkip)
    assert skipped.reason == "opted_out"


def test_looser_policy_of_the_shop_counts_a_number_given_at_checkout(path: Path) -> None:
    rules = product_rules("")
    rules.preferences.consent_policy = "number_at_checkout"
    [sent] = outcomes(path, order("#1001"), rules=rules)
    assert isinstance(sent, WouldSend)


def test_opt_out_line_is_in_the_first_text_only(path: Path) -> None:
    first = order("#1001", Note_Attributes=CONSENT)
    later = order(
        "#1002",
        Note_Attributes=CONSENT,
        Created_at="2026-10-08 14:22:11 -0400",
        Fulfilled_at="2026-10-09 09:05:00 -0400",
    )
    bodies = [sent.body for sent in outcomes(path, later, first) if isinstance(sent, WouldSend)]
    assert ["STOP" in body for body in bodies] == [True, False]


def test_shared_phone_is_not_addressed_by_a_name(path: Path) -> None:
    one_ = order("#1001", Note_Attributes=CONSENT)
    other = order(
        "#1002",
        Email="eze@example.com",
        Shipping_Name="Eze Okafor",
        Note_Attributes=CONSENT,
        Created_at="2026-10-08 14:22:11 -0400",
        Fulfilled_at="2026-10-09 09:05:00 -0400",
    )
    bodies = [sent.body for sent in outcomes(path, one_, other) if isinstance(sent, WouldSend)]
    assert len(bodies) == 2
    # The first was written before anybody knew.
    assert "Maya" not in bodies[1] and "Eze" not in bodies[1]


def test_one_buyers_orders_of_a_day_are_asked_about_once(path: Path) -> None:
    rows = [order(f"#100{n}", Note_Attributes=CONSENT) for n in range(4)]
    found = outcomes(path, *rows)
    assert len([one for one in found if isinstance(one, WouldSend)]) == 1
    skipped = [one.reason for one in found if isinstance(one, WouldSkip)]
    assert skipped == ["recently_texted"] * 3


def test_half_shipped_order_waits_for_the_rest(path: Path) -> None:
    rows = [
        order("#1001", Note_Attributes=CONSENT, Fulfillment_Status="partial"),
        row("#1001", "Merino Beanie", Lineitem_fulfillment_status="pending"),
    ]
    timetable = timetable_of(path, *rows)
    [arrived] = [due.at for due in timetable if due.kind is Kind.ARRIVED]
    [sent] = DryRun(timetable, product_rules("")).run()
    assert timedelta(days=7) <= sent.at - arrived < timedelta(days=8)


@pytest.mark.parametrize("transit_days", [0, 1, 3, 6])
def test_every_text_of_the_sample_leaves_in_the_buyers_lawful_hours(transit_days: int) -> None:
    file = OrdersFile(SAMPLE)
    timetable = Timetable(file, transit=timedelta(days=transit_days), limit=None)
    timetable.begin(NOW, whole_days=True)
    sent = [one for one in DryRun(timetable, product_rules("")).run() if isinstance(one, WouldSend)]
    file.close()
    assert len(sent) > 150
    for one_ in sent:
        day, clock = one_.local.split()[0], time.fromisoformat(one_.local.split()[3])
        opens, closes = (time(12), time(18)) if day == "Sun" else (time(10), time(20))
        assert opens <= clock < closes, one_.local


def test_every_delivery_of_the_sample_has_one_outcome() -> None:
    file = OrdersFile(SAMPLE)
    timetable = Timetable(file, transit=THREE_DAYS, limit=None)
    timetable.begin(NOW, whole_days=True)
    names = Counter(outcome.order for outcome in DryRun(timetable, product_rules("")).run())
    file.close()
    assert len(names) == timetable.deliveries
    assert set(names.values()) == {1}
    assert timetable.deliveries + sum(timetable.without_parcel.values()) == timetable.orders


# --- The timetable


def test_first_parcel_arrives_now_or_within_a_day_at_its_own_time_of_day(path: Path) -> None:
    timetable = timetable_of(path, order("#1001"), order("#1002"))
    arrivals = [due.at for due in timetable if due.kind is Kind.ARRIVED]
    assert NOW <= min(arrivals) < NOW + timedelta(days=1)
    local = min(arrivals).astimezone(ZoneInfo("America/New_York")).time()
    assert time(8) <= local <= time(20)
    assert [due.at for due in timetable] == sorted(due.at for due in timetable)


def test_in_real_time_the_first_parcel_arrives_now(path: Path) -> None:
    path.write_text(text([order("#1001")]))
    timetable = Timetable(OrdersFile(path), transit=THREE_DAYS, limit=None)
    assert timetable.begin(NOW, whole_days=False) == NOW


def test_arrival_depends_on_nothing_but_the_order(path: Path) -> None:
    exported = one(path)
    assert exported.fulfilled_at is not None
    first = arrival_of(exported, exported.fulfilled_at, THREE_DAYS)
    assert first == arrival_of(exported, exported.fulfilled_at, THREE_DAYS)
    local = first.astimezone(ZoneInfo("America/New_York"))
    assert local.date().isoformat() == "2026-10-07"
    assert time(9) <= local.time() <= time(19)


def test_limit_takes_the_first_orders_of_the_file(path: Path) -> None:
    path.write_text(text([order("#1001"), order("#1002"), order("#1003")]))
    timetable = Timetable(OrdersFile(path), transit=THREE_DAYS, limit=2)
    assert [timetable.order(n).name for n in range(timetable.orders)] == ["#1001", "#1002"]


def test_unshipped_and_unshippable_orders_have_no_delivery(path: Path) -> None:
    timetable = timetable_of(
        path,
        order("#1001", Fulfilled_at="", Lineitem_fulfillment_status="pending"),
        order("#1002", Lineitem_requires_shipping="false"),
        order("#1003", Fulfilled_at="", Cancelled_at="2026-10-03 15:00:00 -0400"),
    )
    assert timetable.deliveries == 0
    assert timetable.without_parcel == {"cancelled": 1, "unfulfilled": 1, "nothing_ships": 1}


# --- The webhooks


def test_webhooks_read_by_the_doors_own_parsers_say_what_the_export_says(path: Path) -> None:
    exported = one(path, Note_Attributes=CONSENT, Billing_Zip="'97205", Billing_Country="US")
    told = Retold(exported, order_id(1, 0), timedelta(days=40))
    facts = parse_order(order_body(told, Kind.PLACED, NOW))
    assert facts.name == "#1001"
    assert facts.phones == ("+16175550142",)
    assert facts.shipping is not None and facts.shipping.zip == "02139"
    assert facts.billing is not None and facts.billing.zip == "97205"
    assert facts.created_at == datetime(2026, 11, 12, 18, 22, 11, tzinfo=UTC)
    assert facts.attributes == {"doorstep_care_consent": "Text me about this order"}
    assert facts.lines is not None and facts.fulfillments == ()
    assert (facts.lines[0].title, facts.lines[0].variant_title) == ("Trail Runner Jacket", "M")


def test_arrival_is_told_by_all_three_routes_of_one_parcel(path: Path) -> None:
    told = Retold(one(path), order_id(1, 0), timedelta(0))
    hooks = webhooks_for(told, Kind.ARRIVED, NOW)
    assert [hook.topic for hook in hooks] == [
        "fulfillment_events/create",
        "fulfillments/update",
        "orders/updated",
    ]
    parcel = parse_fulfillment(parcel_body(told, NOW, NOW, "delivered"))
    [inside] = parse_order(hooks[2].payload).fulfillments or ()
    assert parcel is not None
    assert hooks[0].payload["fulfillment_id"] == parcel.shopify_id == inside.shopify_id


def test_refund_is_not_known_before_its_moment(path: Path) -> None:
    exported = one(path, Financial_Status="refunded")
    told = Retold(exported, order_id(1, 0), timedelta(0))
    kinds = [moment.kind for moment in moments_of(exported, THREE_DAYS)]
    assert kinds == [Kind.PLACED, Kind.SHIPPED, Kind.ARRIVED, Kind.REFUNDED]
    status = {kind: parse_order(order_body(told, kind, NOW)).financial_status for kind in kinds}
    assert status[Kind.ARRIVED] == "paid"
    assert status[Kind.REFUNDED] == "refunded"


def test_ids_of_two_runs_and_of_their_orders_never_meet(path: Path) -> None:
    ids = {order_id(run, number) for run in (100, 101) for number in (0, 1, 999_999)}
    assert len(ids) == 6
    assert order_id(100, 999_999) + 999 < order_id(101, 0) < 2**63
    assert order_id(2**31 - 1, 999_999) + 999 < 2**63


# --- Replies and time


def test_share_of_replies_and_of_stop_is_kept() -> None:
    replies = [
        reply_to(run=7, message_id=n, phone="+16175550142", sent_at=NOW, share=0.4)
        for n in range(5000)
    ]
    answered = [reply for reply in replies if reply]
    assert 0.37 < len(answered) / 5000 < 0.43
    assert 0.006 < sum(reply.stop for reply in answered) / 5000 < 0.014
    assert all(NOW < reply.at < NOW + timedelta(hours=2) for reply in answered)
    assert len({reply.sid for reply in answered}) == len(answered)
    assert all(len(reply.sid) == 34 for reply in answered)


def test_nobody_answers_where_none_shall() -> None:
    assert not any(
        reply_to(run=7, message_id=n, phone="+16175550142", sent_at=NOW, share=0.0)
        for n in range(300)
    )


@pytest.mark.parametrize(
    ("check_in", "news", "step"),
    [
        ("14:05:30", None, "14:54:00"),  # with all others of this hour
        ("14:57:10", None, "14:57:10"),
        ("14:05:30", "14:20:00", "14:54:00"),
        (None, "14:20:00", "15:20:00"),
        ("18:00:00", "14:20:00", "15:20:00"),
        ("15:00:00", "14:20:00", "14:59:59"),  # news first: it may call the check-in off
        ("14:20:00", "14:20:00", "14:54:00"),
        (None, None, None),
    ],
)
def test_time_passes_to_what_comes_next(
    check_in: str | None, news: str | None, step: str | None
) -> None:
    def at(clock: str | None) -> datetime | None:
        return clock and datetime.combine(NOW.date(), time.fromisoformat(clock), UTC) or None

    assert step_to(at(check_in), at(news)) == at(step)


def test_clock_is_moved_forward_only_and_for_everybody(tmp_path: Path) -> None:
    file = tmp_path / "state" / "clock"
    server = ShiftedClock(file)
    assert server.now() - datetime.now(UTC) < timedelta(minutes=1)
    clock = VirtualTime(file)
    clock.move_to(clock.now() + timedelta(hours=5))
    assert server.now() - datetime.now(UTC) > timedelta(hours=4, minutes=59)
    assert 5 * 3600 - 1 <= int(file.read_text()) <= 5 * 3600 + 1
    clock.move_to(clock.now() - timedelta(hours=1))
    assert VirtualTime(file).now() - datetime.now(UTC) > timedelta(hours=4, minutes=59)

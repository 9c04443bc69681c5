"""Check-ins that are all due at one instant: how many a second leave, and none of them twice.

The provider takes 50 ms for each text and then reports its fate to our door, four statuses a text,
as it does in production; it is `bench.provider`, since in production its work is not ours. Counted
from the instant at which they fell due until the provider had the last one. Its ledger, not ours,
says that each buyer got one text.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from bench import requests
from bench.provider import FATE
from bench.run import alone
from bench.stack import Stack, running
from bench.stage import Stage
from bench.table import Finding

CHECK_INS = 3000
WARM_UP = 100
PATIENCE_SECONDS = 150

# An order each of a buyer in New York, with recorded consent, delivered, due at %(due)s.
FILL = """
WITH who AS (
  SELECT p.phone, p.n, s.id AS shop FROM unnest(%(phones)s::text[]) WITH ORDINALITY p(phone, n),
  (SELECT id FROM shops ORDER BY id LIMIT 1) s),
person AS (
  INSERT INTO contacts (shop_id, phone, first_name, country, zip)
  SELECT shop, phone, 'Ana', 'US', '10001' FROM who RETURNING id, shop_id, phone),
consent AS (
  INSERT INTO consent_events (shop_id, phone, purpose, action, source, wording, proof, occurred_at)
  SELECT shop, phone, 'care', 'granted', 'checkout', 'Text me about my delivery.',
         'bench:' || phone, %(due)s::timestamptz - interval '3 days' FROM who),
bought AS (
  INSERT INTO orders (shop_id, shopify_id, contact_id, name, placed_at, financial_status,
                      ship_country, ship_region, ship_zip, complete, shopify_updated_at)
  SELECT shop_id, id, id, '#' || id, %(due)s::timestamptz - interval '3 days', 'paid', 'US', 'NY',
         '10001', true, %(due)s::timestamptz - interval '2 hours' FROM person
  RETURNING id, shop_id),
line AS (
  INSERT INTO order_lines (shop_id, order_id, shopify_id, title, options, quantity,
                           current_quantity)
  SELECT shop_id, id, id, 'Linen Trousers', '{"Size": "8"}', 1, 1 FROM bought)
INSERT INTO check_ins (shop_id, order_id, kind, basis, arrived_at, due_at)
SELECT shop_id, id, 'opener', 'carrier', %(due)s::timestamptz - interval '2 hours', %(due)s
FROM bought
"""
TAKEN = "SELECT count(*) FROM messages WHERE purpose = 'check_in' AND provider_sid IS NOT NULL"


def measure(stage: Stage) -> list[Finding]:
    with running(stage) as stack:
        stack.call("/sandbox/clock", {"to": _lawful_moment().isoformat()})
        phones = requests.eastern_buyers()
        _send(stack, list(islice(phones, WARM_UP)))
        _await_reports(stack, WARM_UP)
        before = stack.cpu()
        seconds = _send(stack, list(islice(phones, CHECK_INS)))
        until_told = _await_reports(stack, CHECK_INS + WARM_UP)
        used = {name: after - before[name] for name, after in stack.cpu().items()}
        time.sleep(3)  # whatever was to be sent a second time has been by now
        doubles = _doubles(stack, CHECK_INS + WARM_UP)
    rate = CHECK_INS / seconds
    spent = ", ".join(f"{name} {cpu / CHECK_INS * 1e3:.1f}" for name, cpu in used.items())
    return [
        Finding(
            "check-ins due at one instant", "≥ 150/s", f"{rate:.0f}/s", rate >= 150,
            f"{CHECK_INS} in {seconds:.1f} s, all {len(FATE) * CHECK_INS} reports of their fates"
            f" taken {until_told:.1f} s later; CPU ms a check-in with its reports: {spent}",
        ),
        Finding("… sent twice", "0", str(doubles), doubles == 0),
    ]  # fmt: skip


def _lawful_moment() -> datetime:
    """The next Thursday, two in the afternoon in New York."""
    today = datetime.now(UTC).replace(hour=19, minute=0, second=0, microsecond=0)
    return today + timedelta(days=(3 - today.weekday()) % 7 or 7)


def _send(stack: Stack, phones: list[str]) -> float:
    """Seconds until the provider has taken one text for each of these."""
    have = stack.sql(TAKEN)[0][0]
    wanted = have + len(phones)
    due = stack.call("/sandbox/clock")["now"]
    stack.sql(FILL, phones=phones, due=due)
    began = time.perf_counter()
    with stack.stage.superuser() as connection:  # one, for each new one costs the server a fork
        while have < wanted:
            stack.check_alive()
            if time.perf_counter() - began > PATIENCE_SECONDS:
                raise RuntimeError(f"only {have} of {wanted} check-ins were sent: {_states(stack)}")
            time.sleep(0.1)
            have = connection.execute(TAKEN).fetchall()[0][0]
    return time.perf_counter() - began


def _await_reports(stack: Stack, texts: int) -> float:
    """Seconds until our door has taken every report."""
    began = time.perf_counter()
    while stack.ledger("provider")["reported"] < len(FATE) * texts:
        stack.check_alive()
        if time.perf_counter() - began > PATIENCE_SECONDS:
            raise RuntimeError("not every report was taken")
        time.sleep(0.2)
    return time.perf_counter() - began


def _states(stack: Stack) -> list[tuple[Any, ...]]:
    return stack.sql("SELECT state, reason, count(*) FROM check_ins GROUP BY state, reason")


def _doubles(stack: Stack, wanted: int) -> int:
    by_phone = stack.ledger("provider")["taken"]
    if len(by_phone) != wanted:
        raise RuntimeError(f"the provider knows {len(by_phone)} of {wanted} buyers")
    return sum(count - 1 for count in by_phone.values())


if __name__ == "__main__":
    alone(measure)

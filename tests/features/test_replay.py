"""An orders export is played through the real doors over HTTP, and the proof can fail."""

from __future__ import annotations

import dataclasses
import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from werkzeug.serving import make_server

from app.bootstrap import Ports
from app.cli import parser
from app.foundation.clock import ShiftedClock
from app.foundation.errors import Misconfigured, Refused
from app.foundation.outbox import QUEUES
from app.relay import relay_once
from app.replay.virtual_time import VirtualTime
from app.ticker import DUTIES
from app.web import create_app
from app.workshop import Workshop
from tests.factories.world import ShopAtHand, World
from tests.unit.test_replay_reading import SAMPLE, order, row, text

CONSENT = "doorstep_care_consent: Text me about this order"


class Stack:
    """The world's shop behind a server on a port, with relay, worker and ticker in a thread."""

    def __init__(self, world: World, home: Path) -> None:
        world.clock.move(datetime.now(UTC))  # processes share a clock only by way of a file
        self.shop: ShopAtHand = world.shop()
        # The fake Shopify knows one token only, and weeks are going to pass.
        world.execute("UPDATE shop_tokens SET expires_at = expires_at + interval '1 year'")
        self._world = world
        self._redis: Redis[bytes] = world.redis
        self._clock_path = home / "clock"
        self._server = make_server("127.0.0.1", 0, create_app(self._ports(0)), threaded=True)
        self.ports = self._ports(self._server.server_port)
        self._server.app = create_app(self.ports)
        self._workshop = Workshop(self.ports, threads=2)
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._server.serve_forever),
            threading.Thread(target=self._work),
        ]
        self.working = True
        self.sabotage = ""  # a statement that is run after each round of work
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        self._stop.set()
        self._server.shutdown()
        for thread in self._threads:
            thread.join()
        self._workshop.close()
        self._server.server_close()

    def replay(self, path: Path, *words: str) -> None:
        args = parser().parse_args(["replay", str(path), "--json", *words])
        args.run(self.ports, args)

    def let_pass(self, time: timedelta) -> None:
        clock = VirtualTime(self._clock_path)
        clock.move_to(clock.now() + time)

    def _ports(self, port: int) -> Ports:
        changed = {
            "public_url": f"http://127.0.0.1:{port}",
            "sandbox_clock_path": self._clock_path,
        }
        return dataclasses.replace(
            self._world.ports,
            settings=self._world.ports.settings.model_copy(update=changed),
            clock=ShiftedClock(self._clock_path),
        )

    def _work(self) -> None:
        while not self._stop.wait(0.02):
            if not self.working:
                continue
            now = self.ports.clock.now()
            for duty in DUTIES:
                if duty.name in ("check_ins", "held_texts"):
                    duty.run(self.ports, now)
            relay_once(self.ports.db, self._redis)
            for job in self._world._jobs(QUEUES):
                self._workshop.work_off(**job)
            for message in self._world.texts(state="accepted"):
                self._world.report(self.shop, message, "delivered")
            if self.sabotage:
                self._world.execute(self.sabotage)


@pytest.fixture
def stack(world: World, tmp_path: Path) -> Iterator[Stack]:
    made = Stack(world, tmp_path)
    yield made
    made.close()


@pytest.fixture
def export(tmp_path: Path) -> Path:
    """Four orders: one to ask about, one without consent, one refunded, one not shipped."""
    path = tmp_path / "orders.csv"
    rows = [
        order("#1004", Fulfilled_at="", Lineitem_fulfillment_status="pending"),
        order(
            "#1003",
            Note_Attributes=CONSENT,
            Financial_Status="refunded",
            Shipping_Phone="'+12125550117",
        ),
        order("#1002", Email="b@example.com", Shipping_Phone="'+15125550163"),
        order("#1001", Note_Attributes=CONSENT),
        row("#1001", "Merino Beanie"),
        order("broken", Created_at="long ago"),
    ]
    path.write_text(text(rows))
    return path


def told(capsys: pytest.CaptureFixture[str]) -> Any:
    return json.loads(capsys.readouterr().out)


def test_export_is_played_to_the_end_and_nothing_is_lost_or_doubled(
    stack: Stack, world: World, export: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stack.replay(export, "--replies", "1", "--timeout", "60")
    report = told(capsys)
    assert report["proven"], report["problems"]
    assert (report["orders"], report["deliveries"], report["broken_count"]) == (4, 3, 1)
    # What is answered is drawn anew each time, and may be "STOP" or "who is this?".
    ends = {one["reason"]: one["state"] for one in report["check_ins"]}
    assert ends.pop("no_consent") == "skipped"
    assert ends.pop("order_refunded") == "cancelled"
    assert ends in ({None: "answered"}, {None: "sent"})
    assert (report["texts"], report["replies"]) == (len(world.sent()), 1)
    assert report["segments"] >= report["texts"] >= 1
    assert len(world.texts(direction="in")) == 1


def test_file_may_be_played_again(
    stack: Stack, world: World, export: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(2):
        stack.replay(export, "--replies", "0", "--timeout", "60")
        assert told(capsys)["proven"]
        stack.let_pass(timedelta(days=2))  # whoever was texted within a day is not texted again
    assert len(world.sent()) == 2


def test_work_that_nobody_does_is_called_lost(
    stack: Stack, export: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stack.working = False
    with pytest.raises(SystemExit) as end:
        stack.replay(export, "--timeout", "2")
    assert end.value.code == 1
    report = told(capsys)
    assert not report["proven"]
    failed = [claim["text"] for claim in report["claims"] if not claim["holds"]]
    assert any(text_.startswith("nothing lost") for text_ in failed)


def test_order_asked_about_twice_is_called_doubled(
    stack: Stack, export: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stack.sabotage = (
        "INSERT INTO messages (shop_id, contact_id, direction, author, purpose, body, state,"
        " provider_sid, order_id, created_at, sent_at)"
        " SELECT shop_id, contact_id, 'out', 'system', 'check_in', body, 'delivered',"
        " 'SMdouble', order_id, created_at, sent_at FROM messages WHERE purpose = 'check_in'"
        " AND provider_sid IS NOT NULL ON CONFLICT DO NOTHING"
    )
    with pytest.raises(SystemExit):
        stack.replay(export, "--replies", "0", "--timeout", "60")
    assert "twice: #1001" in told(capsys)["problems"]


def test_dry_run_tells_the_same_as_the_play_and_writes_nothing(
    stack: Stack, world: World, export: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stack.replay(export, "--dry-run")
    totals = told(capsys)["totals"]
    assert totals["texts"] == 1
    assert {skip["reason"] for skip in totals["skipped"]} == {"no_consent", "order_refunded"}
    assert world.sent() == []
    assert world.scalar("SELECT count(*) FROM orders") == 0
    assert world.scalar("SELECT count(*) FROM receipts") == 0


def test_production_allows_a_dry_run_only(
    stack: Stack, export: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = stack.ports.settings.model_copy(update={"doorstep_env": "production"})
    stack.ports = dataclasses.replace(stack.ports, settings=settings)
    with pytest.raises(Refused, match="only --dry-run is allowed"):
        stack.replay(export)
    stack.replay(export, "--dry-run")
    assert told(capsys)["totals"]["texts"] == 1


def test_settings_that_differ_from_the_servers_are_told(stack: Stack, export: Path) -> None:
    settings = stack.ports.settings.model_copy(
        update={"shopify_api_secret": type(stack.ports.settings.shopify_api_secret)("another")}
    )
    stack.ports = dataclasses.replace(stack.ports, settings=settings)
    with pytest.raises(Misconfigured, match="the same SHOPIFY_API_SECRET"):
        stack.replay(export)


def test_doorstep_that_does_not_run_is_told(world: World, export: Path) -> None:
    world.shop()
    settings = world.ports.settings.model_copy(update={"public_url": "http://127.0.0.1:9"})
    ports = dataclasses.replace(world.ports, settings=settings)
    args = parser().parse_args(["replay", str(export)])
    with pytest.raises(Misconfigured, match="start it with `make run`"):
        args.run(ports, args)


def test_shop_must_be_named_where_there_are_several(world: World, export: Path) -> None:
    world.shop()
    world.shop("other.myshopify.com", line="+12025550189")
    args = parser().parse_args(["replay", str(export)])
    with pytest.raises(Refused, match="choose with --shop"):
        args.run(world.ports, args)


def test_newest_orders_of_the_sample_are_played_with_every_claim_proven(
    stack: Stack, world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    stack.replay(SAMPLE, "--limit", "45", "--transit-days", "0", "--timeout", "120")
    report = told(capsys)
    assert report["proven"], report["problems"]
    assert sum(one["count"] for one in report["check_ins"]) == report["deliveries"] > 15
    assert len(world.sent()) == len(set(world.sent())) == report["texts"]

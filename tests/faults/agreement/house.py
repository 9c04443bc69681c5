"""A whole Doorstep whose time, jobs, webhooks and carrier the simulation holds in its hands.

Real Postgres and Redis, the real doors and the real workshop. What is left to dice: which waiting
job is worked next, whether it is worked once more, beside another or not yet; which webhook is
lost, doubled or late; whether the carrier takes a text at the first try. Dice are seeded, so that
a run can be told again.
"""

from __future__ import annotations

import dataclasses
import random
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from app.foundation.errors import Temporary, Unknowable
from app.foundation.outbox import QUEUES
from app.helpdesk import jobs as helpdesk_jobs
from app.messaging.ports import Accepted, OutboundText, SenderAccess
from app.relay import relay_once
from app.vendors.fake.sms import FakeSms
from sandbox import clock, faults
from tests import servers
from tests.factories.world import ShopAtHand, World
from tests.faults.agreement.sides import DOOR_KEY, Side, connect
from tests.vendors.zendesk_sandbox import Heard

LOST, DOUBLED, LATE = 0.12, 0.12, 0.3
LATEST = 5 * 3600  # seconds by which a webhook is late at most
MOST_REFUSALS = 2  # of one text, by the carrier's provider
AGAIN, BESIDE = 0.04, 0.15
DUTIES = ("held_texts", "orphans", "helpdesk_tokens", "helpdesk_polls")

# Time passes for what the database times by its own clock, too.
AGE = (
    "UPDATE outbox SET available_at = available_at - {t}, leased_until = leased_until - {t},"
    " relayed_at = relayed_at - {t}",
    "UPDATE receipts SET available_at = available_at - {t}, leased_until = leased_until - {t},"
    " relayed_at = relayed_at - {t} WHERE state <> 'done'",
    "UPDATE ticket_writes SET intended_at = intended_at - {t}"
    " WHERE intended_at > now() - interval '20 minutes' OR state = 'intent'",
    "UPDATE messages SET claimed_at = claimed_at - {t}, look_up_at = look_up_at - {t}"
    " WHERE state IN ('sending', 'unknown')",
    "UPDATE helpdesk_accounts SET refreshing_until = refreshing_until - {t}",
)
WAITING = """
SELECT (SELECT count(*) FROM outbox WHERE failed_at IS NULL)
  + (SELECT count(*) FROM receipts WHERE state = 'pending')
  + (SELECT count(*) FROM messages WHERE direction = 'out' AND (state IN ('queued', 'sending')
     OR state = 'unknown' AND look_up_at IS NOT NULL))
"""
WHAT_WAITS = """
SELECT json_agg(w) FROM (
  SELECT topic AS what, attempts, error AS state FROM outbox WHERE failed_at IS NULL
  UNION ALL SELECT topic, attempts, error FROM receipts WHERE state = 'pending'
  UNION ALL SELECT purpose, attempts, state || ' ' || coalesce(reason, '') FROM messages
  WHERE state IN ('queued', 'sending', 'unknown') LIMIT 5) w
"""
ONCE_MORE = """
INSERT INTO outbox (shop_id, topic, queue, payload, ordering_key)
SELECT shop_id, topic, queue, payload, ordering_key FROM outbox WHERE id = {id}
"""
RECEIPT_ONCE_MORE = """
UPDATE receipts SET state = 'pending', relayed_at = NULL, leased_until = NULL WHERE id = {id}
"""


@dataclass(frozen=True)
class Letter:
    due: datetime
    heard: Heard


class Carrier(FakeSms):
    """Sometimes busy, and sometimes its answer is lost; never for one text more than twice."""

    def __init__(self, house_clock: Any, dice: random.Random) -> None:
        super().__init__(house_clock)
        self._dice = dice
        self._refused: Counter[int] = Counter()
        self.trouble = 0.0
        self.shown: dict[str, list[OutboundText]] = defaultdict(list)  # by phone
        self.lost: set[tuple[str, str]] = set()

    def send(self, access: SenderAccess, text: OutboundText) -> Accepted:
        if self._dice.random() < self.trouble and self._refused[text.message_id] < MOST_REFUSALS:
            self._refused[text.message_id] += 1
            if self._dice.random() < 0.6:
                raise Temporary("fake", "busy", status=503)
            self.fail_next(Unknowable("fake", "the answer was lost"))
            self.lost.add((text.to, text.body))
        before = len(self.handed_over)
        try:
            return super().send(access, text)
        finally:
            self.shown[text.to] += self.handed_over[before:]


class House(World):
    def __init__(
        self, database: servers.Database, redis_url: str, home: Path, side: Side, seed: int
    ) -> None:
        super().__init__(database, redis_url, home)
        self.seed, self.dice, self.side = seed, random.Random(seed), side
        self.counted: Counter[str] = Counter()
        self.is_stormy = False
        self.carrier = Carrier(self.clock, self.dice)
        self.sms = self.carrier
        self.ports = dataclasses.replace(self.ports, sms=self.carrier)
        self.redeploy()
        self._post: list[Letter] = []
        self._backlog: list[tuple[str, int]] = []
        self.clock.move(clock.now())
        self.at_hand: ShopAtHand = self.shop()
        connect(self, self.at_hand, side)
        side.listen()

    # --- Time

    def pass_time(self, seconds: int) -> None:
        clock.advance(seconds)
        self.clock.move(clock.now())
        with self.db.across_shops("test") as session:
            for statement in AGE:
                span = f"make_interval(secs => {int(seconds)})"
                session.connection().exec_driver_sql(statement.format(t=span))

    def tick(self) -> None:
        """What the ticker does, once."""
        for name in DUTIES:
            self.duty(name)

    # --- Webhooks

    def hear(self) -> None:
        """What the helpdesk has sent meanwhile is on its way to us, or lost."""
        for heard in self.side.news():
            fate = self.dice.random() if self.is_stormy else 1.0
            if fate < LOST:
                self.counted["webhooks lost"] += 1
                continue
            copies = 1
            if fate < LOST + DOUBLED:
                copies = 2
                self.counted["webhooks doubled"] += 1
            for _ in range(copies):
                late = self.is_stormy and self.dice.random() < LATE
                wait = self.dice.randrange(60, LATEST) if late else 0
                self.counted["webhooks late"] += late
                self._post.append(Letter(self.clock.now() + timedelta(seconds=wait), heard))
            self.counted["webhooks"] += 1

    def deliver(self, *, all_of_them: bool = False) -> None:
        """Those that are due reach our door, in any order."""
        now = self.clock.now()
        due = [one for one in self._post if all_of_them or one.due <= now]
        self._post = [one for one in self._post if not (all_of_them or one.due <= now)]
        self.dice.shuffle(due)
        for one in due:
            answer = self.client.post(
                f"/webhooks/{self.side.kind}/{DOOR_KEY}",
                data=one.heard.body,
                headers=one.heard.headers,
            )
            assert answer.status_code == 200, f"our door answered {answer.status}"

    # --- Work

    def work(self, most: int = 1_000_000) -> None:
        """Work waiting jobs in any order, `most` of them; some twice, some beside each other."""
        done = 0
        while done < most:
            if not self._backlog:
                if not relay_once(self.db, self.redis).any:
                    return
                for job in self._jobs(QUEUES):
                    self._backlog += [
                        (kind, number) for kind, ids in job["rows"].items() for number in ids
                    ]
                self.dice.shuffle(self._backlog)
            kind, number = self._backlog.pop()
            rows = {kind: [number]}
            if self._backlog and self.dice.random() < BESIDE:
                other, second = self._backlog.pop()
                rows.setdefault(other, []).append(second)
            if self.is_stormy and self.dice.random() < AGAIN:
                self._once_more(kind, number)
            done += sum(len(ids) for ids in rows.values())
            self._workshop.work_off(rows)
            self.hear()
        self.counted["jobs"] += done

    def _once_more(self, kind: str, number: int) -> None:
        """As if whoever worked it had died before saying so."""
        self.counted["jobs worked twice"] += 1
        statement = RECEIPT_ONCE_MORE if kind == "receipts" else ONCE_MORE
        if kind == "receipts":
            self._workshop.work_off({kind: [number]})
        self.execute(statement.format(id=number))

    # --- Calm

    def calm_down(self) -> None:
        """All faults are over, time goes on, polls run until nothing is left to be done."""
        faults.clear()
        self.side.listen()
        self.is_stormy, self.carrier.trouble = False, 0.0
        self._until_idle()
        for _ in range(2):
            self.pass_time(3700)  # every ticket is due to be looked into
            while helpdesk_jobs.poll_due(self.ports):
                self.work()
            self._until_idle()

    def _until_idle(self) -> None:
        for number in range(300):
            self.hear()
            self.deliver(all_of_them=True)
            for name in ("held_texts", "orphans"):
                self.duty(name)
            self.work()
            if not self._post and not self.side.news_waits() and not self.scalar(WAITING):
                return
            # Later in larger steps: an agent's text may be held for the lawful morning.
            self.pass_time(61 if number % 5 else 620 if number < 60 else 3600)
        raise AssertionError(f"seed {self.seed}: it never comes to rest: {self.scalar(WHAT_WAITS)}")

"""The ticker: wakes whatever is due. Started as `python -m app.ticker`; any number may run.

Every duty claims its rows with SKIP LOCKED or compare-and-set, so two tickers share the work.
The relay runs here too, in a thread of its own: it listens for the doorbell and looks at the
outbox four times a second in case the bell was not heard.
"""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import structlog
from redis import Redis, RedisError
from redis.client import PubSub

from app import settings as settings_module
from app.bootstrap import Ports, build
from app.checkins import jobs as checkins_jobs
from app.consent.silence import revoke_silent
from app.conversations import jobs as conversations_jobs
from app.foundation import log as logging_setup
from app.foundation.bell import CHANNEL
from app.foundation.db import is_away
from app.helpdesk import jobs as helpdesk_jobs
from app.messaging.look_up import ask_about_lost
from app.orders.assume_arrival import assume_arrivals
from app.privacy import jobs as privacy_jobs
from app.proof import jobs as proof_jobs
from app.reactions import react
from app.receipts import release_known
from app.relay import put_back, relay_once

log = structlog.get_logger()

LISTEN_SECONDS = 0.25
# Between two looks of the relay that find something: what waits together travels together.
GATHER_SECONDS = 0.06
LOST_EVERY_SECONDS = 1.0  # how often the relay looks for rows that were lost on their way

WAKE_HELD = """
WITH due AS (
  SELECT id, shop_id, author FROM messages
  WHERE state = 'queued' AND not_before <= %(now)s
  ORDER BY not_before LIMIT 200 FOR UPDATE SKIP LOCKED),
woken AS (UPDATE messages SET not_before = NULL FROM due WHERE messages.id = due.id)
INSERT INTO outbox (shop_id, topic, queue, payload)
SELECT shop_id, 'messaging.send', CASE author WHEN 'agent' THEN 'reply' ELSE 'send' END,
  jsonb_build_object('message_id', id)
FROM due
RETURNING id
"""

# One poll of a shop at a time: the outbox row is the claim. The poll itself says how far it came.
# A subselect, for then the planner looks the key up instead of reading the whole outbox.
NIGHTLY = """
INSERT INTO outbox (shop_id, topic, queue, payload, ordering_key)
SELECT s.id, 'orders.reconcile', 'slow', '{}', 'reconcile:' || s.id
FROM shops s JOIN shop_tokens t ON t.shop_id = s.id
WHERE s.state = 'installed'
  AND (s.reconciled_at IS NULL OR s.reconciled_at < %(now)s::timestamptz - interval '24 hours')
  AND (SELECT o.id FROM outbox o WHERE o.ordering_key = 'reconcile:' || s.id
       AND o.failed_at IS NULL LIMIT 1) IS NULL
"""
# Where "there is none yet" is the claim, two tickers must not look at once. Held to the commit.
ALONE = "SELECT pg_try_advisory_xact_lock(hashtext(%s))"

BACKFILL = """
INSERT INTO outbox (shop_id, topic, queue, payload, ordering_key)
SELECT l.shop_id, 'messaging.backfill', 'sync', jsonb_build_object('sender_id', l.id),
  'backfill:' || l.id
FROM senders l JOIN shops s ON s.id = l.shop_id AND s.state = 'installed'
WHERE l.state = 'active'
  AND coalesce(l.backfilled_at, l.created_at) < %(now)s::timestamptz - interval '5 minutes'
  AND (SELECT o.id FROM outbox o WHERE o.ordering_key = 'backfill:' || l.id
       AND o.failed_at IS NULL LIMIT 1) IS NULL
"""

PRUNE = """
DELETE FROM receipts WHERE id = ANY (ARRAY(
  SELECT id FROM receipts WHERE state = 'done' AND processed_at < now() - interval '7 days'
  LIMIT 5000))
"""
# Of the oldest by id only, so that no index is needed: a report is never this late, and those of a
# text that was never bound to us are nobody's.
PRUNE_STATUSES = """
DELETE FROM message_statuses WHERE id IN (
  SELECT id FROM (SELECT id, received_at FROM message_statuses ORDER BY id LIMIT 5000) oldest
  WHERE received_at < now() - interval '30 days')
"""


@dataclass(frozen=True)
class Duty:
    name: str
    every_seconds: float
    run: Callable[[Ports, datetime], int]
    """Returns how much was done: a duty that found work runs again at once."""


def check_ins(ports: Ports, now: datetime) -> int:
    return int(checkins_jobs.send_due(ports))


def held_texts(ports: Ports, now: datetime) -> int:
    with ports.db.across_shops("ticker: texts whose time has come") as session:
        woken = session.connection().exec_driver_sql(WAKE_HELD, {"now": now}).rowcount
    if woken:
        ports.db.ring()
    return int(woken)


def orphans(ports: Ports, now: datetime) -> int:
    with ports.db.across_shops("ticker: texts whose answer is missing") as session:
        return ask_about_lost(session, now=now)


def silent_opt_outs(ports: Ports, now: datetime) -> int:
    with ports.db.across_shops("ticker: asked whether to stop, and silent") as session:
        return revoke_silent(session, now=now)


def promises(ports: Ports, now: datetime) -> int:
    return int(conversations_jobs.break_due(ports))


def arrivals(ports: Ports, now: datetime) -> int:
    with ports.db.across_shops("ticker: parcels nobody scanned") as session:
        return assume_arrivals(session, now=now)


def nightly_poll(ports: Ports, now: datetime) -> int:
    with ports.db.across_shops("ticker: nightly poll of Shopify") as session:
        if session.sql(ALONE, "nightly_poll").scalar():
            session.sql(NIGHTLY, {"now": now})
    return 0


def backfills(ports: Ports, now: datetime) -> int:
    with ports.db.across_shops("ticker: texts a webhook may have lost") as session:
        if session.sql(ALONE, "backfills").scalar():
            session.sql(BACKFILL, {"now": now})
    return 0


def prune(ports: Ports, now: datetime) -> int:
    pruned = 0
    for statement in (PRUNE, PRUNE_STATUSES):
        with ports.db.across_shops("ticker: receipts and reports long done") as session:
            pruned += session.connection().exec_driver_sql(statement).rowcount
    return pruned


def waiting_receipts(ports: Ports, now: datetime) -> int:
    return release_known(ports.db)


def helpdesk_polls(ports: Ports, now: datetime) -> int:
    return int(helpdesk_jobs.poll_due(ports))


def privacy(ports: Ports, now: datetime) -> int:
    return privacy_jobs.look_after(ports, now)


def helpdesk_tokens(ports: Ports, now: datetime) -> int:
    return int(helpdesk_jobs.refresh_idle(ports))


def seals(ports: Ports, now: datetime) -> int:
    proof_jobs.seal_all(ports, now=now)
    return 0  # whatever came meanwhile waits for the next time


def anchors(ports: Ports, now: datetime) -> int:
    proof_jobs.anchor_all(ports, now=now)
    return 0


DUTIES = (
    Duty("check_ins", 1, check_ins),
    Duty("held_texts", 1, held_texts),
    Duty("orphans", 2, orphans),
    Duty("waiting_receipts", 5, waiting_receipts),
    Duty("seals", 5, seals),
    Duty("promises", 5, promises),
    Duty("helpdesk_polls", 15, helpdesk_polls),
    Duty("arrivals", 60, arrivals),
    Duty("silent_opt_outs", 60, silent_opt_outs),
    Duty("backfills", 60, backfills),
    Duty("helpdesk_tokens", 300, helpdesk_tokens),
    Duty("anchors", 300, anchors),
    Duty("nightly_poll", 600, nightly_poll),
    Duty("privacy", 600, privacy),
    Duty("prune", 3600, prune),
)


class Ticker:
    def __init__(self, ports: Ports, redis: Redis) -> None:
        self._ports = ports
        self._redis = redis
        self._stop = threading.Event()

    def run(self) -> None:
        """Until `stop`. A duty that fails is logged and tried again at its next time."""
        relay = threading.Thread(target=self._relay, name="relay", daemon=True)
        relay.start()
        next_at = dict.fromkeys((duty.name for duty in DUTIES), 0.0)
        while not self._stop.wait(0.1):
            for duty in DUTIES:
                if self._stop.is_set() or time.monotonic() < next_at[duty.name]:
                    continue
                next_at[duty.name] = time.monotonic() + duty.every_seconds
                if self._attempt(duty):
                    next_at[duty.name] = 0.0
        relay.join(timeout=10)

    def stop(self, *_: object) -> None:
        self._stop.set()

    def _attempt(self, duty: Duty) -> int:
        try:
            return duty.run(self._ports, self._ports.clock.now())
        except Exception as error:
            log.warning(
                "duty failed",
                duty=duty.name,
                error=type(error).__name__,
                exc_info=not is_away(error),
            )
            return 0

    def _relay(self) -> None:
        bell: PubSub | None = None
        look_at = 0.0
        while not self._stop.is_set():
            try:
                if bell is None:
                    bell = PubSub(self._redis.connection_pool, ignore_subscribe_messages=True)
                    bell.subscribe(CHANNEL)
                if time.monotonic() >= look_at:
                    put_back(self._ports.db, self._redis)
                    look_at = time.monotonic() + LOST_EVERY_SECONDS
                if relay_once(self._ports.db, self._redis).any:
                    self._stop.wait(GATHER_SECONDS)
                else:
                    bell.get_message(timeout=LISTEN_SECONDS)
            except RedisError as error:
                log.warning("relay without redis", error=type(error).__name__)
                with contextlib.suppress(RedisError):
                    if bell is not None:
                        bell.close()
                bell = None
                self._stop.wait(LISTEN_SECONDS)
            except Exception as error:
                log.warning("relay failed", error=type(error).__name__, exc_info=not is_away(error))
                self._stop.wait(LISTEN_SECONDS)


def main() -> None:
    settings = settings_module.load()
    logging_setup.configure(settings, process="ticker")
    redis = Redis.from_url(
        settings.redis_url.get_secret_value(), socket_connect_timeout=1, socket_timeout=5
    )
    ports = build(settings, react)
    ticker = Ticker(ports, redis)
    signal.signal(signal.SIGTERM, ticker.stop)
    signal.signal(signal.SIGINT, ticker.stop)
    log.info("ticker started", duties=len(DUTIES))
    ticker.run()
    ports.close()


if __name__ == "__main__":
    main()

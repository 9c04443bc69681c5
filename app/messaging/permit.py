"""Gather the facts for texts and ask `consent.permission`; store the verdicts.

Called by `messaging.claim` in the transaction of the attempt, and by `checkins.send` to plan. Texts
of many buyers are asked about together: one statement gathers, one stores. At most one of each
buyer, for what one text uses up of the caps the next one has to see.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any

from app.consent.permission import (
    PROACTIVE,
    Capability,
    ConsentPolicy,
    ProactiveSend,
    Purpose,
    Request,
    SendHistory,
    decide,
)
from app.consent.state import LedgerRow, fold
from app.consent.verdicts import Verdict
from app.consent.week_hours import WeekHours
from app.consent.zones import Places, locate
from app.foundation.db import Session
from app.messaging.standing import standing_of
from app.messaging.states import TOOK_OFF
from app.orders.ports import Place

DAY = timedelta(days=1)

GATHER = """
SELECT c.id, c.phone, c.line_kind, c.last_inbound_at, c.opt_out_asked_at, c.country, c.zip,
  c.billing_zip,
  s.state AS shop_state, s.country AS shop_country, p.paused, p.consent_policy,
  p.check_in_per_parcel, p.window_start, p.window_end, p.sunday_start, p.sunday_end,
  l.id AS sender_id, l.state AS sender_state,
  o.ship_country, o.ship_region, o.ship_zip, o.bill_zip,
  (SELECT json_agg(json_build_array(e.id, e.purpose, e.action, e.source, e.wording, e.occurred_at,
                   e.covers_assistant) ORDER BY e.id)
   FROM consent_events e WHERE e.shop_id = c.shop_id AND e.phone = c.phone) AS ledger,
  (SELECT json_agg(json_build_array(coalesce(m.sent_at, m.created_at), m.order_id, m.purpose))
   FROM messages m WHERE m.contact_id = c.id AND m.id IS DISTINCT FROM a.message_id
     AND m.id IS DISTINCT FROM a.retry_of
     AND m.purpose = ANY(%(proactive)s) AND m.state = ANY(%(took_off)s)
     AND (m.order_id = a.order_id OR coalesce(m.sent_at, m.created_at) > %(since)s)
  ) AS proactive,
  (SELECT max(m.sent_at) FROM messages m WHERE m.contact_id = c.id
     AND m.purpose = 'opt_out_confirmation') AS confirmed_at,
  (SELECT max(m.sent_at) FROM messages m WHERE m.contact_id = c.id
     AND m.purpose = 'clarification') AS clarified_at,
  (SELECT max(m.sent_at) FROM messages m WHERE m.contact_id = c.id
     AND m.purpose IN ('agent_reply', 'reply') AND m.sent_at > %(since)s) AS last_answer_at
FROM unnest(%(contacts)s::bigint[], %(orders)s::bigint[], %(messages)s::bigint[],
  %(retries_of)s::bigint[]) WITH ORDINALITY AS a(contact_id, order_id, message_id, retry_of, place)
JOIN contacts c ON c.id = a.contact_id
JOIN shops s ON s.id = c.shop_id
JOIN shop_preferences p ON p.shop_id = c.shop_id
LEFT JOIN senders l ON l.shop_id = c.shop_id AND l.state <> 'retired'
LEFT JOIN orders o ON o.id = coalesce(a.order_id, (
  SELECT max(id) FROM orders WHERE contact_id = c.id))
ORDER BY a.place
"""


STORE_VERDICTS = """
INSERT INTO permissions (shop_id, message_id, check_in_id, purpose, verdict, reason, not_before,
  evidence, decided_at)
SELECT shop_id, message_id, check_in_id, purpose, verdict, reason, not_before, evidence, %s
FROM jsonb_to_recordset(%s::jsonb) AS v(shop_id bigint, message_id bigint, check_in_id bigint,
  purpose text, verdict text, reason text, not_before timestamptz, evidence jsonb)
"""


@dataclass(frozen=True)
class Subject:
    """Whom and what a verdict is about."""

    shop_id: int
    contact_id: int
    purpose: Purpose
    order_id: int | None = None
    message_id: int | None = None
    retry_of: int | None = None  # the text that did not arrive: it counts as this one
    check_in_id: int | None = None
    being_helped: bool = False


def ask_permissions(
    session: Session, *, now: datetime, subjects: Sequence[Subject]
) -> list[Verdict]:
    """The verdicts for this moment, in the order of `subjects`, stored with their evidence.

    The caller has locked the contacts, each of another subject; see `messaging.locks`.
    """
    if not subjects:
        return []
    requests = gather(session, now=now, subjects=subjects)
    verdicts = [decide(request) for request in requests]
    records = [record_of(*each) for each in zip(subjects, requests, verdicts, strict=True)]
    session.sql(STORE_VERDICTS, now, json.dumps(records))
    return verdicts


def record_of(subject: Subject, request: Request, verdict: Verdict) -> dict[str, Any]:
    """One row of the ledger."""
    record = verdict.as_record()
    return {
        "shop_id": subject.shop_id,
        "message_id": subject.message_id,
        "check_in_id": subject.check_in_id,
        "purpose": subject.purpose.value,
        "verdict": record["verdict"],
        "reason": record.get("reason"),
        "not_before": record.get("at"),
        "evidence": record | {"standing": standing_of(request)},
    }


def gather(session: Session, *, now: datetime, subjects: Sequence[Subject]) -> list[Request]:
    """The facts of this moment."""
    rows = session.sql_planned_once(GATHER, facts_asked(subjects, now=now)).all()
    return [request_of(*each, now=now) for each in zip(subjects, rows, strict=True)]


def request_of(subject: Subject, row: Any, *, now: datetime) -> Request:
    """`row`: of `GATHER`."""
    proactive = tuple(
        ProactiveSend(at=datetime.fromisoformat(at), order_id=order_id or 0, kind=Purpose(purpose))
        for at, order_id, purpose in row.proactive or ()
    )
    asked = [
        send.at
        for send in proactive
        if send.order_id == subject.order_id and send.kind is not Purpose.ORDER_STATUS
    ]
    unanswered = bool(asked) and (row.last_inbound_at is None or row.last_inbound_at < max(asked))
    return Request(
        purpose=subject.purpose,
        now=now,
        phone=row.phone,
        consent=fold(
            (
                LedgerRow(id_, purpose, action, source, wording, datetime.fromisoformat(at), covers)
                for id_, purpose, action, source, wording, at, covers in row.ledger or ()
            ),
            confirmed_after=row.confirmed_at,
        ),
        places=places_of(row),
        policy=ConsentPolicy(row.consent_policy),
        history=SendHistory(
            proactive=proactive,
            last_inbound_at=row.last_inbound_at,
            last_answer_at=row.last_answer_at,
            clarified_at=row.clarified_at,
            may_be_leaving=row.opt_out_asked_at is not None,
            unanswered_check_in=unanswered,
            being_helped=subject.being_helped,
        ),
        order_id=subject.order_id,
        openers_allowed=100 if row.check_in_per_parcel else 1,
        capability=Capability(row.line_kind),
        shop_window=window_of(row),
        shop_paused=row.paused,
        shop_installed=row.shop_state == "installed",
        sender_active=row.sender_state == "active",
    )


def facts_asked(subjects: Sequence[Subject], *, now: datetime) -> dict[str, Any]:
    """What `GATHER` is asked with."""
    return {
        "contacts": [subject.contact_id for subject in subjects],
        "orders": [subject.order_id for subject in subjects],
        "messages": [subject.message_id for subject in subjects],
        "retries_of": [subject.retry_of for subject in subjects],
        "proactive": [purpose.value for purpose in PROACTIVE],
        "took_off": list(TOOK_OFF),
        "since": now - DAY,
    }


def places_of(row: Any) -> Places:
    """Where the buyer may be: by number, shipping and billing address, all at once."""
    shipping = Place(country=row.ship_country, region=row.ship_region, zip=row.ship_zip)
    profile = Place(country=row.country, zip=row.zip)
    billing_zip = row.bill_zip or row.billing_zip
    billing = Place(country=row.ship_country or row.country, zip=billing_zip)
    return locate(
        row.phone,
        shipping if row.ship_country else None,
        profile if row.country else None,
        billing if billing_zip else None,
    )


def window_of(row: Any) -> WeekHours:
    """The shop's own hours; permission lets them narrow the product's, never widen."""
    weekday = (_minutes(row.window_start), _minutes(row.window_end))
    sunday = (_minutes(row.sunday_start), _minutes(row.sunday_end))
    return WeekHours((weekday,) * 6 + (sunday,))


def _minutes(at: time) -> int:
    return at.hour * 60 + at.minute

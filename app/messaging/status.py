"""What became of a text, as the provider reports it: forward only, each report once.

The status door calls `take_report`. Nearly every report only moves a known text from `accepted`
to `sent` to `delivered`: one statement that commits by itself. What more depends on goes through
`apply_status`, in a transaction with its events. `bind_waiting` is called by `messaging.settle`
when a report came before we knew the provider's id; `end_reported` by the job that obeys a
report's error code.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import structlog

from app.foundation.db import Database, LaterWork, Session
from app.messaging.events import AcceptedText, TextEnded, TextsAccepted
from app.messaging.models import Message
from app.messaging.ports import StatusUpdate
from app.messaging.states import NOT_ARRIVED, PROVIDER_RANKS, STATE_OF_STATUS, STATE_RANKS

log = structlog.get_logger()

# A row that is bound to nothing at the provider is behind every report, whatever we made of it
# meanwhile: put back, called off, given up. The report proves that the text was taken.
RANK = (
    "CASE WHEN m.provider_sid IS NULL THEN 0 ELSE CASE m.state "
    + " ".join(f"WHEN '{state}' THEN {rank}" for state, rank in STATE_RANKS.items())
    + " ELSE 9 END END"
)

# Dedupe, keep it for the history, then move the text if this report is ahead of what we know.
# A report whose text is not known yet stays in `message_statuses` until the text is bound.
APPLY = f"""
WITH seen AS (
  INSERT INTO message_statuses (shop_id, provider_sid, status, error_code)
  VALUES (%(shop)s, %(sid)s, %(status)s, %(error)s)
  ON CONFLICT (shop_id, provider_sid, status) DO NOTHING RETURNING id),
kept AS (
  INSERT INTO message_status_events (shop_id, message_id, provider_sid, status, error_code, at)
  SELECT %(shop)s, %(message)s::bigint, %(sid)s, %(status)s, %(error)s, %(now)s FROM seen
  ON CONFLICT (shop_id, provider_sid, status) DO NOTHING),
target AS (
  SELECT m.id, m.provider_sid IS NULL AS unbound FROM messages m, seen
  WHERE m.direction = 'out'
    AND CASE WHEN %(message)s::bigint IS NULL THEN m.shop_id = %(shop)s AND m.provider_sid = %(sid)s
        ELSE m.id = %(message)s AND (m.provider_sid IS NULL OR m.provider_sid = %(sid)s) END
    AND {RANK} < %(rank)s
  FOR UPDATE OF m),
moved AS (
  UPDATE messages SET state = %(state)s, provider_sid = %(sid)s,
    sent_at = coalesce(sent_at, %(now)s),
    delivered_at = CASE WHEN %(state)s IN ('delivered', 'read') THEN coalesce(delivered_at, %(now)s)
                   ELSE delivered_at END,
    error_code = coalesce(%(error)s, error_code),
    reason = CASE WHEN %(state)s IN ('failed', 'undelivered') THEN 'carrier' END
  FROM target WHERE messages.id = target.id
  RETURNING messages.id, target.unbound, messages.conversation_id, messages.purpose)
SELECT id, unbound, conversation_id, purpose FROM moved
"""

# Only a text that is bound already, so that no event follows. That it is accepted, queued or being
# sent says nothing new of such a one and is not even stored.
# LATERAL, so that the scope is set before row-level security looks at a row of `messages`.
MOVE = f"""
WITH scope AS MATERIALIZED (
  SELECT set_config('doorstep.shop_id', %(scope)s, true)::bigint AS shop),
target AS (
  SELECT m.id, scope.shop FROM scope, LATERAL (
    SELECT id FROM messages WHERE id = %(message)s AND shop_id = scope.shop
      AND direction = 'out' AND provider_sid = %(sid)s
    OFFSET 0) m),
seen AS (
  INSERT INTO message_statuses (shop_id, provider_sid, status)
  SELECT shop, %(sid)s, %(status)s FROM target WHERE %(state)s <> 'accepted'
  ON CONFLICT (shop_id, provider_sid, status) DO NOTHING RETURNING id),
kept AS (
  INSERT INTO message_status_events (shop_id, message_id, provider_sid, status, at)
  SELECT target.shop, target.id, %(sid)s, %(status)s, %(now)s FROM target, seen
  ON CONFLICT (shop_id, provider_sid, status) DO NOTHING),
moved AS (
  UPDATE messages m SET state = %(state)s,
    delivered_at = CASE WHEN %(state)s IN ('delivered', 'read') THEN coalesce(delivered_at, %(now)s)
                   ELSE delivered_at END,
    reason = NULL
  FROM target, seen WHERE m.id = target.id AND {RANK} < %(rank)s)
SELECT count(*) FROM target
"""


def take_report(db: Database, *, now: datetime, shop_id: int, update: StatusUpdate) -> None:
    """Store one report and move its text, if the report is ahead of what we know."""
    state = STATE_OF_STATUS.get(update.status)
    if state is None:
        # A word that the provider has added: nothing follows from it until somebody reads this.
        log.warning("status word not known", status=update.status, message_id=update.message_id)
        return
    if update.message_id is not None and not update.error_code and state not in NOT_ARRIVED:
        with db.statement() as connection:
            known = connection.execute(
                MOVE,
                {
                    "scope": str(shop_id),
                    "sid": update.provider_sid,
                    "status": update.status,
                    "message": update.message_id,
                    "rank": PROVIDER_RANKS[update.status],
                    "state": state,
                    "now": now,
                },
            ).fetchone()
        if known and known[0]:
            return
    with db.shop(shop_id) as session:
        apply_status(session, now=now, shop_id=shop_id, update=update)


def apply_status(session: Session, *, now: datetime, shop_id: int, update: StatusUpdate) -> bool:
    """Apply one report. False if it changed nothing: seen before, behind, or not known yet."""
    state = STATE_OF_STATUS.get(update.status)
    if state is None:
        return False
    moved = session.sql(
        APPLY,
        {
            "shop": shop_id,
            "sid": update.provider_sid,
            "status": update.status,
            "error": update.error_code or None,
            "message": update.message_id,
            "rank": PROVIDER_RANKS[update.status],
            "state": state,
            "now": now,
        },
    ).one_or_none()
    if moved is None:
        return False
    if moved.unbound:
        session.publish(
            TextsAccepted(
                shop_id=shop_id,
                texts=(AcceptedText(moved.id, moved.conversation_id, moved.purpose or ""),),
            ),
            now=now,
        )
    if state in NOT_ARRIVED and not update.error_code:
        end_reported(session, now=now, message_id=moved.id)
    if update.error_code:
        # What a code asks of us may be a second attempt, so who cares is told after it is obeyed.
        session.later(
            LaterWork(
                shop_id=shop_id,
                topic="messaging.settle_status",
                queue="send",
                payload={"message_id": moved.id, "code": update.error_code},
            )
        )
    return True


def end_reported(session: Session, *, now: datetime, message_id: int) -> None:
    """Tell who cares that a text did not arrive, unless a later report has proven that it did."""
    message = session.get_one(Message, message_id, populate_existing=True)
    if message.state not in NOT_ARRIVED:
        return
    session.publish(
        TextEnded(
            shop_id=message.shop_id,
            message_id=message.id,
            conversation_id=message.conversation_id,
            purpose=message.purpose or "",
            state=message.state,
            reason="carrier",
        ),
        now=now,
    )


# The history begins with the provider's own answer, which is reported to nobody else.
WAITING = """
WITH bound AS (
  SELECT * FROM unnest(%(messages)s::bigint[], %(sids)s::text[]) AS b(message_id, sid)),
kept AS (
  INSERT INTO message_status_events (shop_id, message_id, provider_sid, status, at)
  SELECT %(shop)s, message_id, sid, 'accepted', %(now)s FROM bound
  ON CONFLICT (shop_id, provider_sid, status) DO NOTHING)
DELETE FROM message_statuses s USING bound
WHERE s.shop_id = %(shop)s AND s.provider_sid = bound.sid
RETURNING bound.message_id, s.provider_sid, s.status, s.error_code
"""


def bind_waiting(
    session: Session, *, now: datetime, shop_id: int, bound: Mapping[int, str]
) -> None:
    """Apply the reports that came before texts were bound to their provider ids; `bound`: our id
    -> the provider's."""
    asked = {"shop": shop_id, "messages": list(bound), "sids": list(bound.values()), "now": now}
    waiting = session.sql(WAITING, asked).all()
    for row in sorted(waiting, key=lambda row: PROVIDER_RANKS.get(row.status, 0)):
        apply_status(
            session,
            now=now,
            shop_id=shop_id,
            update=StatusUpdate(
                provider_sid=row.provider_sid,
                status=row.status,
                error_code=row.error_code or "",
                message_id=row.message_id,
            ),
        )

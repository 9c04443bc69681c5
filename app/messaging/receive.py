"""A buyer's text is stored, claimed by its id, and its opt-out obeyed, in one statement.

Called by the inbound door (`vendors/twilio/api`), by its fallback, and by the backfill job.
A provider's signature carries no time, so a replay stays valid for ever: the unique provider id
is what makes a second delivery harmless (`Duplicate`; the caller's transaction is undone).

47 CFR 64.1200(a)(10): stop, quit, end, revoke, opt out, cancel and unsubscribe are revocations
per se, and so is any other reasonable wording.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import datetime

from app.consent.events import ConsentRevoked
from app.consent.record import (
    Evidence,
    proof_of,
    record_marketing_revocation,
    record_return,
    record_revocation,
    stay_reachable,
)
from app.foundation import audit
from app.foundation.audit import TEXT_MASKED
from app.foundation.db import Session
from app.messaging.emptied import emptying_at_provider
from app.messaging.events import TextReceived
from app.messaging.meaning import (
    beside_our_question,
    depends_on_our_question,
    masked,
    said_just_before,
)
from app.messaging.ports import InboundText
from app.understanding.keywords import How, Keyword, KeywordKind, is_network_keyword
from app.understanding.opt_out import Verdict
from app.understanding.understand import Understanding, understand

# Scope first (MATERIALIZED, so that it is set before a row is touched), then the person, the
# text, and, for an opt-out, the ledger's row.
STORE = """
WITH scope AS MATERIALIZED (SELECT set_config('doorstep.shop_id', %(shop)s, true) AS shop),
person AS (
  INSERT INTO contacts (shop_id, phone, last_inbound_at, opted_out_at)
  SELECT shop::bigint, %(phone)s, %(now)s, CASE WHEN %(stop)s THEN %(now)s::timestamptz END
  FROM scope
  ON CONFLICT (shop_id, phone) DO UPDATE SET
    last_inbound_at = greatest(contacts.last_inbound_at, excluded.last_inbound_at),
    opted_out_at = coalesce(contacts.opted_out_at, excluded.opted_out_at),
    opt_out_asked_at = CASE WHEN excluded.opted_out_at IS NULL THEN contacts.opt_out_asked_at END
  RETURNING id, shop_id, opted_out_at, opt_out_asked_at),
claim AS (
  INSERT INTO messages (shop_id, contact_id, sender_id, direction, author, body, state,
                        provider_sid, opt_out_type, raw, created_at)
  SELECT shop_id, id, %(sender)s, 'in', 'contact', %(body)s, 'received',
         %(sid)s, %(opt_out_type)s, %(raw)s::jsonb, %(now)s FROM person
  ON CONFLICT (shop_id, provider_sid) DO NOTHING RETURNING id),
ledger AS (
  INSERT INTO consent_events (shop_id, phone, purpose, action, source, wording, message_id,
                              evidence, proof, occurred_at)
  SELECT person.shop_id, %(phone)s, 'all', 'revoked', %(source)s, %(body)s, claim.id,
         %(evidence)s::jsonb, %(proof)s, %(now)s FROM person, claim WHERE %(stop)s
  ON CONFLICT (shop_id, proof) DO NOTHING)
SELECT person.id AS contact_id, person.opted_out_at, person.opt_out_asked_at,
  claim.id AS message_id,
  (SELECT p.join_keyword FROM shop_preferences p WHERE p.shop_id = person.shop_id)
FROM person LEFT JOIN claim ON true
"""

BRIEF = 48  # characters; a longer text cannot be a keyword or a yes

STORE_PHOTOS = """
INSERT INTO media (shop_id, message_id, ordinal, provider_url, declared_type)
SELECT %s, %s, (p->>'ordinal')::int, p->>'url', p->>'type' FROM jsonb_array_elements(%s::jsonb) p
"""


@dataclass(frozen=True)
class Received:
    message_id: int
    contact_id: int


class Duplicate(Exception):
    """This text was stored before. The transaction must be undone: an old STOP that is
    replayed after a START must not opt the buyer out again."""


def receive_text(
    session: Session, *, now: datetime, shop_id: int, sender_id: int, text: InboundText
) -> Received:
    """Store one text; publishes TextReceived, and ConsentRevoked if it carried an opt-out.

    `session` comes from `Database.door()`: the first statement here sets whose rows it sees.
    Raises Duplicate.
    """
    before = said_just_before(
        session, now=now, shop_id=shop_id, phone=text.from_phone, body=text.body
    )
    said = understand(text.body, earlier=[one.body for one in before])
    keyword = read_keyword(text, said)
    stop = keyword is not None and keyword.kind is KeywordKind.OPT_OUT
    body = said.masked.text
    evidence = Evidence(
        phone=text.from_phone,
        purpose="all",
        source="text",
        occurred_at=now,
        wording=body,
        detail={"how": keyword.how if keyword else "", "provider_sid": text.provider_sid},
    )
    row = session.sql(
        STORE,
        {
            "shop": str(shop_id),
            "phone": text.from_phone,
            "now": now,
            "stop": stop,
            "sender": sender_id,
            "body": body,
            "sid": text.provider_sid,
            "opt_out_type": text.opt_out_type or None,
            "raw": json.dumps(
                {k: v for k, v in text.raw.items() if k not in ("Body", "From", "To")}
            ),
            "source": evidence.source,
            "evidence": json.dumps(evidence.detail) if stop else "{}",
            "proof": proof_of(shop_id, "revoked", evidence) if stop else "",
        },
    ).one()
    if row.message_id is None:
        raise Duplicate(text.provider_sid)
    if text.media:
        photos = [
            {"ordinal": ordinal, "url": ref.url, "type": ref.content_type}
            for ordinal, ref in enumerate(text.media)
        ]
        session.sql(STORE_PHOTOS, shop_id, row.message_id, json.dumps(photos))
    for index in {mask.text for mask in said.masked.earlier}:
        earlier = before[index]
        rest = masked(earlier, index, said.masked.earlier)
        session.sql("UPDATE messages SET body = %s WHERE id = %s", rest, earlier.message_id)
        session.later(emptying_at_provider(shop_id=shop_id, message_id=earlier.message_id))
        # It may have been sealed as it was, so the chain is told why it reads otherwise.
        audit.record(
            session,
            now=now,
            shop_id=shop_id,
            actor="system",
            action=TEXT_MASKED,
            subject=f"message:{earlier.message_id}",
        )
    evidence = replace(evidence, message_id=row.message_id)
    unclear = False
    if stop:
        session.publish(ConsentRevoked(shop_id=shop_id, contact_id=row.contact_id), now=now)
    elif row.opt_out_asked_at is not None or depends_on_our_question(said):
        meant, unclear = beside_our_question(
            session,
            now=now,
            contact_id=row.contact_id,
            text=text.body,
            said=said,
            asked_to_stop=row.opt_out_asked_at is not None,
        )
        if meant.verdict is Verdict.YES:
            detail = {**evidence.detail, "how": How.FREE_TEXT, "rule": meant.rule}
            evidence = replace(evidence, detail=detail)
            record_revocation(session, now=now, shop_id=shop_id, evidence=evidence)
            keyword = Keyword(KeywordKind.OPT_OUT, How.FREE_TEXT)
        elif row.opt_out_asked_at is not None:
            stay_reachable(session, contact_id=row.contact_id)
    if keyword and keyword.kind is KeywordKind.OPT_IN:
        # "Yes" is an ordinary word, and a keyword only for someone who had opted out.
        if keyword.how is How.YES and row.opted_out_at is None:
            keyword = None
        else:
            record_return(
                session,
                shop_id=shop_id,
                contact_id=row.contact_id,
                evidence=replace(
                    evidence,
                    purpose="care",
                    detail={"how": keyword.how, "provider_sid": text.provider_sid},
                ),
            )
    if said.opt_out.marketing and keyword is None:
        record_marketing_revocation(
            session,
            now=now,
            shop_id=shop_id,
            contact_id=row.contact_id,
            evidence=replace(evidence, purpose="marketing"),
        )
    session.publish(
        TextReceived(
            shop_id=shop_id,
            message_id=row.message_id,
            contact_id=row.contact_id,
            body=body,
            photos=len(text.media),
            keyword=keyword.kind.value if keyword else None,
            carrier_keyword=keyword is not None and keyword.how is not How.FREE_TEXT,
            network_keyword=keyword is not None and is_network_keyword(text.body),
            answered_by_provider=bool(text.opt_out_type),
            brief=len(text.body) <= BRIEF and not text.media,
            join_keyword=row.join_keyword,
            unclear=unclear,
            wants_human=said.wants_human,
            why=said.why is not None,
            crisis=said.crisis.kind.value if said.crisis else None,
            secrets=bool(said.masked.kinds),
        ),
        now=now,
    )
    return Received(message_id=row.message_id, contact_id=row.contact_id)


def read_keyword(text: InboundText, said: Understanding) -> Keyword | None:
    """What the text does to consent by itself; the provider's own reading comes first."""
    told = {"STOP": KeywordKind.OPT_OUT, "START": KeywordKind.OPT_IN, "HELP": KeywordKind.HELP}
    if text.opt_out_type in told:
        return Keyword(told[text.opt_out_type], How.CARRIER_KEYWORD)
    if said.keyword is not None:
        return said.keyword
    plainly = said.opt_out.verdict is Verdict.YES and not said.opt_out.soft
    return Keyword(KeywordKind.OPT_OUT, How.FREE_TEXT) if plainly else None

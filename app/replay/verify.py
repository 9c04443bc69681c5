"""What came of a played file, and the proof: nothing was lost and nothing was sent twice.

Called by the command after `play`. The claims are checked against the database and, where the
texting provider is an emulator that keeps a ledger of what it took, against that.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

from app.foundation.db import Database, Session
from app.replay.doors import Line, Posted
from app.replay.payloads import ROOM_PER_ORDER, order_id
from app.replay.play import Played, delivery_prefix
from app.replay.replies import sid_prefix
from app.replay.standing import Marks
from app.replay.timetable import Timetable
from app.shops.models import Shop

ENDED = "('sent', 'answered', 'skipped', 'cancelled')"
MOST_NAMED = 10

RECEIPTS = """
SELECT state, count(*) FROM receipts WHERE id > %(receipt)s AND owner = %(owner)s
  AND starts_with(delivery_id, %(prefix)s) GROUP BY state
"""
CHECK_INS = """
SELECT k.state, k.reason, count(*) FROM check_ins k JOIN orders o ON o.id = k.order_id
WHERE o.shop_id = %(shop)s AND o.shopify_id BETWEEN %(first)s AND %(last)s
GROUP BY k.state, k.reason ORDER BY count(*) DESC
"""
ENDED_ORDERS = f"""
SELECT DISTINCT o.shopify_id FROM check_ins k JOIN orders o ON o.id = k.order_id
WHERE o.shop_id = %(shop)s AND o.shopify_id BETWEEN %(first)s AND %(last)s
  AND k.state IN {ENDED} AND (k.state IN ('sent', 'answered') OR k.reason IS NOT NULL)
"""
TEXTS = """
SELECT count(*), coalesce(sum(segments), 0)::bigint, count(*) FILTER (WHERE state = 'unknown')
FROM messages WHERE shop_id = %(shop)s AND id > %(message)s AND direction = 'out'
  AND (provider_sid IS NOT NULL OR state = 'unknown')
"""
ASKED_TWICE = """
SELECT o.name FROM messages m JOIN orders o ON o.id = m.order_id
JOIN shop_preferences p ON p.shop_id = m.shop_id AND NOT p.check_in_per_parcel
WHERE m.shop_id = %(shop)s AND m.id > %(message)s AND m.purpose = 'check_in'
  AND m.provider_sid IS NOT NULL AND o.shopify_id BETWEEN %(first)s AND %(last)s
GROUP BY o.id, o.name HAVING count(*) > 1
"""
AFTER_STOP = """
SELECT count(*) FROM messages m JOIN contacts c ON c.id = m.contact_id
WHERE m.shop_id = %(shop)s AND m.id > %(message)s AND m.purpose IN ('check_in', 'follow_up')
  AND m.sent_at > c.opted_out_at
"""
REPLIES = """
SELECT count(*) FROM messages WHERE shop_id = %(shop)s AND id > %(message)s
  AND direction = 'in' AND starts_with(provider_sid, %(sids)s)
"""
TICKETS = """
SELECT count(*) FROM ticket_links WHERE shop_id = %(shop)s AND id > %(ticket)s
  AND ticket_id IS NOT NULL
"""
ACCEPTED = """
SELECT id, provider_sid FROM messages WHERE shop_id = %(shop)s AND id > %(message)s
  AND direction = 'out' AND provider_sid IS NOT NULL
"""


@dataclass(frozen=True)
class Claim:
    holds: bool
    text: str


@dataclass
class Outcome:
    webhooks: int = 0
    repeated: int = 0
    check_ins: dict[tuple[str, str | None], int] = field(default_factory=dict)
    texts: int = 0
    segments: int = 0
    unknown: int = 0
    replies: int = 0
    stops: int = 0
    tickets: int = 0
    seconds: float = 0.0
    virtual_days: float = 0.0
    claims: list[Claim] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @property
    def proven(self) -> bool:
        return all(claim.holds for claim in self.claims)

    def as_json(self) -> dict[str, Any]:
        """All but the check-ins, which the report puts into words."""
        fields = asdict(self)
        fields.pop("check_ins")
        return {**fields, "proven": self.proven}


def verify(
    db: Database,
    shop: Shop,
    *,
    run: int,
    timetable: Timetable,
    played: Played,
    posted: Posted,
    marks: Marks,
    line: Line,
    provider_url: str | None,
) -> Outcome:
    """Count, and check every claim."""
    outcome = Outcome(
        webhooks=posted.webhooks,
        repeated=posted.repeated,
        replies=posted.replies,
        stops=played.stops,
        seconds=round(played.seconds, 1),
    )
    if played.began and played.ended:
        outcome.virtual_days = (played.ended - played.began).total_seconds() / 86_400
    asked = {
        **asdict(marks),
        "owner": shop.domain,
        "shop": shop.id,
        "first": order_id(run, 0),
        "last": order_id(run, timetable.orders),
        "prefix": delivery_prefix(run),
        "sids": sid_prefix(run),
    }
    with db.across_shops("operator: replay, what came of it") as session:
        _finished(outcome, played)
        _webhooks(session, asked, outcome, posted)
        _check_ins(session, asked, outcome, run, timetable, played)
        _replies(session, asked, outcome, posted)
        _texts(session, asked, outcome)
        accepted = {row[0]: row[1] for row in _all(session, ACCEPTED, asked)}
    _ledger(outcome, provider_url, line, marks, accepted)
    return outcome


def _all(session: Session, statement: str, asked: dict[str, Any]) -> list[Any]:
    return list(session.connection().exec_driver_sql(statement, asked).all())


def _claim(outcome: Outcome, holds: bool, text: str, *problems: str) -> None:
    outcome.claims.append(Claim(holds, text))
    if not holds:
        outcome.problems += problems


def _finished(outcome: Outcome, played: Played) -> None:
    _claim(
        outcome,
        played.finished,
        "everything settled",
        f"it ended before that, with {played.left}; --timeout gives it longer",
    )


def _webhooks(session: Session, asked: dict[str, Any], outcome: Outcome, posted: Posted) -> None:
    states = dict(_all(session, RECEIPTS, asked))
    done = states.pop("done", 0)
    _claim(
        outcome,
        not posted.unanswered and done == posted.webhooks and not states,
        f"nothing lost: {posted.webhooks:,} webhooks answered, {done:,} processed",
        f"unanswered: {posted.unanswered}; not processed: {states or 'none'}",
    )


def _check_ins(
    session: Session,
    asked: dict[str, Any],
    outcome: Outcome,
    run: int,
    timetable: Timetable,
    played: Played,
) -> None:
    outcome.check_ins = {
        (state, reason): count for state, reason, count in _all(session, CHECK_INS, asked)
    }
    base = order_id(run, 0)
    ended = {(row[0] - base) // ROOM_PER_ORDER for row in _all(session, ENDED_ORDERS, asked)}
    lost = [number for number in played.arrived if number not in ended]
    names = ", ".join(timetable.order(number).name for number in lost[:MOST_NAMED])
    _claim(
        outcome,
        not lost,
        f"nothing lost: {len(played.arrived) - len(lost):,} of {len(played.arrived):,} delivered"
        " orders have a check-in that was sent, or a reason why not",
        f"without: {names}{' …' if len(lost) > MOST_NAMED else ''}",
    )
    twice = [row[0] for row in _all(session, ASKED_TWICE, asked)]
    _claim(
        outcome,
        not twice,
        "nothing doubled: no order was asked about twice",
        f"twice: {', '.join(map(str, twice[:MOST_NAMED]))}",
    )


def _replies(session: Session, asked: dict[str, Any], outcome: Outcome, posted: Posted) -> None:
    [[stored]] = _all(session, REPLIES, asked)
    _claim(
        outcome,
        stored == posted.replies,
        f"nothing lost: {posted.replies:,} replies, {stored:,} stored, each once",
        f"{posted.replies} were answered and {stored} are stored",
    )
    [[outcome.tickets]] = _all(session, TICKETS, asked)


def _texts(session: Session, asked: dict[str, Any], outcome: Outcome) -> None:
    [[outcome.texts, outcome.segments, outcome.unknown]] = _all(session, TEXTS, asked)
    [[late]] = _all(session, AFTER_STOP, asked)
    _claim(outcome, not late, "nobody was asked anything after STOP", f"{late} texts were")
    if outcome.unknown:
        outcome.problems.append(
            f"{outcome.unknown} texts are `unknown`: the provider's answer never came"
        )


def _ledger(
    outcome: Outcome,
    provider_url: str | None,
    line: Line,
    marks: Marks,
    accepted: dict[int, str],
) -> None:
    """The emulator's own list of what it took: our message id is in the status address."""
    if provider_url is None:
        return
    try:
        with httpx.Client(timeout=60.0, trust_env=False) as http:
            answer = http.get(f"{provider_url}/_ledger", params={"account": line.account_sid})
            rows = answer.raise_for_status().json()["messages"]
    except (httpx.HTTPError, ValueError, KeyError) as error:
        _claim(outcome, False, "the provider's ledger agrees", f"it did not answer: {type(error)}")
        return
    taken: Counter[int] = Counter()
    strangers = 0
    for row in rows:
        named = parse_qs(urlsplit(row["status_callback"] or "").query).get("m", ["0"])[0]
        message_id = int(named) if named.isdigit() else 0
        if message_id <= marks.message:
            continue  # an earlier run's, or the provider's own answer to STOP
        taken[message_id] += 1
        strangers += accepted.get(message_id) != row["sid"]
    doubled = sum(count > 1 for count in taken.values())
    missing = len(accepted.keys() - taken.keys())
    _claim(
        outcome,
        not (doubled or strangers or missing),
        f"nothing doubled: the provider's ledger has the same {len(taken):,} texts, each once",
        f"taken twice: {doubled}; not known here: {strangers}; not known there: {missing}",
    )

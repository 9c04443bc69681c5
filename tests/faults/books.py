"""Compares three ledgers: what the doors answered, what the database holds, what the vendors saw.

`close_books` is the end of every fault test. It says all that does not agree, not the first thing.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.faults.agents import Agents
from tests.faults.buyers import Buyer
from tests.faults.doors import Doors
from tests.faults.stack import METRICS_TOKEN, Stack

TAKEN = ("accepted", "sent", "delivered", "read", "undelivered")
NOT_TAKEN = ("blocked", "cancelled")
ENDED_CHECK_INS = ("sent", "answered", "skipped", "cancelled")
MOST_SHOWN = 25
CALL_SECONDS = 15.0  # how long a call of ours may take at most, its time-outs and a busy machine

OF_BUYERS = """
SELECT m.*, c.phone, extract(epoch FROM m.claimed_at)::float AS claimed
FROM messages m JOIN contacts c ON c.id = m.contact_id WHERE c.phone = ANY(%(phones)s)
"""
CHECK_INS = """
SELECT o.shopify_id, k.state, k.reason FROM check_ins k JOIN orders o ON o.id = k.order_id
WHERE o.shopify_id = ANY(%(orders)s)
"""
RECEIPTS = """
SELECT delivery_id, encode(business_key, 'hex') AS business, state, error FROM receipts
WHERE delivery_id = ANY(%(ids)s) OR encode(business_key, 'hex') = ANY(%(keys)s)
"""
LINKS = """
SELECT c.phone, l.state, l.ticket_id FROM ticket_links l
JOIN conversations v ON v.id = l.conversation_id JOIN contacts c ON c.id = v.contact_id
WHERE c.phone = ANY(%(phones)s)
"""


@dataclass
class Books:
    """What was counted, and what does not agree."""

    counted: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)
    unknown: list[dict[str, Any]] = field(default_factory=list)
    texts: list[dict[str, Any]] = field(default_factory=list)

    def wrong(self, problem: str) -> None:
        self.problems.append(problem)


def close_books(
    stack: Stack,
    doors: Doors,
    agents: Agents,
    buyers: Sequence[Buyer],
    *,
    checked_in: Sequence[Buyer] = (),
) -> Books:
    """Compare the ledgers for these buyers. `checked_in`: those whose parcel arrived.

    Raises AssertionError naming what was lost, doubled, said after a STOP, or hidden.
    """
    books = Books()
    phones = [buyer.phone for buyer in buyers]
    books.texts = stack.rows(OF_BUYERS, phones=phones)
    _receipts(stack, doors, books)
    _inbound(doors, books)
    _outbound(stack, doors, phones, books)
    _tickets(stack, agents, phones, books)
    _replies(agents, books)
    _check_ins(stack, checked_in, books)
    _shown(stack, books)
    shown = "\n  ".join(books.problems[:MOST_SHOWN])
    assert not books.problems, (
        f"{len(books.problems)} entries do not agree:\n  {shown}\n{dict(books.counted)}"
    )
    return books


def _receipts(stack: Stack, doors: Doors, books: Books) -> None:
    """Every webhook that was answered with 2xx is stored, and worked."""
    answered = [one for one in doors.answers if one.door == "shopify" and one.acknowledged]
    found = stack.rows(
        RECEIPTS,
        ids=[one.key for one in answered],
        keys=[one.business_key for one in answered],
    )
    worked = {name for row in found if row["state"] == "done" for name in row.values()}
    for one in answered:
        if one.key not in worked and one.business_key not in worked:
            books.wrong(f"receipt answered with 2xx and not worked: {one.key}")
    books.counted["receipts acknowledged"] = len(answered)
    for row in stack.rows("SELECT id, topic, error FROM receipts WHERE state = 'failed'"):
        books.wrong(f"receipt given up: {row}")
    for row in stack.rows("SELECT id, topic, error FROM outbox WHERE failed_at IS NOT NULL"):
        books.wrong(f"job given up: {row}")


def _inbound(doors: Doors, books: Books) -> None:
    """Every text that was answered with 2xx is stored once, and in a thread."""
    stored = Counter(row["provider_sid"] for row in books.texts if row["direction"] == "in")
    threaded = {row["provider_sid"] for row in books.texts if row["conversation_id"] is not None}
    answered = {one.key for one in doors.answers if one.door == "inbound" and one.acknowledged}
    for sid in answered:
        if stored[sid] != 1 or sid not in threaded:
            books.wrong(f"text {sid} was acknowledged and is stored {stored[sid]} times")
    books.counted["texts acknowledged"] = len(answered)


def _outbound(stack: Stack, doors: Doors, phones: Sequence[str], books: Books) -> None:
    """The provider took each text at most once, and those that we say it took exactly once."""
    wanted = set(phones)
    taken: dict[int, list[str]] = defaultdict(list)
    taken_at: dict[int, float] = {}
    bodies: Counter[tuple[str, str]] = Counter()
    for row in stack.tell("GET", "/twilio/_ledger")["messages"]:
        if row["to"] not in wanted or row["automatic"]:
            continue
        named = re.search(r"[?&]m=(\d+)", row["status_callback"])
        if named is None:
            books.wrong(f"the provider took a text that names no row of ours: {row['sid']}")
            continue
        taken[int(named[1])].append(row["sid"])
        taken_at[int(named[1])] = row["taken_at"]
        bodies[(row["to"], row["body"])] += 1
    books.counted["texts at the provider"] = sum(map(len, taken.values()))
    for (phone, body), many in bodies.items():
        if many > 1:
            books.wrong(f"{phone} was texted the same words {many} times: {body[:60]}")
    for text in books.texts:
        if text["direction"] != "out":
            continue
        sids = taken.pop(text["id"], [])
        where = f"text {text['id']} ({text['purpose']}, {text['state']}, {text['reason']})"
        books.counted[f"out {text['state']}"] += 1
        if len(sids) > 1:
            books.wrong(f"{where} was taken by the provider {len(sids)} times")
        if text["state"] in TAKEN and sids != [text["provider_sid"]]:
            books.wrong(f"{where} says {text['provider_sid']}, the provider took {sids}")
        if text["state"] in NOT_TAKEN and sids:
            books.wrong(f"{where} was taken by the provider all the same")
        if text["state"] in ("queued", "sending"):
            books.wrong(f"{where} is stuck")
        if text["state"] == "unknown":
            books.unknown.append(text)
        stopped = doors.stopped_at.get(text["phone"])
        if sids and stopped and text["claimed"] and text["claimed"] > stopped:
            late = text["claimed"] - stopped
            books.wrong(f"{where} was claimed {late:.3f} s after its STOP was answered")
        if sids and stopped and taken_at[text["id"]] > stopped:
            books.counted["under way at STOP"] += 1
            held = taken_at[text["id"]] - text["claimed"]
            if held > CALL_SECONDS:
                books.wrong(f"{where} reached the provider {held:.3f} s after its claim, past STOP")
    for message_id, sids in taken.items():
        books.wrong(f"the provider took {sids} for text {message_id}, which is not there")


def _tickets(stack: Stack, agents: Agents, phones: Sequence[str], books: Books) -> None:
    """One ticket for each thread; each of the buyer's texts in one comment of it."""
    written: dict[str, list[str]] = defaultdict(list)
    for text in books.texts:
        if text["direction"] == "in":
            written[text["phone"]].append(text["body"])
    links = stack.rows(LINKS, phones=list(phones))
    by_phone = Counter(link["phone"] for link in links)
    for phone in written:
        if by_phone[phone] != 1:
            books.wrong(f"{phone} wrote and has {by_phone[phone]} tickets")
    for link in links:
        # A private note may quote the buyer.
        comments = [one["text"] for one in agents.read_ticket(link["ticket_id"]) if one["public"]]
        for body, many in Counter(written[link["phone"]]).items():
            inside = sum(comment.count(body) for comment in comments)
            if inside != many and body != "STOP":
                books.wrong(f"{body} stands {inside} times in ticket {link['ticket_id']}")
    books.counted["tickets"] = len(links)
    known = stack.count("SELECT count(*) FROM ticket_links WHERE ticket_id IS NOT NULL")
    if (there := agents.how_many_tickets()) != known:
        books.wrong(f"the helpdesk holds {there} tickets, we know of {known}")


def _replies(agents: Agents, books: Books) -> None:
    """Each public reply of an agent is one text of ours, whatever became of it."""
    keys = Counter(text["dedupe_key"] for text in books.texts)
    for reply in agents.replies:
        if keys[reply.dedupe_key] != 1:
            books.wrong(f"reply {reply.dedupe_key} is {keys[reply.dedupe_key]} texts")
    books.counted["replies"] = len(agents.replies)


def _check_ins(stack: Stack, buyers: Sequence[Buyer], books: Books) -> None:
    """One check-in for each order, in an end state; each of its texts was looked at above."""
    rows = stack.rows(CHECK_INS, orders=[buyer.order_id for buyer in buyers])
    many = Counter(row["shopify_id"] for row in rows)
    for buyer in buyers:
        if many[buyer.order_id] != 1:
            books.wrong(f"order {buyer.order_id} has {many[buyer.order_id]} check-ins")
    for row in rows:
        why = f" ({row['reason']})" if row["reason"] else ""
        books.counted[f"check-in {row['state']}{why}"] += 1
        if row["state"] in ENDED_CHECK_INS or any(
            text["state"] == "unknown" and text["purpose"] == "check_in" for text in books.unknown
        ):
            continue
        books.wrong(f"the check-in of order {row['shopify_id']} is still {row['state']}")


def _shown(stack: Stack, books: Books) -> None:
    """What nobody can know says so, with a reason, and is counted where the operator looks."""
    for text in books.unknown:
        if not text["reason"]:
            books.wrong(f"text {text['id']} is unknown without a reason")
    answer = httpx.get(
        f"{stack.web_url}/metrics",
        headers={"Authorization": f"Bearer {METRICS_TOKEN}"},
        timeout=10.0,
        trust_env=False,
    )
    gauge = re.search(r"^doorstep_texts_unknown (\S+)$", answer.text, re.MULTILINE)
    told = int(float(gauge[1])) if gauge else -1
    unknown = stack.count("SELECT count(*) FROM messages WHERE state = 'unknown'")
    if told != unknown:
        books.wrong(f"{unknown} texts are unknown and /metrics shows {told}")

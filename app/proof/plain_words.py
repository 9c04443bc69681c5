"""Verdicts, evidence, sources and states in words that a merchant or a lawyer can read. Pure.

Called by `packet`. One place for all of it, so that what a verdict says elsewhere can say it here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from app.checkins.reasons import sentence

SOURCES = {
    "checkout_attribute": "ticked at checkout",
    "checkout_phone": "number given at checkout",
    "shopify_sms": "SMS consent in Shopify",
    "text": "the buyer's own text",
    "provider": "reported by the texting service",
}
PURPOSES = {
    "care": "care texts about orders",
    "marketing": "marketing texts",
    "number": "texts about an order that the number was given with",
    "all": "everything",
    "check_in": "check-in",
    "follow_up": "follow-up",
    "agent_reply": "an agent's reply",
    "reply": "a reply",
    "apology": "an apology for a late answer",
    "opt_out_confirmation": "confirmation of the opt-out",
    "opt_in_confirmation": "confirmation of the opt-in",
    "help_answer": "answer to HELP",
}
POLICIES = {
    "care_opt_in": "a care opt-in",
    "shopify_sms": "SMS consent in Shopify",
    "number_at_checkout": "a number given at checkout",
}
STATUSES = {
    "accepted": "taken by the texting service",
    "sent": "handed to the carrier",
    "delivered": "arrived on the phone",
    "read": "read",
    "undelivered": "not delivered by the carrier",
    "failed": "failed",
    "cancelled": "called off before it left",
    "canceled": "called off before it left",
    "unknown": "nobody can say whether it left",
}
EVIDENCE = {
    "consent": "rests on row {} of the consent ledger",
    "policy": "the shop accepts {} or stronger evidence",
    "inbound": "the buyer had written at {}",
    "rule": "the hours of {}",
    "sent": "a text of this kind had left at {}",
    "country": "the country {}",
    "order": "order number {} of the records",
}


def named(table: Mapping[str, str], code: str) -> str:
    """A code's words; one that is not in the table speaks for itself."""
    return table.get(code, code.replace("_", " "))


def consent_words(action: str, purpose: str) -> str:
    """What a person did, in the past tense."""
    if action == "revoked":
        return f"opted out of {named(PURPOSES, purpose)}"
    if purpose == "number":
        return "gave this number with an order"
    return f"agreed to {named(PURPOSES, purpose)}"


def verdict_words(
    verdict: str, reason: str | None, not_before: datetime | None, record: Mapping[str, Any]
) -> str:
    """One sentence: what was decided, and why."""
    if verdict == "allowed":
        until = record.get("window_end")
        return f"Allowed, until {moment(until)}." if until else "Allowed."
    why = sentence(reason) if reason else ""
    if verdict == "not_before" and not_before is not None:
        return f"Held until {moment(not_before)}. {why}"
    return f"Not sent. {why}"


def evidence_words(items: Sequence[str]) -> list[str]:
    """What a verdict rests on. Zones are told with their clocks, by `standing_words`."""
    said = []
    for item in items:
        kind, _, value = item.partition(":")
        if kind == "zone":
            continue
        if kind in ("inbound", "sent"):
            value = moment(value)
        elif kind == "rule":
            value = value.replace("@", ", as the rules stood on ")
        elif kind == "policy":
            value = named(POLICIES, value)
        said.append(EVIDENCE[kind].format(value) if kind in EVIDENCE else item)
    return said


def standing_words(standing: Mapping[str, Any], decided_at: datetime) -> list[str]:
    """How consents, places, hours and caps stood when it was decided."""
    if not standing:
        return []
    said = [
        f"on file for {named(PURPOSES, purpose)}: row {grant[0].partition(':')[2]}"
        + (f", wording {grant[1]}" if len(grant) > 1 else "")
        for purpose, grant in standing["consents"].items()
        if purpose != "opted_out"
    ]
    zones = standing["zones"]
    if zones and len(zones) <= 4:
        clocks = [f"{decided_at.astimezone(ZoneInfo(z)):%a %H:%M} in {z}" for z in zones]
        said.append("where the buyer may be it was " + ", ".join(clocks))
    elif zones:
        said.append(f"the buyer's place is not known: {len(zones)} time zones had to agree")
    had, most = standing["caps"]["proactive_in_24_hours"]
    said.append(f"{had} of at most {most} texts that we began within 24 hours")
    had, most = standing["caps"]["openers_of_order"]
    if most < 100:
        said.append(f"{had} of at most {most} check-ins for the order")
    return said


def author_words(direction: str, author: str, name: str | None, written_by: str | None) -> str:
    """Who or what wrote a text."""
    if direction == "in":
        return "The buyer"
    if author == "agent":
        _, _, who = (written_by or "").partition(":")
        return f"{name or 'An agent'}" + (f" ({who.replace(':', ' user ')})" if who else "")
    if written_by and written_by.startswith("copy:"):
        _, kind, version = written_by.split(":")
        return f"The shop's {kind.replace('_', ' ')} text, version {version}"
    return "The assistant" if author == "assistant" else "Automatic answer"


def moment(at: datetime | str) -> str:
    """`Nov 19, 2026, 21:25:00 UTC`."""
    said = datetime.fromisoformat(at) if isinstance(at, str) else at
    return f"{said.astimezone(ZoneInfo('UTC')):%b %-d, %Y, %H:%M:%S} UTC"

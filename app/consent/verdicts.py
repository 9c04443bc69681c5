"""What `permission` answers: yes, no or not yet; why; and on what evidence.

A verdict is stored beside every attempt to send (`as_record`), and a reason is shown to the
merchant in words (`reason_text`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any


class Reason(StrEnum):
    NO_PHONE = "no_phone"
    NO_CONSENT = "no_consent"
    CONSENT_UNCONFIRMED = "consent_unconfirmed"
    OPTED_OUT = "opted_out"
    NOT_OPTED_OUT = "not_opted_out"
    ALREADY_CONFIRMED = "already_confirmed"
    ALREADY_CLARIFIED = "already_clarified"
    MAY_BE_LEAVING = "may_be_leaving"
    LANDLINE = "landline"
    NOT_TEXTABLE = "not_textable"
    NUMBER_REASSIGNED = "number_reassigned"
    CARRIER_BLOCKS = "carrier_blocks"
    LITIGATOR = "litigator"
    COUNTRY_NOT_SUPPORTED = "country_not_supported"
    QUIET_HOURS = "quiet_hours"
    QUIET_HOURS_TOO_LONG = "quiet_hours_too_long"
    CAP_REACHED = "cap_reached"
    ALREADY_SENT = "already_sent"
    ALREADY_TALKING = "already_talking"
    RECENTLY_TEXTED = "recently_texted"
    UNANSWERED_BEFORE = "unanswered_before"
    SHOP_PAUSED = "shop_paused"
    UNINSTALLED = "uninstalled"
    SENDER_PAUSED = "sender_paused"
    TOO_OLD_TO_REPLY = "too_old_to_reply"


_TEXTS: Mapping[Reason, str] = {
    Reason.NO_PHONE: "The order carries no phone number that can be texted.",
    Reason.NO_CONSENT: "The buyer has not agreed to texts in a way that your settings accept.",
    Reason.CONSENT_UNCONFIRMED: "The buyer asked for texts but has not confirmed it yet.",
    Reason.OPTED_OUT: "The buyer has opted out of texts from you.",
    Reason.NOT_OPTED_OUT: "There is no opt-out to confirm.",
    Reason.ALREADY_CONFIRMED: "The opt-out was confirmed once already; a second text would break "
    "it.",
    Reason.MAY_BE_LEAVING: "The buyer may have wanted no more texts. We asked, and begin nothing "
    "until they answer.",
    Reason.ALREADY_CLARIFIED: "The buyer was asked once whether they meant to opt out; a second "
    "question would be one too many.",
    Reason.LANDLINE: "The number is a landline and cannot receive texts.",
    Reason.NOT_TEXTABLE: "The carrier could not reach this number.",
    Reason.NUMBER_REASSIGNED: "The number now belongs to somebody else.",
    Reason.CARRIER_BLOCKS: "The buyer's carrier blocks texts from businesses to this number.",
    Reason.LITIGATOR: "The texting service refuses this number: its owner is known for suing over "
    "texts.",
    Reason.COUNTRY_NOT_SUPPORTED: "The buyer is outside the United States and Canada.",
    Reason.QUIET_HOURS: "It is outside the hours in which this buyer may be texted; it waits.",
    Reason.QUIET_HOURS_TOO_LONG: "Within a week there is no hour in which this buyer may be "
    "texted.",
    Reason.CAP_REACHED: "This buyer has had three texts from you within 24 hours; it waits.",
    Reason.ALREADY_SENT: "This order has had its text of this kind already.",
    Reason.ALREADY_TALKING: "You are already talking with this buyer.",
    Reason.RECENTLY_TEXTED: "The buyer had a text from you about another order within a day.",
    Reason.UNANSWERED_BEFORE: "The buyer left an earlier check-in for this order unanswered.",
    Reason.SHOP_PAUSED: "Check-ins are paused in your settings.",
    Reason.UNINSTALLED: "The app is no longer installed.",
    Reason.SENDER_PAUSED: "Your number cannot send at present: its registration or its account "
    "needs attention.",
    Reason.TOO_OLD_TO_REPLY: "The buyer's text is too old for an automatic answer.",
}


def reason_text(reason: Reason) -> str:
    """One sentence for the merchant."""
    return _TEXTS[reason]


@dataclass(frozen=True)
class Allowed:
    """May go now, and must have arrived before `window_end` (aware, UTC).

    `covers_assistant`: the consent on file spoke of texts written by an assistant. Where it did
    not, a text that we begin uses fixed wording.
    """

    window_end: datetime
    evidence: tuple[str, ...]
    covers_assistant: bool = False

    def as_record(self) -> dict[str, Any]:
        """JSON for the ledger."""
        return {
            "verdict": "allowed",
            "window_end": self.window_end.isoformat(),
            "covers_assistant": self.covers_assistant,
            "evidence": list(self.evidence),
        }


@dataclass(frozen=True)
class Denied:
    """May not go, and waiting changes nothing."""

    reason: Reason
    evidence: tuple[str, ...]

    def as_record(self) -> dict[str, Any]:
        """JSON for the ledger."""
        return {
            "verdict": "denied",
            "reason": self.reason.value,
            "evidence": list(self.evidence),
        }


@dataclass(frozen=True)
class NotBefore:
    """May not go now; ask again at `at` (aware, UTC), when the same rules would let it pass."""

    at: datetime
    reason: Reason
    evidence: tuple[str, ...]

    def as_record(self) -> dict[str, Any]:
        """JSON for the ledger."""
        return {
            "verdict": "not_before",
            "at": self.at.isoformat(),
            "reason": self.reason.value,
            "evidence": list(self.evidence),
        }


Verdict = Allowed | Denied | NotBefore


def read_verdict(record: Mapping[str, Any]) -> Verdict:
    """A verdict as it was stored, see `as_record`."""
    evidence = tuple(record["evidence"])
    if record["verdict"] == "allowed":
        end = datetime.fromisoformat(record["window_end"])
        return Allowed(end, evidence, record.get("covers_assistant", False))
    if record["verdict"] == "denied":
        return Denied(Reason(record["reason"]), evidence)
    return NotBefore(datetime.fromisoformat(record["at"]), Reason(record["reason"]), evidence)

"""What a verdict is decided from: the facts of one moment, as plain values.

Gathered by `messaging.permit` (from rows), `replay` (from an export) and `explain_command` (from
the command line); read by `permission` and `explain`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from app.consent.policy import ConsentPolicy
from app.consent.purposes import Purpose
from app.consent.week_hours import WeekHours
from app.consent.zones import Places


class Capability(StrEnum):
    """What is known of the number: `contacts.line_kind`."""

    UNKNOWN = "unknown"
    MOBILE = "mobile"
    LANDLINE = "landline"
    UNREACHABLE = "unreachable"
    REASSIGNED = "reassigned"
    DO_NOT_TEXT = "do_not_text"  # its carrier blocks texts from businesses
    LITIGATOR = "litigator"  # the provider knows it for suing over texts


@dataclass(frozen=True)
class Grant:
    """One piece of consent; `evidence` names its row in the ledger, or its order."""

    evidence: str
    wording: str = field(default="", repr=False)
    covers_assistant: bool = False  # the wording spoke of texts written by an assistant
    at: datetime | None = None


@dataclass(frozen=True)
class OptOut:
    evidence: str
    at: datetime
    confirmed: bool = False  # our one confirmation, or the provider's, has gone out


@dataclass(frozen=True)
class ConsentState:
    """What the ledger says of one phone in one shop, revocations already applied."""

    care: Grant | None = None
    shopify_sms: Grant | None = None
    number_at_checkout: Grant | None = None
    opted_out: OptOut | None = None
    pending: Grant | None = None  # asked for, and waiting for the buyer's confirmation
    joined: Grant | None = None  # the latest form on the shop's page, confirmed or not


@dataclass(frozen=True)
class ProactiveSend:
    at: datetime
    order_id: int
    kind: Purpose


@dataclass(frozen=True)
class SendHistory:
    proactive: tuple[ProactiveSend, ...] = ()  # to this phone: of 24 hours, and of this order
    last_inbound_at: datetime | None = None
    last_answer_at: datetime | None = None  # an agent's or the assistant's latest text
    unanswered_check_in: bool = False  # for the order in question
    being_helped: bool = False  # a human or the assistant is at it in this conversation
    clarified_at: datetime | None = None  # we last asked whether they meant to opt out
    may_be_leaving: bool = False  # they have not answered that yet


@dataclass(frozen=True)
class Request:
    purpose: Purpose
    now: datetime  # aware, UTC
    phone: str | None = field(repr=False)  # E.164
    consent: ConsentState
    places: Places
    policy: ConsentPolicy = ConsentPolicy.CARE_OPT_IN
    history: SendHistory = SendHistory()
    order_id: int | None = None  # of a proactive text
    openers_allowed: int = 1  # more only where the shop chose one check-in for each parcel
    capability: Capability = Capability.UNKNOWN
    shop_window: WeekHours | None = None
    shop_paused: bool = False
    shop_installed: bool = True
    sender_active: bool = True

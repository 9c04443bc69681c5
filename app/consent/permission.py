"""May we text this person, about this, in this moment? The one place that decides.

Pure: the caller reads the facts in the transaction that will store the attempt, asks `decide`,
and stores the verdict with it. Asked by `messaging.send` before every single text, and by
`checkins` to plan.

What binds it:
- An opt-out is obeyed at once, whatever its age (47 CFR 64.1200(a)(10)-(12); some states hold it
  for ten years, so it never expires). After it go one confirmation, within five minutes, and the
  carrier-required answer to HELP.
- Texts that we begin need recorded consent, lawful hours at the recipient (64.1200(c)(1) and
  state laws) and stay under three in 24 hours (FL, OK, MD, NJ).
- Whoever wrote to us, or has just joined on the shop's page, is answered at any hour. An agent who
  comes back to an older thread needs no consent on file, because the buyer wrote first, but keeps
  to lawful hours.
- Care is timing, not volume: one opener and one follow-up for an order, none while we are
  talking anyway, none after one that stayed unanswered.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from app.consent.quiet_hours import next_window
from app.consent.state_rules import SUPPORTED_COUNTRIES, RuleBook, load_rules
from app.consent.verdicts import Allowed, Denied, NotBefore, Reason, Verdict
from app.consent.week_hours import WeekHours
from app.consent.zones import Places

# A text this recent is being answered, at any hour of the day.
REPLY_WITHIN = timedelta(hours=24)
# A confirmation any later counts as a text against the buyer's will (64.1200(a)(12)).
CONFIRM_WITHIN = timedelta(minutes=5)
PROACTIVE_PER_DAY = 3
# Whoever has just joined on the shop's page waits for the text that says so, at any hour.
CONFIRM_JOINING_WITHIN = timedelta(hours=1)
# A window that closes sooner leaves the provider no time to deliver.
ROOM = timedelta(minutes=5)


class Purpose(StrEnum):
    CHECK_IN = "check_in"
    FOLLOW_UP = "follow_up"
    AGENT_REPLY = "agent_reply"
    REPLY = "reply"  # system or assistant, to a text just received
    OPT_OUT_CONFIRMATION = "opt_out_confirmation"
    HELP_ANSWER = "help_answer"
    OPT_IN_CONFIRMATION = "opt_in_confirmation"


PROACTIVE = frozenset({Purpose.CHECK_IN, Purpose.FOLLOW_UP})

# How lately the buyer may have written before a text of ours only interrupts. A follow-up mostly
# keeps a promise of the day before, so it stands down for a talk that goes on right now only.
_TALKING_WITHIN = {Purpose.CHECK_IN: timedelta(hours=24), Purpose.FOLLOW_UP: timedelta(hours=2)}


class ConsentPolicy(StrEnum):
    """The weakest evidence that a shop accepts; stronger evidence always counts too."""

    CARE_OPT_IN = "care_opt_in"
    SHOPIFY_SMS = "shopify_sms"
    NUMBER_AT_CHECKOUT = "number_at_checkout"


class Capability(StrEnum):
    UNKNOWN = "unknown"
    MOBILE = "mobile"
    LANDLINE = "landline"
    UNREACHABLE = "unreachable"
    REASSIGNED = "reassigned"


@dataclass(frozen=True)
class Grant:
    """One piece of consent; `evidence` names its row in the ledger, or its order."""

    evidence: str
    wording: str = field(default="", repr=False)


@dataclass(frozen=True)
class OptOut:
    evidence: str
    at: datetime
    confirmed: bool = False  # our one confirmation, or the provider's, has gone out


@dataclass(frozen=True)
class JustJoined:
    """The latest time that somebody entered this number on the shop's page, confirmed or not."""

    evidence: str
    at: datetime


@dataclass(frozen=True)
class ConsentState:
    """What the ledger says of one phone in one shop, revocations already applied."""

    care: Grant | None = None
    shopify_sms: Grant | None = None
    number_at_checkout: Grant | None = None
    opted_out: OptOut | None = None
    joined: JustJoined | None = None


@dataclass(frozen=True)
class ProactiveSend:
    at: datetime
    order_id: int
    kind: Purpose


@dataclass(frozen=True)
class SendHistory:
    proactive: tuple[ProactiveSend, ...] = ()  # to this phone: of 24 hours, and of this order
    last_inbound_at: datetime | None = None
    unanswered_check_in: bool = False  # for the order in question
    being_helped: bool = False  # a human or the assistant is at it in this conversation


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


def decide(request: Request, rules: RuleBook | None = None) -> Verdict:
    """The verdict for one text in this moment; `rules` defaults to the shipped table."""
    book = rules or load_rules()
    if not request.phone:
        return Denied(Reason.NO_PHONE, ())
    if not request.shop_installed:
        return Denied(Reason.UNINSTALLED, ())
    if refusal := _opt_out_refuses(request):
        return refusal
    if not request.sender_active:
        return Denied(Reason.SENDER_PAUSED, ())
    if request.purpose is Purpose.OPT_OUT_CONFIRMATION:
        return _confirm_opt_out(request)
    if _wrote_within(request, REPLY_WITHIN) and request.purpose not in PROACTIVE:
        return _answer(request)
    if request.purpose is Purpose.OPT_IN_CONFIRMATION and request.consent.joined is not None:
        return _confirm_joining(request, request.consent.joined)
    if request.purpose not in PROACTIVE and request.purpose is not Purpose.AGENT_REPLY:
        return Denied(Reason.TOO_OLD_TO_REPLY, ())
    return _begin(request, book)


def _opt_out_refuses(request: Request) -> Denied | None:
    opt_out = request.consent.opted_out
    if opt_out is None or request.purpose is Purpose.HELP_ANSWER:
        return None
    if request.purpose is not Purpose.OPT_OUT_CONFIRMATION:
        return Denied(Reason.OPTED_OUT, (opt_out.evidence,))
    if opt_out.confirmed:
        return Denied(Reason.ALREADY_CONFIRMED, (opt_out.evidence,))
    return None


def _confirm_opt_out(request: Request) -> Verdict:
    opt_out = request.consent.opted_out
    if opt_out is None:
        return Denied(Reason.NOT_OPTED_OUT, ())
    end = opt_out.at + CONFIRM_WITHIN
    if request.now >= end:
        return Denied(Reason.TOO_OLD_TO_REPLY, (opt_out.evidence,))
    return Allowed(end, (opt_out.evidence,))


def _wrote_within(request: Request, span: timedelta) -> bool:
    last = request.history.last_inbound_at
    return last is not None and request.now - last < span


def _answer(request: Request) -> Verdict:
    last = request.history.last_inbound_at or request.now
    return Allowed(last + REPLY_WITHIN, (f"inbound:{last.isoformat()}",))


def _confirm_joining(request: Request, joined: JustJoined) -> Verdict:
    """The one text that answers a form on the shop's page; carriers want it at once."""
    end = joined.at + CONFIRM_JOINING_WITHIN
    if request.now >= end:
        return Denied(Reason.TOO_OLD_TO_REPLY, (joined.evidence,))
    return _cannot_be_texted(request) or Allowed(end, (joined.evidence,))


def _cannot_be_texted(request: Request) -> Denied | None:
    unfit = _UNFIT.get(request.capability)
    if unfit is not None:
        return Denied(unfit, ())
    if not request.places.zones or not request.places.countries <= SUPPORTED_COUNTRIES:
        abroad = sorted(request.places.countries - SUPPORTED_COUNTRIES)
        return Denied(Reason.COUNTRY_NOT_SUPPORTED, tuple(f"country:{c}" for c in abroad))
    return None


def _begin(request: Request, book: RuleBook) -> Verdict:
    """A text nobody is waiting for: proactive, or an agent's to an older thread."""
    if refusal := _cannot_be_texted(request):
        return refusal
    if request.purpose is Purpose.AGENT_REPLY and request.history.last_inbound_at is not None:
        ground: tuple[str, ...] = (f"inbound:{request.history.last_inbound_at.isoformat()}",)
    else:
        grant = _accepted(request.consent, request.policy)
        if grant is None:
            return Denied(Reason.NO_CONSENT, (f"policy:{request.policy}",))
        ground = (grant.evidence, f"policy:{request.policy}")
    if request.purpose in PROACTIVE and (refusal := _stand_down(request, ground)):
        return refusal
    return _in_lawful_hours(request, book, ground)


_UNFIT = {
    Capability.LANDLINE: Reason.LANDLINE,
    Capability.UNREACHABLE: Reason.NOT_TEXTABLE,
    Capability.REASSIGNED: Reason.NUMBER_REASSIGNED,
}


def _accepted(consent: ConsentState, policy: ConsentPolicy) -> Grant | None:
    """The strongest consent on file, if the policy accepts it."""
    if consent.care is not None or policy is ConsentPolicy.CARE_OPT_IN:
        return consent.care
    if consent.shopify_sms is not None or policy is ConsentPolicy.SHOPIFY_SMS:
        return consent.shopify_sms
    return consent.number_at_checkout


def _stand_down(request: Request, ground: tuple[str, ...]) -> Denied | None:
    history, purpose = request.history, request.purpose
    if request.shop_paused:
        return Denied(Reason.SHOP_PAUSED, ground)
    limit = request.openers_allowed if purpose is Purpose.CHECK_IN else 1
    sent = [s for s in history.proactive if s.order_id == request.order_id and s.kind is purpose]
    if len(sent) >= limit:
        return Denied(Reason.ALREADY_SENT, (*ground, f"sent:{max(s.at for s in sent).isoformat()}"))
    if history.being_helped or _wrote_within(request, _TALKING_WITHIN[purpose]):
        return Denied(Reason.ALREADY_TALKING, ground)
    if history.unanswered_check_in:
        return Denied(Reason.UNANSWERED_BEFORE, ground)
    return None


def _in_lawful_hours(request: Request, book: RuleBook, ground: tuple[str, ...]) -> Verdict:
    now, earliest = request.now, request.now
    # An agent keeps to the hours of the law and of the product, not to those of the campaign.
    shop_window = request.shop_window if request.purpose in PROACTIVE else None
    evidence = (
        *ground,
        *(rule.evidence for rule in book.applying(request.places.regions)),
        *(f"zone:{zone}" for zone in sorted(request.places.zones)),
    )
    if request.purpose in PROACTIVE:
        recent = sorted(s.at for s in request.history.proactive if now - s.at < timedelta(days=1))
        if len(recent) >= PROACTIVE_PER_DAY:
            earliest = recent[-PROACTIVE_PER_DAY] + timedelta(days=1)
    window = next_window(earliest, request.places, book, shop_window, room=ROOM)
    if window is None:
        return Denied(Reason.QUIET_HOURS_TOO_LONG, evidence)
    if window.start > now:
        reason = Reason.CAP_REACHED if earliest > now else Reason.QUIET_HOURS
        return NotBefore(window.start, reason, evidence)
    return Allowed(window.end, evidence)

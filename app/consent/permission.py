"""May we text this person, about this, in this moment? The one place that decides.

Pure: the caller reads the facts in the transaction that will store the attempt, asks `decide`,
and stores the verdict with it. Asked by `messaging.send` before every single text, and by
`checkins` to plan. What each purpose brings along stands in `purposes`; `explain` says a verdict
in words.

What binds it:
- An opt-out is obeyed at once, whatever its age (47 CFR 64.1200(a)(10)-(12); some states hold it
  for ten years, so it never expires). After it go one confirmation, within five minutes, the
  carrier-required answer to HELP, and help for somebody who writes again in danger.
- Texts that we begin need recorded consent, or the buyer's own request, and lawful hours at the
  recipient (64.1200(c)(1), state laws with their Sundays and holidays). Check-ins, follow-ups and
  order news together stay under three in 24 hours (FL, OK, MD, NJ, OR), everywhere.
- Whoever wrote to us, or has just joined on the shop's page, is answered at any hour. An agent who
  comes back to an older thread needs no consent on file, because the buyer wrote first, but keeps
  to lawful hours.
- Care is timing, not volume: one opener and one follow-up for an order, no opener while we are
  talking anyway, within 24 hours of another order's, or after one that stayed unanswered.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from app.consent.facts import (
    Capability,
    ConsentState,
    Grant,
    OptOut,
    ProactiveSend,
    Request,
    SendHistory,
)
from app.consent.policy import ConsentPolicy
from app.consent.purposes import (
    CONFIRM_WITHIN,
    PROACTIVE,
    REPLY_WITHIN,
    TRAITS,
    WELCOME_WITHIN,
    AfterOptOut,
    Purpose,
)
from app.consent.quiet_hours import next_window
from app.consent.state_rules import SUPPORTED_COUNTRIES, HoursRule, RuleBook, load_rules
from app.consent.verdicts import Allowed, Denied, NotBefore, Reason, Verdict

DAY = timedelta(days=1)
PROACTIVE_PER_DAY = 3
# How lately a text counts as talking, and another order's check-in as enough for now.
LATELY = timedelta(hours=24)
# A window that closes sooner leaves the provider no time to deliver.
ROOM = timedelta(minutes=5)

_CARE_TEXTS = frozenset({Purpose.CHECK_IN, Purpose.FOLLOW_UP})


def decide(request: Request, rules: RuleBook | None = None) -> Verdict:
    """The verdict for one text in this moment; `rules` defaults to the shipped table."""
    traits = TRAITS[request.purpose]
    if not request.phone:
        return Denied(Reason.NO_PHONE, ())
    if not request.shop_installed:
        return Denied(Reason.UNINSTALLED, ())
    if refusal := _opt_out_refuses(request):
        return refusal
    if request.capability is Capability.LITIGATOR:
        return Denied(Reason.LITIGATOR, ())
    if not request.sender_active:
        return Denied(Reason.SENDER_PAUSED, ())
    if request.purpose is Purpose.OPT_OUT_CONFIRMATION:
        return _confirm_opt_out(request)
    if request.purpose is Purpose.CLARIFICATION and _lately(request.history.clarified_at, request):
        return Denied(Reason.ALREADY_CLARIFIED, ())
    if answer := _answer(request, traits.answers_within):
        return answer
    if request.purpose is Purpose.OPT_IN_CONFIRMATION and (welcome := _welcome(request)):
        return welcome
    if not traits.begins:
        return Denied(Reason.TOO_OLD_TO_REPLY, ())
    return _begin(request, rules or load_rules())


def _opt_out_refuses(request: Request) -> Denied | None:
    opt_out = request.consent.opted_out
    if opt_out is None:
        return None
    after = TRAITS[request.purpose].after_opt_out
    last = request.history.last_inbound_at
    wrote_since = last is not None and last > opt_out.at
    if after is AfterOptOut.NEVER or (after is AfterOptOut.IF_WROTE_SINCE and not wrote_since):
        return Denied(Reason.OPTED_OUT, (opt_out.evidence,))
    if request.purpose is Purpose.OPT_OUT_CONFIRMATION and opt_out.confirmed:
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


def _answer(request: Request, within: timedelta | None) -> Allowed | None:
    """Somebody waits for it: at any hour, without consent on file."""
    last = request.history.last_inbound_at
    if within is None or last is None or request.now - last >= within:
        return None
    consent = request.consent
    grants = (consent.care, consent.shopify_sms, consent.number_at_checkout)
    covered = any(grant is not None and grant.covers_assistant for grant in grants)
    return Allowed(last + within, (f"inbound:{last.isoformat()}",), covered)


def _welcome(request: Request) -> Verdict | None:
    """Who joined on the shop's page has not written, but waits for the text that says so; carriers
    want it at once."""
    joined = request.consent.joined
    if joined is None or joined.at is None or request.now - joined.at >= WELCOME_WITHIN:
        return None
    evidence, end = (joined.evidence,), joined.at + WELCOME_WITHIN
    return _cannot_be_texted(request) or Allowed(end, evidence, joined.covers_assistant)


def _lately(moment: datetime | None, request: Request) -> bool:
    return moment is not None and request.now - moment < LATELY


def _cannot_be_texted(request: Request) -> Denied | None:
    unfit = _UNFIT.get(request.capability)
    if unfit is not None:
        return Denied(unfit, ())
    if not request.places.zones or not request.places.countries <= SUPPORTED_COUNTRIES:
        abroad = sorted(request.places.countries - SUPPORTED_COUNTRIES)
        return Denied(Reason.COUNTRY_NOT_SUPPORTED, tuple(f"country:{c}" for c in abroad))
    return None


def _begin(request: Request, book: RuleBook) -> Verdict:
    """A text nobody is waiting for this minute."""
    if refusal := _cannot_be_texted(request):
        return refusal
    grant = _accepted(request.consent, request.policy)
    asked = request.history.last_inbound_at if TRAITS[request.purpose].asked_for else None
    if grant is not None:
        ground: tuple[str, ...] = (grant.evidence, f"policy:{request.policy}")
    elif asked is not None:
        ground = (f"inbound:{asked.isoformat()}",)
    elif request.consent.pending is not None:
        pending = request.consent.pending.evidence
        return Denied(Reason.CONSENT_UNCONFIRMED, (pending, f"policy:{request.policy}"))
    else:
        return Denied(Reason.NO_CONSENT, (f"policy:{request.policy}",))
    if refusal := _stand_down(request, ground):
        return refusal
    covered = grant is not None and grant.covers_assistant
    return _in_lawful_hours(request, book, ground, covered)


_UNFIT = {
    Capability.LANDLINE: Reason.LANDLINE,
    Capability.UNREACHABLE: Reason.NOT_TEXTABLE,
    Capability.REASSIGNED: Reason.NUMBER_REASSIGNED,
    Capability.DO_NOT_TEXT: Reason.CARRIER_BLOCKS,
}


def _accepted(consent: ConsentState, policy: ConsentPolicy) -> Grant | None:
    """The strongest consent on file, if the policy accepts it."""
    if consent.care is not None or policy is ConsentPolicy.CARE_OPT_IN:
        return consent.care
    if consent.shopify_sms is not None or policy is ConsentPolicy.SHOPIFY_SMS:
        return consent.shopify_sms
    return consent.number_at_checkout


def _stand_down(request: Request, ground: tuple[str, ...]) -> Denied | None:
    history, purpose, traits = request.history, request.purpose, TRAITS[request.purpose]
    if traits.proactive and request.shop_paused:
        return Denied(Reason.SHOP_PAUSED, ground)
    if traits.proactive and history.may_be_leaving:
        return Denied(Reason.MAY_BE_LEAVING, ground)
    if traits.once_per_order:
        limit = request.openers_allowed if purpose is Purpose.CHECK_IN else 1
        sent = [
            s.at for s in history.proactive if s.order_id == request.order_id and s.kind is purpose
        ]
        if len(sent) >= limit:
            return Denied(Reason.ALREADY_SENT, (*ground, f"sent:{max(sent).isoformat()}"))
    if not traits.minds_attention:
        return None
    talked = (history.last_inbound_at, history.last_answer_at)
    if history.being_helped or any(_lately(at, request) for at in talked):
        return Denied(Reason.ALREADY_TALKING, ground)
    if history.unanswered_check_in:
        return Denied(Reason.UNANSWERED_BEFORE, ground)
    others = [
        s.at
        for s in history.proactive
        if s.order_id != request.order_id and s.kind in _CARE_TEXTS and _lately(s.at, request)
    ]
    if others:
        return Denied(Reason.RECENTLY_TEXTED, (*ground, f"sent:{max(others).isoformat()}"))
    return None


def _in_lawful_hours(
    request: Request, book: RuleBook, ground: tuple[str, ...], covered: bool
) -> Verdict:
    now, earliest = request.now, request.now
    # An agent keeps to the hours of the law and of the product, not to those of the campaign.
    proactive = TRAITS[request.purpose].proactive
    shop_window = request.shop_window if proactive else None
    applying = book.applying(request.places.regions)
    evidence = (
        *ground,
        book.evidence,
        *(rule.evidence for rule in applying),
        *(f"zone:{zone}" for zone in sorted(request.places.zones)),
    )
    if proactive:
        cap = cap_of(applying)
        recent = sorted(s.at for s in request.history.proactive if now - s.at < DAY)
        if len(recent) >= cap:
            earliest = recent[-cap] + DAY
    window = next_window(earliest, request.places, book, shop_window, room=ROOM)
    if window is None:
        return Denied(Reason.QUIET_HOURS_TOO_LONG, evidence)
    if window.start > now:
        reason = Reason.CAP_REACHED if earliest > now else Reason.QUIET_HOURS
        return NotBefore(window.start, reason, evidence)
    return Allowed(window.end, evidence, covered)


def cap_of(rules: tuple[HoursRule, ...]) -> int:
    """Texts that we may begin in 24 hours under these rules and our own."""
    return min([PROACTIVE_PER_DAY, *(rule.cap_24h for rule in rules if rule.cap_24h)])


__all__ = [
    "CONFIRM_WITHIN", "PROACTIVE", "REPLY_WITHIN", "Capability", "ConsentPolicy", "ConsentState",
    "Grant", "OptOut", "ProactiveSend", "Purpose", "Request", "SendHistory", "cap_of", "decide",
]  # fmt: skip

"""How everything stood when a verdict was given, kept beside it. Pure.

Called by `messaging.permit`. A verdict names what it rests on; this says what it was weighed
against: the consents on file and their wording's version, the places, the caps and how full they
were, the shop's own hours. Ids, counts and codes, so that it may be kept when texts are removed.
"""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any

from app.consent.permission import PROACTIVE_PER_DAY, ConsentState, Request

VERSION_DIGITS = 12


def version_of(words: str) -> str:
    """The version of a wording or copy: the first digits of its SHA-256."""
    return hashlib.sha256(words.encode()).hexdigest()[:VERSION_DIGITS]


def standing_of(request: Request) -> dict[str, Any]:
    """JSON for the ledger."""
    history = request.history
    lately = [s for s in history.proactive if request.now - s.at < timedelta(days=1)]
    of_order = [s for s in history.proactive if s.order_id == request.order_id]
    return {
        "policy": request.policy.value,
        "consents": _consents(request.consent),
        "regions": sorted(request.places.regions),
        "zones": sorted(request.places.zones),
        "shop_hours": request.shop_window and [list(d or ()) for d in request.shop_window.days],
        "caps": {
            "proactive_in_24_hours": [len(lately), PROACTIVE_PER_DAY],
            "openers_of_order": [len(of_order), request.openers_allowed],
        },
        "last_inbound_at": history.last_inbound_at and history.last_inbound_at.isoformat(),
        "unanswered_check_in": history.unanswered_check_in,
        "being_helped": history.being_helped,
        "line_kind": request.capability.value,
        "shop_paused": request.shop_paused,
        "sender_active": request.sender_active,
    }


def _consents(consent: ConsentState) -> dict[str, list[str]]:
    """Purpose -> the row of the ledger, and the version of its wording if it has one."""
    grants = {
        "care": consent.care,
        "marketing": consent.shopify_sms,
        "number": consent.number_at_checkout,
    }
    found = {
        purpose: [grant.evidence, *([version_of(grant.wording)] if grant.wording else [])]
        for purpose, grant in grants.items()
        if grant is not None
    }
    if consent.opted_out is not None:
        found["opted_out"] = [consent.opted_out.evidence]
    return found

"""One thread as an agent's page shows it: who the buyer is, what was said, what may be done.

Called by `api`, which notes the read. The words about permission are permission's own; nothing is
decided here.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from zoneinfo import ZoneInfo

from app.checkins.send import size_of
from app.consent.explain import explain
from app.consent.permission import decide
from app.consent.place_names import place_of
from app.consent.quiet_hours import next_window
from app.consent.state_rules import load_rules
from app.consent.verdicts import Allowed, Denied, Verdict, reason_text
from app.consent.zones import Places, locate_address
from app.conversations.models import Promise
from app.desk.photo_links import photo_link
from app.desk.queries import Thread
from app.desk.saved.fill import Bought, fill, values_of
from app.desk.show_order import show_order, show_other
from app.desk.show_texts import iso, show_text
from app.foundation.phone import shown
from app.helpdesk.needs import Needs
from app.helpdesk.report_failure import explain as explain_failure
from app.orders.ports import Place

# The assistant comes later. Until then nobody would answer a thread that is handed back to it, so
# that is not offered; its door is there all the same, as the tag and the note's line are.
HAS_ASSISTANT = False


def show_thread(tools: Needs, thread: Thread, *, now: datetime) -> dict[str, object]:
    """The JSON of `GET /api/desk/thread`; the front end's types say the same."""
    conversation, shop, order = thread.conversation, thread.shop, thread.order
    place, zone = home_of(thread)
    keys = tools.keys.signing_keys
    return {
        "conversation_id": conversation.id,
        "state": conversation.state,
        "handled_by": conversation.handled_by,
        "waiting_since": iso(conversation.waiting_since),
        "urgent": conversation.urgent_at is not None,
        "turn": conversation.turn,
        "buyer": show_buyer(thread, place, zone, now),
        "consent": show_consent(thread, now),
        "clock": show_clock(thread, zone, now),
        "messages": [
            show_text(
                text,
                now=now,
                zone=zone or shop.timezone,
                explain=partial(explain_failure, tools),
                photo_link=lambda media_id: photo_link(
                    keys, now=now, media_id=media_id, shop_id=shop.id
                ),
            )
            for text in thread.texts
        ],
        "more": thread.more,
        "order": show_order(order, shop_domain=shop.domain, zone=shop.timezone) if order else None,
        "other_orders": [show_other(one) for one in thread.other_orders],
        "promises": [show_promise(one, shop.timezone, now) for one in thread.promises],
        "draft": None,
        "summary": None,
        "saved_replies": show_saved_replies(thread),
        "abilities": abilities_of(thread),
    }


def home_of(thread: Thread) -> tuple[Places | None, str | None]:
    """Where the buyer most likely is, and their clock; None where nothing or too much fits."""
    order, contact = thread.order, thread.contact
    if order is not None and order.ship_country:
        place = Place(country=order.ship_country, region=order.ship_region, zip=order.ship_zip)
    else:
        place = Place(country=contact.country, zip=contact.zip)
    for places in (locate_address(place), thread.request.places):
        if len(places.zones) == 1:
            return places, min(places.zones)
    return None, None


def show_buyer(
    thread: Thread, place: Places | None, zone: str | None, now: datetime
) -> dict[str, object]:
    contact = thread.contact
    names = () if contact.shared_phone else (contact.first_name, contact.last_name)
    local = now.astimezone(ZoneInfo(zone)) if zone else None
    return {
        "name": " ".join(part.strip() for part in names if part and part.strip()) or None,
        "first_name": None if contact.shared_phone else contact.first_name,
        "phone": contact.phone,
        "phone_shown": shown(contact.phone),
        "shared_phone": contact.shared_phone,
        "local_time": f"{local:%H:%M}" if local else None,
        "local_zone": local.tzname() if local else None,
        "place": place_of(zone, place) if zone and place else None,
    }


def show_consent(thread: Thread, now: datetime) -> dict[str, object]:
    row = thread.consent
    if row is None:
        state = "none"
    else:
        state = "opted_out" if thread.request.consent.opted_out else "granted"
    return {
        "state": state,
        "since": iso(row.occurred_at) if row else None,
        "source": row.source if row else None,
        "wording": row.wording if row else None,
        "evidence_id": f"c-{row.id}" if row else None,
        "may_text": show_verdict(decide(thread.request), thread, now),
    }


def show_verdict(verdict: Verdict, thread: Thread, now: datetime) -> dict[str, object]:
    if isinstance(verdict, Denied):
        return {"verdict": "no", "until": None, "words": reason_text(verdict.reason)}
    request = thread.request
    said = explain(verdict, purpose=request.purpose, now=now, places=request.places)
    if isinstance(verdict, Allowed):
        return {"verdict": "yes", "until": iso(verdict.window_end), "words": said}
    return {"verdict": "later", "until": iso(verdict.at), "words": said}


def show_clock(thread: Thread, zone: str | None, now: datetime) -> dict[str, object]:
    """The hours of what we begin ourselves; whoever wrote is answered at any hour."""
    request = thread.request
    window = next_window(now, request.places, load_rules(), request.shop_window)
    if window is None:
        return {
            "open": False,
            "opens_at": None,
            "closes_at": None,
            "words": "There is no hour this week in which a check-in may go.",
        }
    is_open = window.start <= now
    edge = (window.end if is_open else window.start).astimezone(
        ZoneInfo(zone or thread.shop.timezone)
    )
    whose = "their time" if zone else "your time"
    words = f"until {edge:%H:%M}" if is_open else f"from {edge:%a %H:%M}"
    return {
        "open": is_open,
        "opens_at": None if is_open else iso(window.start),
        "closes_at": iso(window.end),
        "words": f"Check-ins may go {words} {whose}.",
    }


def show_promise(promise: Promise, zone: str, now: datetime) -> dict[str, object]:
    """In the agents' time: it is theirs to keep."""
    due = promise.due_at.astimezone(ZoneInfo(zone))
    today = now.astimezone(ZoneInfo(zone)).date()
    day = "" if due.date() == today else f" on {due:%a} {due.day} {due:%b}"
    return {
        "id": promise.id,
        "words": f"A person answers by {due:%H:%M}{day}",
        "due_at": iso(promise.due_at),
        "state": promise.state,
    }


def show_saved_replies(thread: Thread) -> list[dict[str, object]]:
    order, contact = thread.order, thread.contact
    held = [line for line in order.lines if line.current_quantity > 0] if order else []
    values = values_of(
        first_name=None if contact.shared_phone else contact.first_name,
        shop=thread.shop.name,
        order=order.name if order else None,
        bought=[Bought(line.title, size_of(line.options)) for line in held],
    )
    shown_replies: list[dict[str, object]] = []
    for one in thread.saved_replies:
        filled = fill(one.text, values)
        shown_replies.append({"id": one.id, "title": one.title, "text": filled.text})
        if filled.missing:
            shown_replies[-1]["missing"] = list(filled.missing)
    return shown_replies


def abilities_of(thread: Thread) -> Sequence[str]:
    """What makes sense now; each is checked again when it is done."""
    out = thread.request.consent.opted_out is not None
    conversation = thread.conversation
    is_ours = conversation.handled_by == "assistant"
    return [
        *([] if out else ["reply", "opt_out"]),
        *(["take_over"] if is_ours else ["hand_back"] if HAS_ASSISTANT else []),
        "reopen" if conversation.state == "resolved" else "resolve",
    ]

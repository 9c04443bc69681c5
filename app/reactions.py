"""What follows from what. Read this first.

*Now* runs in the event's own transaction and touches the database only. *Later* becomes an
outbox row in that transaction, then a job; whatever calls a vendor is later.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from app.checkins import cancel as checkins_cancel
from app.checkins import jobs as checkins_jobs
from app.checkins import outcome as checkins_outcome
from app.checkins import schedule as checkins_schedule
from app.consent import from_checkout as consent_from_checkout
from app.consent.events import ConsentRevoked, MarketingRevoked
from app.conversations import answer_at_once as conversations_answer_at_once
from app.conversations import promise as conversations_promise
from app.conversations import route as conversations_route
from app.conversations.events import (
    ContactWrote,
    CrisisSeen,
    HandedBack,
    HandedOff,
    MessageAdded,
    PromiseBroken,
    Reopened,
    Resolved,
    TakenOver,
)
from app.foundation.db import LaterWork, Session, key_of_order
from app.foundation.events import Event
from app.helpdesk import follow_text as helpdesk_follow_text
from app.helpdesk import jobs as helpdesk_jobs
from app.helpdesk import late_photo as helpdesk_late_photo
from app.helpdesk import want_state as helpdesk_want_state
from app.joining import jobs as joining_jobs
from app.joining import join_by_text, note_unsent
from app.joining.events import MarketingConsentGiven
from app.messaging import jobs as messaging_jobs
from app.messaging import queue as messaging_queue
from app.messaging.events import (
    PhotoStored,
    TextEnded,
    TextReceived,
    TextRetried,
    TextsAccepted,
)
from app.orders import jobs as orders_jobs
from app.orders.events import OrderStopped, ParcelDelivered, PhoneGivenAtCheckout
from app.privacy import answer as privacy_answer
from app.privacy import jobs as privacy_jobs
from app.shops import jobs as shops_jobs
from app.shops.events import ShopInstalled, ShopUninstalled


@dataclass(frozen=True)
class Now:
    use_case: Callable[..., object]  # (session, event, *, now)


@dataclass(frozen=True)
class Later:
    topic: str
    queue: str
    ids: tuple[str, ...]  # fields of the event that the job is given
    in_order_of: str | None = None  # a room's jobs with equal value of this field run one by one
    when: Callable[[Any], bool] = lambda event: True


REACTIONS: Mapping[type[Event], tuple[Now | Later, ...]] = {
    # Shopify
    ShopInstalled: (Later("shops.settle_in", "sync", ("domain",)),),
    ShopUninstalled: (Now(checkins_cancel.cancel_all_of_shop),),
    ParcelDelivered: (
        Now(checkins_schedule.schedule_for_parcel),
        Later("orders.complete", "sync", ("order_id",), in_order_of="order_id"),
    ),
    PhoneGivenAtCheckout: (Now(consent_from_checkout.record_checkout),),
    OrderStopped: (Now(checkins_cancel.cancel_for_order),),
    # Texts
    TextReceived: (
        Now(conversations_route.route_text),
        Now(join_by_text.join_by_text),
        Now(conversations_answer_at_once.answer_at_once),
        Now(privacy_answer.hear_text),
        Later("messaging.fetch_photos", "reply", ("message_id",), when=lambda e: e.photos > 0),
    ),
    PhotoStored: (Now(helpdesk_late_photo.notice_late_photo),),
    TextsAccepted: (
        Now(messaging_queue.wake_after_accepted),
        Now(checkins_outcome.mark_sent),
        Now(helpdesk_follow_text.mirror_if_ticketed),
    ),
    TextEnded: (
        Now(messaging_queue.wake_after_ended),
        Now(checkins_outcome.mark_ended),
        Now(note_unsent.note_unsent),
        Later(
            "helpdesk.report_failure",
            "sync",
            # In no order: a buyer's text must not wait while this is tried again and again.
            ("conversation_id", "message_id"),
            when=lambda e: e.conversation_id is not None,
        ),
    ),
    TextRetried: (Now(checkins_outcome.follow_retry),),
    ConsentRevoked: (
        Now(conversations_promise.release_for_contact),  # first, see `messaging.locks`
        Now(messaging_queue.cancel_for_contact),
        Now(checkins_cancel.cancel_for_contact),
        Later("joining.sync_marketing", "sync", ("contact_id",), in_order_of="contact_id"),
    ),
    MarketingConsentGiven: (
        Later("joining.sync_marketing", "sync", ("contact_id",), in_order_of="contact_id"),
    ),
    MarketingRevoked: (Later("joining.sync_marketing", "sync", ("contact_id",)),),
    # Threads
    # Where tickets open at a hand-off, this is the hour of this one.
    TakenOver: (
        Later("helpdesk.mirror", "reply", ("conversation_id",), in_order_of="conversation_id"),
    ),
    HandedBack: (),
    HandedOff: (
        Later(
            "helpdesk.raise_ticket",
            "reply",
            ("conversation_id", "reason", "message_id", "promise_id"),
            in_order_of="conversation_id",  # or it and the text's own mirror meet at the ticket
        ),
    ),
    PromiseBroken: (Later("helpdesk.tell_broken", "reply", ("conversation_id", "promise_id")),),
    Resolved: (Now(helpdesk_want_state.want_solved),),
    Reopened: (Now(helpdesk_want_state.want_open),),
    CrisisSeen: (
        Later("helpdesk.flag_urgent", "reply", ("conversation_id", "message_id", "kind")),
    ),
    # In the queue of the text's ticket, so that both travel in one job.
    ContactWrote: (Later("checkins.record_answers", "reply", ("contact_id",)),),
    MessageAdded: (
        Later(
            "messaging.send",
            "reply",  # a buyer waits for it; it must not stand behind a burst of check-ins
            ("message_id",),
            in_order_of="conversation_id",
            when=lambda e: e.outbound and e.author == "agent",
        ),
        Later(
            "messaging.send",
            "send",
            ("message_id",),
            in_order_of="conversation_id",
            when=lambda e: e.outbound and e.author != "agent",
        ),
        Later(
            "helpdesk.mirror",
            "reply",
            ("conversation_id",),
            in_order_of="conversation_id",
            when=lambda e: not e.outbound,
        ),
    ),
}

JOBS: Mapping[str, Callable[..., None]] = {
    "shops.settle_in": shops_jobs.settle_in,
    "orders.complete": orders_jobs.complete_order,
    "checkins.record_answers": checkins_jobs.record_answers,
    "joining.sync_marketing": joining_jobs.sync_marketing,
    "messaging.send": messaging_jobs.send,
    "messaging.fetch_photos": messaging_jobs.fetch_photos,
    "messaging.settle_status": messaging_jobs.settle_status,
    "messaging.look_up": messaging_jobs.look_up,
    "messaging.delete_at_provider": messaging_jobs.delete_at_provider,
    "messaging.delete_photo": messaging_jobs.delete_photo,
    "messaging.redact_at_provider": messaging_jobs.redact_at_provider,
    "messaging.backfill": messaging_jobs.backfill,
    "orders.reconcile": orders_jobs.reconcile_shop,
    "helpdesk.mirror": helpdesk_jobs.mirror,
    "helpdesk.report_failure": helpdesk_jobs.report_failure,
    "helpdesk.add_late_photo": helpdesk_jobs.add_late_photo,
    "helpdesk.flag_urgent": helpdesk_jobs.flag_urgent,
    "helpdesk.raise_ticket": helpdesk_jobs.raise_ticket,
    "helpdesk.route": helpdesk_jobs.route,
    "helpdesk.tell_broken": helpdesk_jobs.tell_broken,
    "helpdesk.poll": helpdesk_jobs.poll,
    "helpdesk.import_reply": helpdesk_jobs.import_reply,
    "privacy.export": privacy_jobs.export,
    "privacy.erase": privacy_jobs.erase,
    "privacy.tell_agents": privacy_jobs.tell_agents,
    "privacy.ask_to_erase": privacy_jobs.ask_to_erase,
    "privacy.age_out": privacy_jobs.age_out,
    "privacy.redact_customer": privacy_jobs.redact_customer,
    "privacy.redact_shop": privacy_jobs.redact_shop,
}
"""Every topic of the outbox and the job behind it."""


def react(session: Session, event: Event, now: datetime) -> None:
    """Run what follows now, note what follows later. An event without a row is a mistake."""
    for reaction in REACTIONS[type(event)]:
        if isinstance(reaction, Now):
            reaction.use_case(session, event, now=now)
        elif reaction.when(event):
            session.later(as_work(reaction, event))


def as_work(reaction: Later, event: Event) -> LaterWork:
    values = {field.name: getattr(event, field.name) for field in fields(event)}
    ordering = None if reaction.in_order_of is None else values[reaction.in_order_of]
    return LaterWork(
        shop_id=event.shop_id,
        topic=reaction.topic,
        queue=reaction.queue,
        payload={name: values[name] for name in reaction.ids},
        ordering_key=None
        if ordering is None
        else key_of_order(reaction.topic.partition(".")[0], event.shop_id, ordering),
    )


TOGETHER: Mapping[str, tuple[str, str]] = {
    "checkins.record_answers": ("contact_id", "contact_ids"),
    "messaging.send": ("message_id", "message_ids"),
}
"""Topics whose rows of one shop are worked together: the field of a row, and the argument of the
job that takes all of them. The job is given `over` too, to say which of them are over."""

"""A buyer asks by text for their data or its deletion: written down, answered once, handed on.

`hear_text` follows TextReceived in the door's own transaction, after the text has joined its
thread; `request_privacy` is also for an agent who was asked. A phone proves less than it seems: a
sender's number can be forged, a phone lies on a table. So nothing is deleted at a buyer's first
word: they text back a code that only whoever reads the phone can know (11 CCR 7020(d) allows the
second step), and then the shop has some days to take out what it needs for a dispute. ADR 0022.

Our answer is a text like any other and needs permission: who had opted out hears nothing from us,
and the shop still has the request.
"""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from app.consent.permission import Purpose
from app.consent.record import Evidence, record_revocation
from app.contacts.models import Contact
from app.conversations.open import open_conversation
from app.conversations.reply import OwnText, add_own_text
from app.foundation.db import LaterWork, Session
from app.messaging.events import TextReceived
from app.privacy.ask import Confirmation, Kind, Language, read_ask
from app.privacy.buyer import Buyer
from app.privacy.models import PrivacyRequest
from app.privacy.requests import (
    ERASE_AFTER,
    AlreadyOpen,
    Opened,
    ask_for_code,
    confirm_erasure,
    lock_request,
    open_request,
)
from app.shops.models import Shop

EXPORT: dict[Language, str] = {
    "en": "{brand}: we have your request. The shop will send you what it holds about you by {day}."
    " You need to do nothing more.",
    "es": "{brand}: recibimos tu solicitud. La tienda te enviará los datos que tiene sobre ti"
    " antes del {day}. No tienes que hacer nada más.",
}
ERASE: dict[Language, str] = {
    "en": "{brand}: to delete your texts, photos and details here, reply DELETE {code} within 48"
    " hours. It cannot be undone. The shop keeps its order records.",
    "es": "{brand}: para borrar tus mensajes, fotos y datos, responde BORRAR {code} en 48 horas."
    " No se puede deshacer. La tienda conserva sus pedidos.",
}
CONFIRMED: dict[Language, str] = {
    "en": "{brand}: thank you. Your texts, photos and details here will be deleted on {day}, and"
    " we won't text you again.",
    "es": "{brand}: gracias. Tus mensajes, fotos y datos se borrarán el {day} y no te enviaremos"
    " más mensajes.",
}
MONTHS = (
    "enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto", "septiembre",
    "octubre", "noviembre", "diciembre",
)  # fmt: skip


def hear_text(session: Session, event: TextReceived, *, now: datetime) -> None:
    """What the text asks for is begun; an ordinary text costs no statement."""
    asked = read_ask(event.body)
    if isinstance(asked, Confirmation):
        hear_confirmation(session, event, now=now, asked=asked)
    elif asked is not None:
        request_privacy(
            session,
            now=now,
            shop_id=event.shop_id,
            contact_id=event.contact_id,
            kind=asked.kind,
            source="text",
            language=asked.language,
        )


def request_privacy(
    session: Session, *, now: datetime, shop_id: int, contact_id: int, kind: Kind, source: str,
    language: Language = "en", actor: str = "buyer",
) -> Opened | AlreadyOpen:  # fmt: skip
    """Open the request of one buyer, tell them by one text what happens and by when, and have the
    agents told. Asked again, nothing is added; only a code that ran out is replaced."""
    outcome = open_request(
        session,
        now=now,
        shop_id=shop_id,
        buyer=Buyer(contact_ids=(contact_id,)),
        kind=kind,
        source=source,
        actor=actor,
    )
    request = lock_request(session, outcome.request_id)
    if kind == "export":
        body, key = EXPORT[language], f"privacy:{request.id}"
    else:
        code = ask_for_code(request, now=now)
        body = ERASE[language].replace("{code}", code)
        key = f"privacy:{request.id}:{code}"
    tell_buyer(
        session, now=now, request=request, contact_id=contact_id, body=body, key=key,
        day=request.due_at, language=language,
    )  # fmt: skip
    if isinstance(outcome, Opened):
        tell_agents_later(session, request)
    return outcome


def hear_confirmation(
    session: Session, event: TextReceived, *, now: datetime, asked: Confirmation
) -> None:
    """The right code in time makes the erasure certain, and revokes every consent: whoever wants
    to be forgotten wants no more texts. A wrong code ends the one we sent, so that nobody can try
    them all; one that came too late is replaced."""
    request = session.scalars(
        sa.select(PrivacyRequest)
        .where(PrivacyRequest.shop_id == event.shop_id, PrivacyRequest.kind == "erase")
        .where(PrivacyRequest.state == "open", PrivacyRequest.code.is_not(None))
        .where(PrivacyRequest.contact_ids.contains([event.contact_id]))
        .with_for_update()
    ).first()
    if request is None or request.code_until is None:
        return
    if request.code != asked.code:
        request.code_until = now
        return
    if request.code_until <= now:
        request_privacy(
            session, now=now, shop_id=event.shop_id, contact_id=event.contact_id, kind="erase",
            source="text", language=asked.language,
        )  # fmt: skip
        return
    act_at = now + ERASE_AFTER
    confirm_erasure(session, now=now, request_id=request.id, actor="buyer", act_at=act_at)
    phone = session.scalars(sa.select(Contact.phone).where(Contact.id == event.contact_id)).one()
    record_revocation(
        session,
        now=now,
        shop_id=event.shop_id,
        evidence=Evidence(
            phone=phone,
            purpose="all",
            source="text",
            occurred_at=now,
            wording=event.body,
            message_id=event.message_id,
            detail={"how": "erasure confirmed", "privacy_request": request.id},
        ),
    )
    tell_buyer(
        session, now=now, request=request, contact_id=event.contact_id,
        body=CONFIRMED[asked.language], key=f"privacy:{request.id}:confirmed", day=act_at,
        language=asked.language, purpose=Purpose.OPT_OUT_CONFIRMATION,
    )  # fmt: skip
    tell_agents_later(session, request)


def tell_buyer(
    session: Session, *, now: datetime, request: PrivacyRequest, contact_id: int, body: str,
    key: str, day: datetime, language: Language, purpose: Purpose = Purpose.REPLY,
) -> None:  # fmt: skip
    shop = session.get_one(Shop, request.shop_id)
    thread = open_conversation(
        session, now=now, shop_id=request.shop_id, contact_id=contact_id, order_id=None
    )
    local = day.astimezone(ZoneInfo(shop.timezone))
    named = (
        f"{local:%B} {local.day}"
        if language == "en"
        else f"{local.day} de {MONTHS[local.month - 1]}"
    )
    add_own_text(
        session,
        now=now,
        thread=thread,
        text=OwnText(
            body=body.replace("{brand}", shop.name).replace("{day}", named),
            author="system",
            purpose=purpose,
            key=key,
        ),
    )


def tell_agents_later(session: Session, request: PrivacyRequest) -> None:
    """A note in the ticket, once for each state; without a helpdesk nobody is told there."""
    session.later(
        LaterWork(
            shop_id=request.shop_id,
            topic="privacy.tell_agents",
            queue="sync",
            payload={"request_id": request.id},
        )
    )

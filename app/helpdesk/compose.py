"""The words of comments, notes and tickets. Pure: rows in, paragraphs out.

Called by `plan`, `report_failure` and `receive_reply`. Agents must see at a glance who said what,
so every text of ours carries a label; the buyer's own words carry none. An e-mail is named only to
helpdesks that do not mail whoever has one (`kinds`): our buyers asked for texts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

import structlog

from app.foundation.media import MediaGone, MediaStore
from app.helpdesk.ports import Author, Comment, Numbers, Requester, TicketFile
from app.helpdesk.texts import Photo, Text
from app.messaging.models import Message
from app.orders.models import Fulfillment, Order, OrderLine

log = structlog.get_logger()

TAGS = ("doorstep", "doorstep_sms")
FAILED_TAG = "doorstep_failed"
EXTENSIONS = {"image/jpeg": "jpg", "image/png": "png", "image/gif": "gif"}


@dataclass(frozen=True)
class StoredPhoto:
    storage_key: str
    filename: str
    content_type: str


@dataclass(frozen=True)
class Buyer:
    contact_id: int
    phone: str = field(repr=False)
    first_name: str | None = field(repr=False)
    last_name: str | None = field(repr=False)
    shared_phone: bool  # several customers have it: it is nobody's by name
    email: str | None = field(default=None, repr=False)  # where the helpdesk may know it


@dataclass(frozen=True)
class PlannedComment:
    """A comment whose photos still lie in the media room."""

    author: Author
    paragraphs: tuple[str, ...] = field(repr=False)
    public: bool = True
    photos: tuple[StoredPhoto, ...] = ()
    at: datetime | None = None  # when it was said, if that was before the ticket

    def load(self, media: MediaStore, numbers: Numbers | None) -> Comment:
        """With its photos; one that was erased meanwhile stays away."""
        files = []
        for photo in self.photos:
            try:
                content = media.get(photo.storage_key)
            except MediaGone:
                log.info("photo erased before it was mirrored", filename=photo.filename)
                continue
            files.append(TicketFile(photo.filename, photo.content_type, content))
        return Comment(self.author, self.paragraphs, self.public, tuple(files), numbers, self.at)


def comment_of(texts: Sequence[Text]) -> PlannedComment:
    """Texts of one author as one comment, a paragraph each."""
    author = Author(texts[0].author)
    paragraphs = [label] if (label := _label(texts[0])) else []
    photos: list[StoredPhoto] = []
    for text in texts:
        stored = [photo for one in text.photos if (photo := stored_photo(text.id, one)) is not None]
        photos += stored
        lost = len(text.photos) - len(stored)
        if text.body.strip():
            paragraphs.append(text.body)
        elif stored:
            paragraphs.append("(photo)" if len(stored) == 1 else f"({len(stored)} photos)")
        elif not lost:
            paragraphs.append("(a text without words)")
        if lost == 1:
            paragraphs.append("(A photo came with this text and could not be loaded.)")
        elif lost:
            paragraphs.append(f"({lost} photos came with this text and could not be loaded.)")
    return PlannedComment(author, tuple(paragraphs), photos=tuple(photos))


def stored_photo(message_id: int, one: Photo) -> StoredPhoto | None:
    if one.state != "stored" or not one.storage_key:
        return None
    return StoredPhoto(
        storage_key=one.storage_key,
        filename=f"photo-{message_id}-{one.ordinal + 1}."
        f"{EXTENSIONS.get(one.content_type or '', 'jpg')}",
        content_type=one.content_type or "image/jpeg",
    )


def late_photo(author: str, photo: StoredPhoto) -> PlannedComment:
    """A photo that the ticket already holds as missing. Its name makes the words its own."""
    said = f"({photo.filename} came with an earlier text and could be loaded only now.)"
    return PlannedComment(Author(author), (said,), photos=(photo,))


def _label(text: Text) -> str:
    match Author(text.author):
        case Author.CONTACT:
            return ""
        case Author.ASSISTANT:
            return "Doorstep AI:"
        case Author.AGENT:
            return f"{text.author_name or 'An agent'} via Doorstep:"
        case Author.SYSTEM:
            return "Doorstep:"


def requester_of(buyer: Buyer, shop_domain: str) -> Requester:
    names = () if buyer.shared_phone else (buyer.first_name, buyer.last_name)
    name = " ".join(part.strip() for part in names if part and part.strip())
    return Requester(
        external_id=f"doorstep:{shop_domain}:{buyer.contact_id}",
        name=name or buyer.phone,
        phone=buyer.phone,
        email=None if buyer.shared_phone else buyer.email,
    )


def subject_of(buyer: Buyer, order: Order | None) -> str:
    if order is not None and order.name:
        return f"Delivery care: order {order.name}"
    known = buyer.first_name and not buyer.shared_phone
    return f"Text from {buyer.first_name if known else buyer.phone}"


def order_note(order: Order, zone: str) -> PlannedComment:
    """What an agent would else look up in the shop: order, items with size, parcels."""
    money = f"{order.total_price} {order.currency or ''}".strip() if order.total_price else ""
    facts = [
        f"Order {order.name or order.shopify_id}",
        f"placed {_day(order.placed_at, zone)}" if order.placed_at else "",
        (order.financial_status or "").replace("_", " "),
        money,
        f"cancelled {_day(order.cancelled_at, zone)}" if order.cancelled_at else "",
        "has a return" if order.returned else "",
    ]
    paragraphs = [", ".join(fact for fact in facts if fact)]
    if items := "\n".join(item(line) for line in order.lines if line.current_quantity > 0):
        paragraphs.append(items)
    if parcels := "\n".join(_parcel(one, zone) for one in order.fulfillments):
        paragraphs.append(parcels)
    return PlannedComment(Author.SYSTEM, tuple(paragraphs), public=False)


def item(line: OrderLine) -> str:
    chosen = ", ".join(f"{name}: {value}" for name, value in line.options.items())
    variant = chosen or line.variant_title or ""
    sku = f" [{line.sku}]" if line.sku else ""
    return f"{line.current_quantity} × {line.title}{f' ({variant})' if variant else ''}{sku}"


def _parcel(parcel: Fulfillment, zone: str) -> str:
    tracked = " ".join(part for part in (parcel.tracking_company, parcel.tracking_number) if part)
    if parcel.delivered_at is not None:
        by = "" if parcel.delivered_by == "carrier" else " (assumed, the carrier did not say)"
        fate = f"arrived {moment(parcel.delivered_at, zone)}{by}"
    elif parcel.shipped_at is not None:
        fate = f"shipped {_day(parcel.shipped_at, zone)}, not arrived yet"
    else:
        fate = parcel.status or "on its way"
    return f"Parcel{f' {tracked}' if tracked else ''}: {fate}"


def failure_note(message: Message, cause: str, remedy: str) -> PlannedComment:
    """Why a text of ours will not arrive, and what to do. The text itself, unless long gone."""
    quoted = message.body if len(message.body) <= 300 else f"{message.body[:300]}…"
    said = (
        f"This text did not reach the customer's phone: “{quoted}”"
        if quoted
        else ("A photo of ours did not reach the customer's phone.")
    )
    if message.state == "unknown":
        said = f"It is not known whether this text reached the customer's phone: “{quoted}”"
    return PlannedComment(Author.SYSTEM, (said, f"Why: {cause}", f"What to do: {remedy}"), False)


def unsent_note(why: str) -> PlannedComment:
    """Why an agent's public reply did not become a text, or not all of it."""
    return PlannedComment(Author.SYSTEM, (f"Doorstep: {why}",), public=False)


def opted_out_note() -> PlannedComment:
    """A buyer asked for no more texts in the ticket, and was heard."""
    said = "Doorstep: they ask for no more texts here, so we text them no more."
    remedy = "Answer by e-mail. Only a text of their own (START) brings texts back."
    return PlannedComment(Author.SYSTEM, (said, remedy), public=False)


def _day(moment: datetime, zone: str) -> str:
    local = moment.astimezone(ZoneInfo(zone))
    return f"{local.day} {local:%b %Y}"


def moment(at: datetime, zone: str) -> str:
    local = at.astimezone(ZoneInfo(zone))
    return f"{local.day} {local:%b %Y, %H:%M} {local.tzname()}"

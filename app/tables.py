"""Every table of the product, so that migrations and tests see one metadata."""

from __future__ import annotations

from app.checkins.models import CheckIn
from app.consent.models import ConsentEvent, PermissionRecord
from app.contacts.models import Contact
from app.conversations.models import Conversation, Promise
from app.desk.saved.models import SavedReply
from app.foundation.audit import AuditEntry
from app.foundation.inbox import Receipt
from app.foundation.outbox import OutboxRow
from app.helpdesk.models import HelpdeskAccount, TicketLink, TicketWrite
from app.joining.models import JoinLink
from app.messaging.models import Media, Message, MessageStatus, MessageStatusEvent, Sender
from app.orders.models import Fulfillment, Order, OrderLine
from app.privacy.models import PrivacyRequest
from app.proof.models import AuditChain, AuditSeal, TextRecord
from app.shops.models import Shop, ShopPreferences, ShopToken, Staff

ALL_TABLES = (
    Shop,
    ShopToken,
    ShopPreferences,
    Staff,
    Contact,
    Order,
    OrderLine,
    Fulfillment,
    ConsentEvent,
    PermissionRecord,
    Sender,
    Message,
    Media,
    MessageStatus,
    MessageStatusEvent,
    Conversation,
    Promise,
    CheckIn,
    JoinLink,
    HelpdeskAccount,
    TicketLink,
    TicketWrite,
    PrivacyRequest,
    SavedReply,
    Receipt,
    OutboxRow,
    AuditEntry,
    TextRecord,
    AuditChain,
    AuditSeal,
)

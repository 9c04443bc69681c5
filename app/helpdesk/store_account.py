"""A helpdesk account is stored, encrypted, and its webhook asked for.

Called by the callback door in `api`, the one place besides the app's page where a request waits
for a vendor: the code lives two minutes, and the admin is watching. Connecting the same account
again keeps its webhook, its tickets and its limits. A shop has one helpdesk: another account, of
whichever kind, takes the place of the one before and ends the ties to its tickets. One of another
kind does so only once it listens, so that a switch that fails leaves the working one as it was.
"""

from __future__ import annotations

import contextlib
import secrets
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
import structlog

from app.foundation import audit
from app.foundation.db import Session
from app.foundation.errors import Misconfigured, Permanent, VendorFailure
from app.helpdesk.catch_up import catch_up
from app.helpdesk.connect import Arrival
from app.helpdesk.kinds import KINDS
from app.helpdesk.models import LIVE, HelpdeskAccount, TicketLink
from app.helpdesk.needs import DoorNeeds
from app.helpdesk.ports import HelpdeskAccess, HookSubscription, Tokens
from app.helpdesk.tokens import authorisation_of, helpdesk_of
from app.shops.models import Shop

log = structlog.get_logger()


class NoWebhook(Permanent):
    """The helpdesk refused to tell us of replies: whoever connected it is no admin there."""


@dataclass(frozen=True)
class Connected:
    account_id: int
    subdomain: str
    caught_up: int  # threads whose texts are on their way into tickets


def store_account(tools: DoorNeeds, *, arrival: Arrival, code: str) -> Connected:
    """Exchange the code, store the account, subscribe. Raises Disconnected, Temporary,
    Unknowable, NoWebhook; then the account, if it was stored, says what is wrong."""
    helpdesk = helpdesk_of(tools, arrival.kind)
    tokens = authorisation_of(tools, arrival.kind).exchange(
        subdomain=arrival.subdomain, code=code, code_verifier=arrival.code_verifier
    )
    access = HelpdeskAccess(0, arrival.subdomain, tokens.access_token)
    bot_user_id = helpdesk.who_am_i(access)
    with tools.db.shop(arrival.shop_id) as session:
        left = _left_behind(session, tools, arrival)
        account = _upsert(session, tools, arrival, tokens, bot_user_id)
        account_id, door_key = account.id, account.door_key
    try:
        hook = helpdesk.subscribe(
            HelpdeskAccess(account_id, arrival.subdomain, tokens.access_token, bot_user_id),
            f"{tools.public_url}/webhooks/{arrival.kind}/{door_key}",
        )
    except VendorFailure as error:
        _note_problem(tools, arrival, account_id)
        if isinstance(error, Permanent):
            raise NoWebhook(arrival.kind, "no webhook", status=error.status) from error
        raise
    with tools.db.shop(arrival.shop_id) as session:
        caught_up = _finish(session, tools, arrival, account_id, hook)
    if left is not None:
        _unsubscribe(tools, left)
    log.info("helpdesk connected", shop_id=arrival.shop_id, account_id=account_id)
    return Connected(account_id, arrival.subdomain, caught_up)


def _upsert(
    session: Session, tools: DoorNeeds, arrival: Arrival, tokens: Tokens, bot_user_id: str
) -> HelpdeskAccount:
    now = tools.clock.now()
    account = _account(session, arrival)
    if account is None or account.subdomain != arrival.subdomain:
        if account is None:
            account = HelpdeskAccount(
                shop_id=arrival.shop_id, kind=arrival.kind, state="disconnected"
            )
            session.add(account)
        else:
            _end_links(session, account.id)
        account.subdomain = arrival.subdomain
        account.door_key = secrets.token_urlsafe(32)
        account.webhook_id = account.webhook_secret = None
        account.connected_at = now
    account.access_token = tools.keys.encrypt(tokens.access_token)
    account.refresh_token = tools.keys.encrypt(tokens.refresh_token)
    account.expires_at = tokens.expires_at
    account.refresh_expires_at = tokens.refresh_expires_at
    account.refreshing_until = None
    account.bot_user_id = bot_user_id
    audit.record(
        session,
        now=now,
        shop_id=arrival.shop_id,
        actor="merchant",
        action="helpdesk.connected",
        subject=f"helpdesk:{arrival.kind}",
        subdomain=arrival.subdomain,
    )
    session.flush()
    return account


def _account(session: Session, arrival: Arrival) -> HelpdeskAccount | None:
    return session.scalars(
        sa.select(HelpdeskAccount)
        .where(HelpdeskAccount.shop_id == arrival.shop_id, HelpdeskAccount.kind == arrival.kind)
        .with_for_update()
    ).one_or_none()


def _retire_others(session: Session, arrival: Arrival) -> None:
    """Of another kind: a text must not find two helpdesks, nor a tie to a ticket that is out of
    reach, as one that was disconnected before leaves it."""
    name = KINDS[arrival.kind].name
    for other in session.scalars(
        sa.select(HelpdeskAccount).where(
            HelpdeskAccount.shop_id == arrival.shop_id,
            HelpdeskAccount.kind != arrival.kind,
        )
    ):
        other.state, other.problem = "disconnected", f"{name} was connected in its place."
        other.webhook_id = other.webhook_secret = None
        _end_links(session, other.id)


def _end_links(session: Session, account_id: int) -> None:
    session.execute(
        sa.update(TicketLink)
        .where(TicketLink.account_id == account_id, TicketLink.state.in_(LIVE))
        .values(state="gone")
    )


def _finish(
    session: Session, tools: DoorNeeds, arrival: Arrival, account_id: int, hook: HookSubscription
) -> int:
    # Of two sign-ins at once, the later one retires the other.
    session.execute(
        sa.select(Shop.id).where(Shop.id == arrival.shop_id).with_for_update(key_share=True)
    )
    _retire_others(session, arrival)
    account = session.get_one(HelpdeskAccount, account_id)
    account.state, account.problem = "connected", None
    account.webhook_id = hook.webhook_id
    account.webhook_secret = tools.keys.encrypt(hook.secret)
    now: datetime = tools.clock.now()
    return catch_up(session, account=account, until=now)


def _note_problem(tools: DoorNeeds, arrival: Arrival, account_id: int) -> None:
    name = KINDS[arrival.kind].name
    with tools.db.shop(arrival.shop_id) as session:
        account = session.get_one(HelpdeskAccount, account_id)
        account.state = "disconnected"
        account.problem = (
            f"{name} did not let Doorstep listen for replies. Connect again as an admin of"
            f" your {name}."
        )


@dataclass(frozen=True)
class _Left:
    kind: str
    access: HelpdeskAccess
    webhook_id: str


def _left_behind(session: Session, tools: DoorNeeds, arrival: Arrival) -> _Left | None:
    """The webhook in another account that this one takes the place of."""
    account = session.scalars(
        sa.select(HelpdeskAccount)
        .where(
            HelpdeskAccount.shop_id == arrival.shop_id,
            HelpdeskAccount.webhook_id.is_not(None),
            HelpdeskAccount.access_token != "",  # of a shop that was gone nothing opens it
            sa.or_(
                HelpdeskAccount.kind != arrival.kind,
                HelpdeskAccount.subdomain != arrival.subdomain,
            ),
        )
        .limit(1)
    ).one_or_none()
    if account is None or account.webhook_id is None:
        return None
    token = tools.keys.decrypt(account.access_token)
    access = HelpdeskAccess(account.id, account.subdomain, token)
    return _Left(account.kind, access, account.webhook_id)


def _unsubscribe(tools: DoorNeeds, left: _Left) -> None:
    # Its door is closed by now, so a webhook that stays only knocks in vain.
    with contextlib.suppress(VendorFailure, Misconfigured):
        helpdesk_of(tools, left.kind).unsubscribe(left.access, left.webhook_id)

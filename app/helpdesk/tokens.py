"""The authorisation of a helpdesk account: used while fresh, renewed by one at a time.

Called by every job that talks to a helpdesk, through `open_desk`. At Zendesk refreshing kills both
old tokens (developer.zendesk.com, "OAuth tokens"), so one lease per account decides who refreshes:
a column set by compare-and-set, since no transaction may stay open across the call. The lease is
the database's time; when tokens end is the domain's.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NoReturn

import sqlalchemy as sa
import structlog

from app.foundation.crypto import KeyRing
from app.foundation.db import Session
from app.foundation.errors import Misconfigured, Temporary, Unknowable, VendorFailure
from app.foundation.outbox import Postponed
from app.helpdesk.kinds import KINDS
from app.helpdesk.models import HelpdeskAccount
from app.helpdesk.needs import Needs
from app.helpdesk.ports import Disconnected, Helpdesk, HelpdeskAccess, HelpdeskAuthorisation, Tokens

log = structlog.get_logger()

REFRESH_BEFORE = timedelta(minutes=5)
LEASE_SECONDS = 75  # longer than two refresh calls with all their time-outs
SLOW_DOWN_SECONDS = 30.0  # after a 429 that names no time

TAKE_LEASE = """
UPDATE helpdesk_accounts SET refreshing_until = now() + make_interval(secs => %s)
WHERE id = %s AND state = 'connected' AND access_token = %s
  AND (refreshing_until IS NULL OR refreshing_until < now())
RETURNING kind, subdomain, refresh_token, bot_user_id, refreshing_until
"""
# Only our own: once it has run out, another may hold one.
RELEASE_LEASE = """
UPDATE helpdesk_accounts SET refreshing_until = NULL WHERE id = %s AND refreshing_until = %s
"""


@dataclass(frozen=True)
class Desk:
    """One shop's helpdesk, ready to be talked to."""

    shop_id: int
    account_id: int
    helpdesk: Helpdesk
    access: HelpdeskAccess


@contextmanager
def open_desk(
    tools: Needs, *, shop_id: int, kind: str, account_id: int, access: HelpdeskAccess | None = None
) -> Iterator[Desk]:
    """The helpdesk with valid access; what it refuses inside comes out as what follows from it.

    Rate limited: Postponed, for that is no failure. Token refused: another try with newer tokens
    (Temporary), or Disconnected once even refreshing is refused; the account then says so.
    """
    access = access or access_for(tools, shop_id=shop_id, account_id=account_id)
    try:
        yield Desk(shop_id, account_id, helpdesk_of(tools, kind), access)
    except Disconnected:
        _renew_refused(tools, shop_id, access)
    except Temporary as error:
        if error.status == 401:
            _renew_refused(tools, shop_id, access)
        if error.status == 429:
            seconds = error.retry_after or SLOW_DOWN_SECONDS
            raise Postponed(seconds, "the helpdesk asked us to slow down") from error
        raise


def helpdesk_of(tools: Needs, kind: str) -> Helpdesk:
    try:
        return tools.helpdesks[kind]
    except KeyError:
        raise Misconfigured(f"This installation has no adapter for helpdesk {kind!r}.") from None


def authorisation_of(tools: Needs, kind: str) -> HelpdeskAuthorisation:
    try:
        return tools.helpdesk_authorisations[kind]
    except KeyError:
        upper = kind.upper()
        raise Misconfigured(
            f"{KINDS[kind].name} cannot be connected: set {upper}_CLIENT_ID and"
            f" {upper}_CLIENT_SECRET of your OAuth client."
        ) from None


def access_for(tools: Needs, *, shop_id: int, account_id: int) -> HelpdeskAccess:
    """Access with a token that is good for minutes. Raises Disconnected, Temporary, Postponed."""
    with tools.db.shop(shop_id) as session:
        account = _connected(session, account_id)
    ready = ready_access(
        tools.keys,
        tools.clock.now(),
        account_id=account.id,
        subdomain=account.subdomain,
        access_token=account.access_token,
        expires_at=account.expires_at,
        bot_user_id=account.bot_user_id,
    )
    return ready or _refresh(tools, shop_id, account_id, account.access_token)


def ready_access(
    keys: KeyRing,
    now: datetime,
    *,
    account_id: int,
    subdomain: str,
    access_token: str,
    expires_at: datetime,
    bot_user_id: str,
) -> HelpdeskAccess | None:
    """Access from the row as it is, or None when its (encrypted) token is about to end."""
    if expires_at - now < REFRESH_BEFORE:
        return None
    return HelpdeskAccess(account_id, subdomain, keys.decrypt(access_token), bot_user_id)


def _connected(session: Session, account_id: int) -> HelpdeskAccount:
    account = session.get(HelpdeskAccount, account_id)
    if account is None or account.state != "connected":
        raise Disconnected("helpdesk", "the account is not connected")
    return account


def _refresh(tools: Needs, shop_id: int, account_id: int, stale: str) -> HelpdeskAccess:
    """New tokens in place of the pair whose (encrypted) access token is `stale`."""
    with tools.db.shop(shop_id) as session:
        row = session.sql(TAKE_LEASE, LEASE_SECONDS, account_id, stale).one_or_none()
    if row is None:
        raise Postponed(1, "the helpdesk's tokens are being refreshed")
    refresh_token = tools.keys.decrypt(row.refresh_token)
    try:
        tokens = _ask(authorisation_of(tools, row.kind), row.subdomain, refresh_token)
    except Disconnected:
        _disconnect(tools, shop_id, account_id, row.kind, row.refresh_token)
        raise
    except VendorFailure as error:
        _release(tools, shop_id, account_id, row.refreshing_until)
        raise Postponed(15, "the helpdesk did not refresh our tokens yet") from error
    except Exception:
        _release(tools, shop_id, account_id, row.refreshing_until)
        raise
    with tools.db.shop(shop_id) as session:
        _of_pair(
            session,
            account_id,
            row.refresh_token,
            access_token=tools.keys.encrypt(tokens.access_token),
            refresh_token=tools.keys.encrypt(tokens.refresh_token),
            expires_at=tokens.expires_at,
            refresh_expires_at=tokens.refresh_expires_at,
            refreshing_until=None,
        )
    log.info("helpdesk tokens refreshed", shop_id=shop_id, account_id=account_id)
    return HelpdeskAccess(account_id, row.subdomain, tokens.access_token, row.bot_user_id)


def _ask(authorisation: HelpdeskAuthorisation, subdomain: str, refresh_token: str) -> Tokens:
    try:
        return authorisation.refresh(subdomain=subdomain, refresh_token=refresh_token)
    except Unknowable:
        # If the lost answer held a new pair, ours is dead and this says so; else it is the answer.
        return authorisation.refresh(subdomain=subdomain, refresh_token=refresh_token)


def _release(tools: Needs, shop_id: int, account_id: int, lease: datetime) -> None:
    """Nothing was refreshed: whoever comes next may try at once."""
    with tools.db.shop(shop_id) as session:
        session.sql(RELEASE_LEASE, account_id, lease)


def _renew_refused(tools: Needs, shop_id: int, used: HelpdeskAccess) -> NoReturn:
    """A token was refused: was it an old one, or does even refreshing fail?"""
    with tools.db.shop(shop_id) as session:
        account = _connected(session, used.account_id)
        is_old = tools.keys.decrypt(account.access_token) != used.access_token
    if not is_old:
        _refresh(tools, shop_id, used.account_id, account.access_token)
    # Counts as a try, so that a helpdesk which refuses every token is shown in the end.
    raise Temporary(account.kind, "our tokens were refreshed", status=401, retry_after=1)


def _disconnect(tools: Needs, shop_id: int, account_id: int, kind: str, refresh_token: str) -> None:
    name = KINDS[kind].name
    with tools.db.shop(shop_id) as session:
        _of_pair(
            session,
            account_id,
            refresh_token,
            state="disconnected",
            refreshing_until=None,
            problem=f"{name} no longer accepts our authorisation. Connect {name} again: texts"
            " that came meanwhile are then added to their tickets.",
        )
    log.warning("helpdesk disconnected", shop_id=shop_id, account_id=account_id)


def _of_pair(session: Session, account_id: int, pair: str, **values: object) -> None:
    """Update the account if it still has the pair with this (encrypted) refresh token; a
    reconnect meanwhile has won."""
    session.execute(
        sa.update(HelpdeskAccount)
        .where(HelpdeskAccount.id == account_id, HelpdeskAccount.refresh_token == pair)
        .values(**values)
    )
